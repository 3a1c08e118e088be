//! The answers that this process is making, so that they can be stopped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Answers in the making, by user and message. Clones share them; there are never more than answers in work.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct Live(Arc<Mutex<HashMap<(Uuid, Uuid), CancellationToken>>>);

/// An answer in the making; it is forgotten when this is dropped.
#[derive(Debug)]
pub(super) struct Entry {
    live: Live,
    key: (Uuid, Uuid),
}

impl Live {
    /// Notes an answer that `stop` ends.
    pub(super) fn enter(&self, user_id: Uuid, message_id: Uuid, stop: CancellationToken) -> Entry {
        let key = (user_id, message_id);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, stop);
        Entry { live: self.clone(), key }
    }

    /// Stops this user's answer; false when this process is not making it.
    pub(super) fn stop(&self, user_id: Uuid, message_id: Uuid) -> bool {
        let live = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        live.get(&(user_id, message_id)).map(CancellationToken::cancel).is_some()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.live.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_can_be_stopped_by_its_user_alone_and_only_while_it_is_made() {
        let (live, stop) = (Live::default(), CancellationToken::new());
        let (user, message) = (Uuid::from_bytes([1; 16]), Uuid::from_bytes([2; 16]));
        let entry = live.enter(user, message, stop.clone());
        assert!(!live.stop(Uuid::from_bytes([3; 16]), message) && !stop.is_cancelled());
        assert!(live.stop(user, message) && stop.is_cancelled());
        drop(entry);
        assert!(!live.stop(user, message));
    }
}
