//! The remembered result of a check: probes come every few seconds from every pod, and an upstream may charge for each
//! answer. Whoever asks while a check is under way waits for its result and makes none of their own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When a service was asked, and what was found.
type Finding<T, F> = (Instant, Result<T, F>);

/// The last finding. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct LastCheck<T, F> {
    finding: Arc<Mutex<Option<Finding<T, F>>>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl<T, F> Default for LastCheck<T, F> {
    fn default() -> Self {
        Self { finding: Arc::default(), turn: Arc::default() }
    }
}

impl<T: Clone, F: Clone> LastCheck<T, F> {
    /// The remembered result while it is younger than `age`, else that of `check`. The check must have a deadline of its
    /// own: others wait for its end.
    ///
    /// # Errors
    /// What the check found wrong.
    pub(crate) async fn or_else(&self, age: Duration, check: impl Future<Output = Result<T, F>>) -> Result<T, F> {
        if let Some(result) = self.younger_than(age) {
            return result;
        }
        let _turn = self.turn.lock().await;
        if let Some(result) = self.younger_than(age) {
            return result;
        }
        let result = check.await;
        *self.finding.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), result.clone()));
        result
    }

    fn younger_than(&self, age: Duration) -> Option<Result<T, F>> {
        let finding = self.finding.lock().unwrap_or_else(PoisonError::into_inner);
        finding.as_ref().filter(|(at, _)| at.elapsed() < age).map(|(_, result)| result.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use futures::future::join_all;

    use super::LastCheck;

    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn a_result_is_remembered_for_its_age_and_no_longer() {
        let (last, asked) = (LastCheck::default(), Cell::new(0));
        let check = async |age: Duration, result: Result<(), &'static str>| {
            last.or_else(age, async {
                asked.set(asked.get() + 1);
                result
            })
            .await
        };
        assert_eq!(check(LONG, Err("down")).await, Err("down"));
        assert_eq!(check(LONG, Ok(())).await, Err("down"));
        assert_eq!((check(Duration::ZERO, Ok(())).await, asked.get()), (Ok(()), 2));
    }

    #[tokio::test]
    async fn those_who_ask_at_the_same_time_share_one_check() {
        let (last, asked) = (LastCheck::<(), &str>::default(), Cell::new(0));
        let ask = async || {
            last.or_else(LONG, async {
                asked.set(asked.get() + 1);
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err("down")
            })
            .await
        };
        let answers = join_all((0..50).map(|_| ask())).await;
        assert!(answers.iter().all(|answer| *answer == Err("down")));
        assert_eq!(asked.get(), 1);
    }
}
