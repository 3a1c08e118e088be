//! The tiers and what each means: the one table of defaults. A field of the spec lies over its row here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, MonitoringLevel, Strategy};

/// How much care an environment gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// For development: small, verbose, without backups.
    Dev,
    /// For trials before production: production's procedures at a smaller size.
    Stage,
    /// For users.
    Prod,
}

impl Tier {
    /// Every tier, from the least to the most careful.
    pub const ALL: [Self; 3] = [Self::Dev, Self::Stage, Self::Prod];

    /// The name as written in the spec, in labels and in the variable ENVIRONMENT.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Stage => "stage",
            Self::Prod => "prod",
        }
    }

    /// The prefix that keeps this environment's data apart on shared services.
    #[must_use]
    pub fn resource_prefix(self) -> String {
        format!("{}_", self.as_str())
    }
}

impl std::fmt::Display for Tier {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Requests and limits of one container, in Kubernetes' notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceDefaults {
    /// CPU the scheduler sets aside.
    pub cpu_request: &'static str,
    /// Memory the scheduler sets aside.
    pub memory_request: &'static str,
    /// CPU above which the container is throttled.
    pub cpu_limit: &'static str,
    /// Memory above which the container is killed.
    pub memory_limit: &'static str,
}

/// When backups run and how long they are kept. An absent schedule never runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupDefaults {
    /// Cron schedule (UTC) of incremental backups.
    pub incremental: Option<&'static str>,
    /// Cron schedule (UTC) of full backups.
    pub full: Option<&'static str>,
    /// Cron schedule (UTC) of rehearsed restores.
    pub drill: Option<&'static str>,
    /// How many hourly backups are kept.
    pub keep_hourly: u32,
    /// How many daily backups are kept.
    pub keep_daily: u32,
    /// Whether the daily backup is copied to a second repository when one is named.
    pub offsite: bool,
}

/// One column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a table of independent switches, not a state")]
pub struct TierDefaults {
    /// Value of DEBUG.
    pub debug: bool,
    /// Value of LOG_LEVEL.
    pub log_level: &'static str,
    /// Server threads of one app pod (WORKERS).
    pub app_workers: u32,
    /// App pods.
    pub app_replicas: i32,
    /// Worker pods.
    pub worker_replicas: i32,
    /// Resources of an app pod.
    pub app_resources: ResourceDefaults,
    /// Resources of a worker pod.
    pub worker_resources: ResourceDefaults,
    /// Resources of the task monitor's pod.
    pub monitor_resources: ResourceDefaults,
    /// How a release replaces the running one.
    pub strategy: Strategy,
    /// How long the new colour is watched while the old stays ready.
    pub bake: Duration,
    /// Whether a backup is made before migrating.
    pub backup_first: bool,
    /// Whether a release is blocked while that backup cannot be made.
    pub backup_required: bool,
    /// Schedules and retention of backups.
    pub backups: BackupDefaults,
    /// How much monitoring is set up.
    pub monitoring: MonitoringLevel,
    /// Whether a host needs TLS.
    pub tls_required: bool,
    /// Whether DATABASE_URL must say `sslmode=require` or better.
    pub database_tls_required: bool,
    /// Whether pods are protected by a PodDisruptionBudget.
    pub disruption_budget: bool,
    /// Whether pods are spread over nodes and zones.
    pub topology_spread: bool,
}

/// For a page that one or two people look at.
const TINY: ResourceDefaults = resources(["50m", "64Mi"], ["500m", "256Mi"]);
const SMALL: ResourceDefaults = resources(["100m", "128Mi"], ["1", "512Mi"]);
const MEDIUM: ResourceDefaults = resources(["250m", "256Mi"], ["1", "1Gi"]);
const LARGE_APP: ResourceDefaults = resources(["1", "1Gi"], ["2", "2Gi"]);
const LARGE_WORKER: ResourceDefaults = resources(["1", "512Mi"], ["2", "2Gi"]);

const NO_BACKUPS: BackupDefaults =
    BackupDefaults { incremental: None, full: None, drill: None, keep_hourly: 0, keep_daily: 0, offsite: false };
const DAILY_BACKUPS: BackupDefaults = BackupDefaults { full: Some("0 2 * * *"), keep_daily: 7, ..NO_BACKUPS };
/// Every half hour, so that the worst case (a failed run and the next one still running) stays inside an RPO of one hour.
const FULL_BACKUPS: BackupDefaults = BackupDefaults {
    incremental: Some("*/30 * * * *"),
    full: Some("0 2 * * *"),
    drill: Some("0 4 * * 0"),
    keep_hourly: 48,
    keep_daily: 30,
    offsite: true,
};

/// The table of defaults.
#[must_use]
#[rustfmt::skip]
pub fn defaults(tier: Tier) -> TierDefaults {
    TierDefaults {
        //                              dev                       stage                         prod
        debug:                 of(tier, true,                     false,                        false),
        log_level:             of(tier, "DEBUG",                  "INFO",                       "WARNING"),
        app_workers:           of(tier, 1,                        2,                            4),
        app_replicas:          of(tier, 1,                        2,                            3),
        worker_replicas:       of(tier, 1,                        1,                            2),
        app_resources:         of(tier, SMALL,                    MEDIUM,                       LARGE_APP),
        worker_resources:      of(tier, SMALL,                    MEDIUM,                       LARGE_WORKER),
        monitor_resources:     of(tier, TINY,                     TINY,                         SMALL),
        strategy:              of(tier, Strategy::Rolling,        Strategy::BlueGreen,          Strategy::BlueGreen),
        bake:                  of(tier, Duration::from_secs(0),   Duration::from_minutes(10),   Duration::from_hours(1)),
        backup_first:          of(tier, true,                     true,                         true),
        backup_required:       of(tier, false,                    false,                        true),
        backups:               of(tier, NO_BACKUPS,               DAILY_BACKUPS,                FULL_BACKUPS),
        monitoring:            of(tier, MonitoringLevel::None,    MonitoringLevel::Basic,       MonitoringLevel::Full),
        tls_required:          of(tier, false,                    true,                         true),
        database_tls_required: of(tier, false,                    false,                        true),
        disruption_budget:     of(tier, false,                    true,                         true),
        topology_spread:       of(tier, false,                    true,                         true),
    }
}

fn of<T>(tier: Tier, dev: T, stage: T, prod: T) -> T {
    match tier {
        Tier::Dev => dev,
        Tier::Stage => stage,
        Tier::Prod => prod,
    }
}

const fn resources(requests: [&'static str; 2], limits: [&'static str; 2]) -> ResourceDefaults {
    let ([cpu_request, memory_request], [cpu_limit, memory_limit]) = (requests, limits);
    ResourceDefaults { cpu_request, memory_request, cpu_limit, memory_limit }
}
