//! Which snapshots are kept, and the removal of the others with what only they refer to.
//!
//! Removal takes two rounds a day apart: what nobody refers to is marked first. A backup that runs at the same time and finds
//! something of it useful takes the mark away again, so that neither waits for the other.

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};
use rustic_core::{
    KeepOptions, PruneOptions, RusticResult,
    repofile::{SnapshotFile, SnapshotId},
};

use super::{Repository, RepositoryError, Tally, Whose};

/// How many snapshots of one host are kept; those that meet any of the rules are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keep {
    /// The newest ones, at least one.
    pub(crate) last: u16,
    /// Of so many hours that have any, the last one.
    pub(crate) hourly: Option<u32>,
    /// Of so many days that have any, the last one; a day is one of UTC.
    pub(crate) daily: Option<u32>,
}

impl Keep {
    fn options(self) -> KeepOptions {
        let count = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let mut options = KeepOptions::default().keep_last(i32::from(self.last.max(1)));
        options.keep_hourly = self.hourly.map(count);
        options.keep_daily = self.daily.map(count);
        options
    }

    /// Those of `snapshots`, all of one host, that no rule keeps.
    fn outdated(self, snapshots: Vec<SnapshotFile>, now: Timestamp) -> RusticResult<Vec<SnapshotId>> {
        let judged = self.options().apply(snapshots, &now.to_zoned(TimeZone::UTC))?;
        Ok(judged.into_iter().filter(|judged| !judged.keep).map(|judged| judged.snapshot.id).collect())
    }
}

impl Repository {
    /// Forgets the snapshots of `whose` that `keep` does not keep, but never `made`, and marks or removes what nobody refers to any
    /// more. Blocks. Answers how many were forgotten.
    ///
    /// # Errors
    /// The store's, which may forbid removal.
    pub(crate) fn forget(
        &self,
        (whose, made): (&Whose, &str),
        keep: Keep,
        now: Timestamp,
        tally: &Arc<Tally>,
    ) -> Result<usize, RepositoryError> {
        let repository = self.over(&Arc::new(self.store().until_stopped(tally)))?;
        let forgetting = || {
            let ours = repository.get_matching_snapshots(|snapshot| whose.is(snapshot))?;
            let mut outdated = keep.outdated(ours, now)?;
            // Whatever the clocks say of the others.
            outdated.retain(|id| id.to_hex().as_str() != made);
            repository.delete_snapshots(&outdated)?;
            let options = PruneOptions::default();
            repository.prune(&options, repository.prune_plan(&options)?)?;
            Ok(outdated.len())
        };
        forgetting().map_err(self.failed("removing old snapshots"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::{SignedDuration, Span};
    use rustic_core::SnapshotOptions;

    use super::*;

    const START: &str = "2026-03-01T00:00:00Z";

    fn snapshot(time: Timestamp) -> SnapshotFile {
        let options = SnapshotOptions::default().host("prod".to_owned()).time(time.to_zoned(TimeZone::UTC));
        let mut snapshot = options.to_snapshot().unwrap();
        snapshot.id = format!("{:064x}", time.as_second()).parse().unwrap();
        snapshot
    }

    /// What is there after sixty days of a snapshot every `minutes`, each followed by the removal of the outdated ones.
    fn after_sixty_days(minutes: i64, keep: Keep) -> Vec<Timestamp> {
        let (start, mut kept): (Timestamp, Vec<SnapshotFile>) = (START.parse().unwrap(), Vec::new());
        for number in 0..60 * 24 * 60 / minutes {
            let now = start + SignedDuration::from_mins(number * minutes);
            kept.push(snapshot(now));
            let outdated: BTreeSet<_> = keep.outdated(kept.clone(), now).unwrap().into_iter().collect();
            kept.retain(|snapshot| !outdated.contains(&snapshot.id));
        }
        let mut times: Vec<_> = kept.into_iter().map(|snapshot| snapshot.time.timestamp()).collect();
        times.sort();
        times
    }

    #[test]
    fn prod_keeps_forty_eight_hours_and_thirty_days() {
        let times = after_sixty_days(30, Keep { last: 1, hourly: Some(48), daily: Some(30) });
        let end: Timestamp = "2026-04-29T23:30:00Z".parse().unwrap();
        let hours = (0..48).map(|hour| end - SignedDuration::from_hours(hour));
        let days = (0..30).map(|day| end.to_zoned(TimeZone::UTC).saturating_sub(Span::new().days(day)).timestamp());
        let expected: BTreeSet<_> = hours.chain(days).collect();
        assert_eq!(times.into_iter().collect::<BTreeSet<_>>(), expected);
        assert_eq!(expected.len(), 48 + 28, "the last of two days are among the hours");
    }

    #[test]
    fn stage_keeps_seven_days_and_dev_the_newest_ten() {
        let times = after_sixty_days(24 * 60, Keep { last: 1, hourly: None, daily: Some(7) });
        let expected: Vec<Timestamp> =
            (23..30).map(|day| format!("2026-04-{day}T00:00:00Z").parse().unwrap()).collect();
        assert_eq!(times, expected);
        let times = after_sixty_days(12 * 60, Keep { last: 10, hourly: None, daily: None });
        assert_eq!((times.len(), times[9].to_string().as_str()), (10, "2026-04-29T12:00:00Z"));
    }

    #[test]
    fn the_newest_is_kept_whatever_the_rules_say() {
        let times = after_sixty_days(24 * 60, Keep { last: 0, hourly: None, daily: None });
        assert_eq!(times.len(), 1);
    }
}
