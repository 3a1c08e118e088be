//! What is done at fixed times.
//!
//! River's own periodic jobs live in the memory of the process that leads: what was due while nobody led is lost, and nobody can
//! see when a schedule ran last. So each schedule has a row. Whoever finds it due and locks it asks for the job in the same
//! transaction, so that one run is one job, whoever dies when. A run that was missed is made up for once.

use jiff::Timestamp;
use riverqueue::{CronSchedule, CronTimeZone, JobArgs, PeriodicSchedule};
use sqlx::{PgPool, Postgres, Transaction};

use super::{Queue, QueueError, QueueName, tidy::TidyHistory};
use crate::store::{StoreError, jobs::schedules};

/// A schedule of this release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// The history of jobs is cut to its length.
    TidyHistory,
}

/// A schedule cannot be looked after now; the next look tries again.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The program's own fault.
    #[error("the schedule {0} is never due: correct its times")]
    Never(&'static str),
}

impl From<sqlx::Error> for ScheduleError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

/// What came of asking for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// This job was asked for.
    Enqueued(i64),
    /// The last run is not over: this is its job.
    AlreadyAtIt(i64),
    /// Somebody else asks for it at this moment, or no worker has made the schedule known yet.
    Held,
}

impl Schedule {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::TidyHistory];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TidyHistory => "tidy-history",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|schedule| schedule.name() == name)
    }

    /// When it runs, UTC.
    const fn cron(self) -> &'static str {
        match self {
            Self::TidyHistory => "17 3 * * *",
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::TidyHistory => TidyHistory::KIND,
        }
    }

    /// When it is due after `now`.
    fn next(self, now: Timestamp) -> Result<Timestamp, ScheduleError> {
        let cron = CronSchedule::parse(self.cron()).map_err(|_| ScheduleError::Never(self.name()))?;
        cron.with_time_zone(CronTimeZone::Utc).next(now).ok_or(ScheduleError::Never(self.name()))
    }
}

/// Makes this release's schedules known.
///
/// # Errors
/// See [`ScheduleError`].
pub async fn declare(db: &PgPool, now: Timestamp) -> Result<(), ScheduleError> {
    for schedule in Schedule::ALL {
        let declared = schedules::Declared {
            name: schedule.name(),
            cron: schedule.cron(),
            kind: schedule.kind(),
            queue: QueueName::Low.as_str(),
        };
        schedules::declare(db, declared, schedule.next(now)?).await?;
    }
    Ok(())
}

/// Asks for what is due; answers how many jobs.
///
/// # Errors
/// See [`ScheduleError`].
pub async fn tick(db: &PgPool, queue: &Queue, now: Timestamp) -> Result<usize, ScheduleError> {
    let mut enqueued = 0;
    for schedule in Schedule::ALL {
        enqueued += usize::from(run_if_due(db, queue, schedule, now).await?);
    }
    Ok(enqueued)
}

async fn run_if_due(db: &PgPool, queue: &Queue, schedule: Schedule, now: Timestamp) -> Result<bool, ScheduleError> {
    let mut tx = db.begin().await?;
    let Some(row) = schedules::lock(&mut tx, schedule.name()).await?.filter(|row| row.next_run_at <= now) else {
        return Ok(false);
    };
    schedules::is_due_at(&mut *tx, schedule.name(), schedule.next(now)?).await?;
    let is_at_it = row.is_at_it();
    if is_at_it {
        tracing::warn!(
            schedule = schedule.name(),
            job_id = row.last_job_id,
            "due again, and the last run is not over: left out"
        );
    } else {
        let job = queue.enqueue_scheduled(&mut tx, schedule).await?;
        schedules::ran(&mut *tx, schedule.name(), now, job).await?;
    }
    tx.commit().await?;
    Ok(!is_at_it)
}

/// Asks for a run now, in the caller's transaction, unless the last one is not over; when it is due next stays as it was.
///
/// # Errors
/// See [`ScheduleError`].
pub async fn run_now(
    tx: &mut Transaction<'_, Postgres>,
    queue: &Queue,
    schedule: Schedule,
    now: Timestamp,
) -> Result<Run, ScheduleError> {
    let Some(row) = schedules::lock(&mut *tx, schedule.name()).await? else { return Ok(Run::Held) };
    if let Some(job) = row.last_job_id.filter(|_| row.is_at_it()) {
        return Ok(Run::AlreadyAtIt(job));
    }
    let job = queue.enqueue_scheduled(tx, schedule).await?;
    schedules::ran(&mut **tx, schedule.name(), now, job).await?;
    Ok(Run::Enqueued(job))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schedule_has_a_name_of_its_own_and_is_due_some_day() {
        let now = "2026-01-01T12:00:00Z".parse().unwrap();
        for schedule in Schedule::ALL {
            assert_eq!(Schedule::named(schedule.name()), Some(schedule));
            assert!(schedule.next(now).unwrap() > now, "{schedule:?}");
            assert!(super::super::KINDS.contains(&schedule.kind()), "{schedule:?} asks for a kind that nobody knows");
        }
    }

    #[test]
    fn times_are_in_utc_whatever_the_machine_says() {
        let next = Schedule::TidyHistory.next("2026-01-01T12:00:00Z".parse().unwrap()).unwrap();
        assert_eq!(next, "2026-01-02T03:17:00Z".parse().unwrap());
    }
}
