//! How long until the next attempt: doubling, bounded, with jitter so that jobs that failed together do not return together.

use std::time::Duration;

use jiff::Timestamp;
use riverqueue::{JobRow, RetryPolicy, WorkError};

pub(super) const FIRST: Duration = Duration::from_secs(5);
pub(super) const LONGEST: Duration = Duration::from_mins(15);

/// Delay after the failed attempt number `attempt` (from 1); `random` is in 0..1 and moves it by up to a fifth either way.
#[must_use]
pub(super) fn delay(attempt: i32, random: f64) -> Duration {
    let doublings = u32::try_from(attempt.clamp(1, 20) - 1).unwrap_or_default();
    let plain = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    plain.mul_f64(random.clamp(0.0, 1.0).mul_add(0.4, 0.8))
}

/// The policy as River asks for it.
#[derive(Clone, Copy)]
pub(super) struct Backoff {
    /// Answers a number in 0..1.
    pub(super) random: fn() -> f64,
}

impl RetryPolicy for Backoff {
    fn next_retry(&self, job: &JobRow, _error: &WorkError, _now: Timestamp) -> Duration {
        delay(job.attempt, (self.random)())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_delay_doubles_up_to_its_limit() {
        let seconds: Vec<u64> = [1, 2, 3, 8, 9, 100].into_iter().map(|attempt| delay(attempt, 0.5).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 640, 900, 900]);
    }

    #[test]
    fn an_outage_of_hours_is_outlived() {
        let outlived: Duration = (1..super::super::queue::MAX_ATTEMPTS).map(|attempt| delay(attempt, 0.0)).sum();
        assert!(outlived >= Duration::from_hours(3), "{outlived:?}");
        let usual: Duration = (1..super::super::queue::MAX_ATTEMPTS).map(|attempt| delay(attempt, 0.5)).sum();
        assert!(usual >= Duration::from_hours(4), "{usual:?}");
    }

    proptest! {
        #[test]
        fn the_delay_stays_inside_its_bounds(attempt in i32::MIN.., random in 0.0..1.0f64) {
            let delay = delay(attempt, random);
            prop_assert!(delay >= FIRST.mul_f64(0.8) && delay <= LONGEST.mul_f64(1.2));
        }
    }
}
