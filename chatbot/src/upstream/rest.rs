//! A pause after a failure: a service that swallows every request must not cost every caller its deadline.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For so long nobody asks after a failure.
const LENGTH: Duration = Duration::from_secs(5);

/// Until when nobody asks. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rest(Arc<Mutex<Option<Instant>>>);

impl Rest {
    /// Whether it is worth asking. After a rest one caller finds out; the others rest on until it has an answer.
    pub(crate) fn may_ask(&self, now: Instant) -> bool {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *until {
            Some(end) if now < end => false,
            Some(_) => {
                *until = Some(now + LENGTH);
                true
            }
            None => true,
        }
    }

    /// It failed.
    pub(crate) fn begin(&self, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now + LENGTH);
    }

    /// It answers.
    pub(crate) fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_nobody_asks_for_a_while_and_then_one_finds_out() {
        let (rest, start) = (Rest::default(), Instant::now());
        assert!(rest.may_ask(start) && rest.may_ask(start));
        rest.begin(start);
        assert!(!rest.may_ask(start + LENGTH / 2));
        let later = start + LENGTH;
        assert_eq!([rest.may_ask(later), rest.may_ask(later)], [true, false]);
        rest.end();
        assert!(rest.may_ask(later) && rest.may_ask(later));
    }
}
