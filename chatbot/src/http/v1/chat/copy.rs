//! The copy of an answer in Redis, written by a task of its own, so that no answer waits for Redis.

use tokio::sync::mpsc;
use tracing::Instrument;

use super::events::Told;
use crate::cache::{AnswerId, CacheError, Redis};
use crate::http::state::Http;

/// Events that wait for Redis; when it is slower than that there is no copy.
const EVENTS: usize = 1024;
/// Events that are written at once.
const BATCH: usize = 128;
/// Bytes of one copy; of a longer answer there is none.
const MAX_BYTES: usize = 2 << 20;

/// A copy that is being written. Once an event was lost there is none any more: half an answer must not pass for a whole.
#[derive(Debug)]
pub(super) struct Copy(Option<mpsc::Sender<Told>>);

impl Copy {
    /// Begins a copy.
    pub(super) fn begin(http: &Http, answer: AnswerId) -> Self {
        let (sender, events) = mpsc::channel(EVENTS);
        http.answers.spawn(write(http.app.redis.clone(), answer, events).in_current_span());
        Self(Some(sender))
    }

    /// Adds an event.
    pub(super) fn add(&mut self, event: Told) {
        if self.0.as_ref().is_some_and(|events| events.try_send(event).is_err()) {
            self.0 = None;
        }
    }

    /// Whether there is a copy that a client could come back to.
    pub(super) fn is_kept(&self) -> bool {
        self.0.as_ref().is_some_and(|events| !events.is_closed())
    }
}

/// Writes until the events end. What lacks its last event is taken away again: its reader would wait in vain.
async fn write(redis: Redis, answer: AnswerId, mut events: mpsc::Receiver<Told>) {
    let is_whole = write_all(&redis, answer, &mut events).await;
    drop(events);
    let tidied = if matches!(is_whole, Ok(true)) { Ok(()) } else { redis.forget_events(answer).await };
    if let Err(error) = is_whole.map(drop).and(tidied) {
        tracing::warn!(%error, "an answer cannot be taken up again");
    }
}

async fn write_all(redis: &Redis, answer: AnswerId, events: &mut mpsc::Receiver<Told>) -> Result<bool, CacheError> {
    let (mut batch, mut bytes, mut is_whole) = (Vec::with_capacity(BATCH), 0, false);
    while bytes <= MAX_BYTES && events.recv_many(&mut batch, BATCH).await > 0 {
        bytes += batch.iter().map(|told| told.data.len()).sum::<usize>();
        is_whole = batch.last().is_some_and(Told::is_last);
        let kept: Vec<_> = batch.drain(..).map(Told::into_kept).collect();
        redis.keep_events(answer, &kept).await?;
    }
    Ok(is_whole)
}
