//! When backups run, where they go, and what is promised.

use crate::crd::{BackupsSpec, Duration, Repository, TierDefaults};

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
}

impl Backups {
    pub(super) fn of(spec: &BackupsSpec, defaults: &TierDefaults) -> Self {
        let defaults = &defaults.backups;
        Self {
            suspend: spec.suspend,
            incremental: schedule(spec.schedules.incremental.as_deref(), defaults.incremental),
            full: schedule(spec.schedules.full.as_deref(), defaults.full),
            drill: schedule(spec.schedules.drill.as_deref(), defaults.drill),
            keep_hourly: spec.retention.hourly.unwrap_or(defaults.keep_hourly),
            keep_daily: spec.retention.daily.unwrap_or(defaults.keep_daily),
            repository: spec.repository.clone(),
            offsite: spec.offsite.clone(),
            rpo: spec.rpo,
            rto: spec.rto,
        }
    }

    /// Whether anything is to be backed up or rehearsed.
    #[must_use]
    pub fn are_wanted(&self) -> bool {
        let schedules = [&self.incremental, &self.full, &self.drill];
        let any_schedule = schedules.into_iter().any(Option::is_some);
        any_schedule || self.repository.is_some() || self.offsite.is_some()
    }
}

/// An empty text switches the tier's schedule off.
fn schedule(given: Option<&str>, default: Option<&str>) -> Option<String> {
    given.or(default).filter(|schedule| !schedule.is_empty()).map(str::to_owned)
}
