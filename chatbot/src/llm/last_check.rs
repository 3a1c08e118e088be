//! The remembered result of a check: probes come every few seconds from every pod, and an upstream may charge for each
//! answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When a service was asked, and what was found.
type Finding<F> = (Instant, Result<(), F>);

/// The last finding. Clones share it.
#[derive(Clone, Debug)]
pub struct LastCheck<F = String>(Arc<Mutex<Option<Finding<F>>>>);

impl<F> Default for LastCheck<F> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl LastCheck {
    /// The remembered result while it is younger than `age`, else that of `check`.
    ///
    /// # Errors
    /// In words, what the check found wrong.
    pub async fn or<E: ToString>(
        &self,
        age: Duration,
        check: impl Future<Output = Result<(), E>>,
    ) -> Result<(), String> {
        self.or_result(age, async { check.await.map_err(|error| error.to_string()) }).await
    }
}

impl<F: Clone> LastCheck<F> {
    /// The remembered result while it is younger than `age`, else that of `check`.
    ///
    /// # Errors
    /// What the check found wrong.
    pub async fn or_result(&self, age: Duration, check: impl Future<Output = Result<(), F>>) -> Result<(), F> {
        if let Some((at, result)) = self.remembered()
            && at.elapsed() < age
        {
            return result;
        }
        let result = check.await;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), result.clone()));
        result
    }

    fn remembered(&self) -> Option<Finding<F>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::LastCheck;

    #[tokio::test]
    async fn a_result_is_remembered_for_its_age_and_no_longer() {
        let (last, asked) = (LastCheck::default(), Cell::new(0));
        let check = async |age: Duration, result: Result<(), &str>| {
            last.or(age, async {
                asked.set(asked.get() + 1);
                result
            })
            .await
        };
        let (long, none) = (Duration::from_hours(1), Duration::ZERO);
        assert_eq!(check(long, Err("down")).await, Err("down".to_owned()));
        assert_eq!(check(long, Ok(())).await, Err("down".to_owned()));
        assert_eq!((check(none, Ok(())).await, asked.get()), (Ok(()), 2));
    }
}
