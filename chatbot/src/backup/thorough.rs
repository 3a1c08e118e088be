//! What a full backup does when it is made: the repository is checked, and the second one gets what it lacks.

use jiff::Timestamp;

use super::{check, copy, open, tidy};
use crate::{config::backup::BackupConfig, repository::Part};

/// All of the content is read once in so many days, a part each.
const PARTS: u32 = 7;

/// What came of it. The backup is good whatever stands here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thorough {
    /// The part of the content that was read.
    pub part: Part,
    /// Whether the second repository has the backup; none where there is no second one.
    pub offsite: Option<bool>,
    /// What went wrong, each with what to do.
    pub problems: Vec<String>,
}

/// Checks both repositories, the day's part of their content, and copies from the first one to the second.
pub async fn thorough(config: &BackupConfig, now: Timestamp) -> Thorough {
    let (part, mut problems) = (of_the_day(now), Vec::new());
    tracing::info!(%part, "checking the repository");
    if let Err(error) = check(config, part).await {
        problems.push(error.found());
    }
    let Some(second) = config.offsite() else { return Thorough { part, offsite: None, problems } };
    tracing::info!("copying to the second repository");
    let copied = copy(config, now).await;
    let offsite = copied.is_ok();
    if let Err(error) = copied {
        problems.push(format!("the second repository lacks this backup: {}", error.found()));
        return Thorough { part, offsite: Some(offsite), problems };
    }
    if let Err(error) = check(&second, part).await {
        problems.push(format!("the second repository: {}", error.found()));
    }
    if let Ok(Some(repository)) = open(&second, None).await {
        tidy(&second, repository, "", now).await;
    }
    Thorough { part, offsite: Some(offsite), problems }
}

/// A part of its own for each day of a week.
fn of_the_day(now: Timestamp) -> Part {
    let days = u64::try_from(now.as_second()).unwrap_or_default() / (24 * 3600);
    Part::of(u32::try_from(days % u64::from(PARTS)).unwrap_or_default() + 1, PARTS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn seven_days_in_a_row_read_everything_once() {
        let start: Timestamp = "2026-03-01T02:00:00Z".parse().unwrap();
        let parts = (0..7).map(|day| of_the_day(start + SignedDuration::from_hours(24 * day)).to_string());
        let expected: BTreeSet<String> = (1..=7).map(|number| format!("{number}/7")).collect();
        assert_eq!(parts.collect::<BTreeSet<_>>(), expected);
    }
}
