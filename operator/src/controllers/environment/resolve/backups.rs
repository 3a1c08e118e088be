//! When backups run, where they go, and what is promised.

use super::{Endpoints, Problem, References, endpoints, variables};
use crate::crd::{BackupsSpec, ChatbotEnvironment, Duration, Repository, TierDefaults};

/// What the Secret of a repository must have.
pub const OF_A_BUCKET: [&str; 3] = ["MINIO_URL", "MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"];

/// The spec's backups over the tier's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backups {
    /// Whether schedules are stopped.
    pub suspend: bool,
    /// Cron schedule (UTC) of incremental backups, if any.
    pub incremental: Option<String>,
    /// Cron schedule (UTC) of full backups, if any.
    pub full: Option<String>,
    /// Cron schedule (UTC) of rehearsed restores, if any.
    pub drill: Option<String>,
    /// Of how many hours the last backup is kept.
    pub keep_hourly: u32,
    /// Of how many days the last backup is kept.
    pub keep_daily: u32,
    /// Where backups are written; the environment's own object store when unset.
    pub repository: Option<Repository>,
    /// Where full backups are copied.
    pub offsite: Option<Repository>,
    /// How old the newest good backup may be.
    pub rpo: Duration,
    /// How long a rehearsed restore may take.
    pub rto: Duration,
    /// Where buckets with Secrets of their own are.
    pub endpoints: Endpoints,
}

/// Hours that the newest backup may be old by default: with one every half an hour, and with one a day.
const ONE_MISSED: u64 = 1;
const ONE_DAY_MISSED: u64 = 25;

impl Backups {
    pub(super) fn of(spec: &BackupsSpec, defaults: &TierDefaults, endpoints: Endpoints) -> Self {
        let defaults = &defaults.backups;
        let incremental = schedule(spec.schedules.incremental.as_deref(), defaults.incremental);
        let usual = if incremental.is_some() { ONE_MISSED } else { ONE_DAY_MISSED };
        Self {
            suspend: spec.suspend,
            rpo: spec.rpo.unwrap_or(Duration::from_hours(usual)),
            incremental,
            full: schedule(spec.schedules.full.as_deref(), defaults.full),
            drill: schedule(spec.schedules.drill.as_deref(), defaults.drill),
            keep_hourly: spec.retention.hourly.unwrap_or(defaults.keep_hourly),
            keep_daily: spec.retention.daily.unwrap_or(defaults.keep_daily),
            repository: spec.repository.clone(),
            offsite: spec.offsite.clone(),
            rto: spec.rto,
            endpoints,
        }
    }

    /// Whether backups are made by themselves.
    #[must_use]
    pub const fn are_scheduled(&self) -> bool {
        !self.suspend && (self.incremental.is_some() || self.full.is_some())
    }

    /// Whether anything is to be backed up or rehearsed by itself.
    #[must_use]
    pub const fn has_schedule(&self) -> bool {
        self.incremental.is_some() || self.full.is_some() || self.drill.is_some()
    }
}

/// The Secrets that the repositories name, each once.
#[must_use]
pub fn secrets(spec: &BackupsSpec) -> Vec<&str> {
    let places = [&spec.repository, &spec.offsite].into_iter().flatten();
    let mut names: Vec<_> =
        places.filter_map(|place| place.secret_ref.as_ref()).map(|secret| secret.name.as_str()).collect();
    names.dedup();
    names
}

/// What the repositories' Secrets lack.
pub(super) fn problems(environment: &ChatbotEnvironment, references: &References) -> Vec<Problem> {
    let namespace = environment.metadata.namespace.clone().unwrap_or_default();
    let lacks = |name: &str| {
        let secret = name.to_owned();
        let Some(data) = references.repositories.get(name) else {
            let keys = OF_A_BUCKET.to_vec();
            return Some(Problem::SecretNotFound { secret, namespace: namespace.clone(), keys });
        };
        let keys = variables::missing(&data.variables().0, &OF_A_BUCKET);
        (!keys.is_empty()).then_some(Problem::KeysMissing { secret, keys })
    };
    secrets(&environment.spec.backups).into_iter().filter_map(lacks).collect()
}

/// Where the repositories' buckets are.
pub(super) fn reached(references: &References, namespace: &str) -> Endpoints {
    let each = references.repositories.values().map(|secret| endpoints::endpoints(&secret.variables().0, namespace));
    each.fold(Endpoints::default(), Endpoints::and)
}

/// An empty text switches the tier's schedule off.
fn schedule(given: Option<&str>, default: Option<&str>) -> Option<String> {
    given.or(default).filter(|schedule| !schedule.is_empty()).map(str::to_owned)
}
