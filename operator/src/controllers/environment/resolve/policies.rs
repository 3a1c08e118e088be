//! How releases, migrations and monitoring behave.

use std::collections::BTreeMap;

use super::Apis;
use super::workloads::seconds;
use crate::crd::{
    Analysis, Duration, MigrationsSpec, MonitoringLevel, MonitoringSpec, OnFailure, OnRollback, Promotion, ReleaseSpec,
    Strategy, TierDefaults,
};

/// How a release is rolled out, watched and taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleasePolicy {
    /// What the spec and its tier ask for.
    pub strategy: Strategy,
    /// Who lets a checked candidate take the traffic.
    pub promotion: Promotion,
    /// How long the candidate's pods may take to become ready and pass the checks.
    pub check_timeout: Duration,
    /// How long the new colour is watched.
    pub bake: Duration,
    /// What counts as bad in the bake.
    pub analysis: Analysis,
    /// What happens to a release that fails in its bake.
    pub on_failure: OnFailure,
}

impl ReleasePolicy {
    pub(super) fn of(spec: &ReleaseSpec, defaults: &TierDefaults) -> Self {
        Self {
            strategy: spec.strategy.unwrap_or(defaults.strategy),
            promotion: spec.promotion,
            check_timeout: spec.check_timeout,
            bake: spec.bake.unwrap_or(defaults.bake),
            analysis: spec.analysis.clone(),
            on_failure: spec.on_failure,
        }
    }

    /// After how many seconds without progress a Deployment is called failed.
    #[must_use]
    pub fn progress_deadline_seconds(&self) -> i32 {
        i32::try_from(seconds(self.check_timeout)).unwrap_or(i32::MAX)
    }
}

/// How the schema moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrations {
    /// Whether a backup is made before migrating.
    pub backup_first: bool,
    /// Whether a release is blocked while that backup cannot be made.
    pub backup_required: bool,
    /// How long the migrations of one release may take.
    pub timeout: Duration,
    /// Whether a rollback takes the schema back.
    pub on_rollback: OnRollback,
}

impl Migrations {
    pub(super) fn of(spec: &MigrationsSpec, defaults: &TierDefaults) -> Self {
        Self {
            backup_first: spec.backup_first.unwrap_or(defaults.backup_first),
            backup_required: defaults.backup_required,
            timeout: spec.timeout,
            on_rollback: spec.on_rollback,
        }
    }

    /// [`Self::timeout`] in whole seconds.
    #[must_use]
    pub fn timeout_seconds(&self) -> i64 {
        seconds(self.timeout)
    }
}

/// Objects for Prometheus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitoring {
    /// What the spec and its tier ask for.
    pub level: MonitoringLevel,
    /// Whether a ServiceMonitor is made for the app: asked for, and its kind known to the cluster.
    pub service_monitor: bool,
    /// Whether a PodMonitor is made for the workers: asked for, and its kind known to the cluster.
    pub pod_monitor: bool,
    /// Whether alerts are made: asked for, and their kind known to the cluster.
    pub prometheus_rule: bool,
    /// Labels by which a Prometheus chooses its objects.
    pub labels: BTreeMap<String, String>,
}

impl Monitoring {
    pub(super) fn of(spec: &MonitoringSpec, defaults: &TierDefaults, apis: Apis) -> Self {
        let level = spec.level.unwrap_or(defaults.monitoring);
        let wanted = level != MonitoringLevel::None;
        Self {
            level,
            service_monitor: wanted && apis.service_monitor,
            pod_monitor: wanted && apis.pod_monitor,
            prometheus_rule: level == MonitoringLevel::Full && apis.prometheus_rule,
            labels: spec.labels.clone(),
        }
    }
}
