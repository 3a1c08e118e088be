//! What real questions proved about key, credit and model. A list of models is given to anybody by some upstreams, so that
//! a check which reads it would call a wrong key healthy.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::LlmError;
use crate::error::{CheckError, Outage};

/// How long a refusal is believed without another question: then the upstream may have been set right.
const BELIEVED: Duration = Duration::from_mins(5);

/// The last refusal, unless a question was answered since. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Proof(Arc<Mutex<Option<(Instant, CheckError)>>>);

impl Proof {
    /// A question was answered: key, credit and model are right.
    pub(super) fn answered(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A question was not answered. What passes by itself proves nothing.
    pub(super) fn failed(&self, error: &LlmError, now: Instant) {
        let outage = error.outage();
        if matches!(outage, Outage::Credentials | Outage::Payment | Outage::Missing) {
            let refusal = CheckError { outage, detail: error.to_string() };
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, refusal));
        }
    }

    /// The refusal that still counts.
    pub(super) fn refusal(&self, now: Instant) -> Option<CheckError> {
        let refusal = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refusal.as_ref().filter(|(at, _)| now.duration_since(*at) < BELIEVED).map(|(_, refusal)| refusal.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_counts_until_an_answer_or_for_five_minutes() {
        let (proof, now) = (Proof::default(), Instant::now());
        let outage = |after| proof.refusal(now + after).map(|refusal| refusal.outage);
        proof.failed(&LlmError::Interrupted, now);
        assert_eq!(outage(Duration::ZERO), None, "what passes by itself proves nothing");
        proof.failed(&LlmError::PaymentRequired, now);
        assert_eq!(outage(BELIEVED / 2), Some(Outage::Payment));
        proof.answered();
        assert_eq!(outage(Duration::ZERO), None);
        proof.failed(&LlmError::Unauthorized, now);
        assert_eq!(outage(BELIEVED), None);
    }
}
