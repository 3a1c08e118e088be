//! Whoever asked: told everything, free to leave, and able to end the answer.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Event;

/// Longest wait for a reader who has fallen behind.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whoever asked.
#[derive(Clone, Debug)]
pub struct Audience {
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
}

/// Why an answer need not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Nobody listens any more.
    Gone,
    /// Somebody asked for its end.
    Stopped,
}

impl Audience {
    /// An audience that is told `events`, until it drops their receiver or cancels `stop`.
    #[must_use]
    pub const fn new(events: mpsc::Sender<Event>, stop: CancellationToken) -> Self {
        Self { events, stop }
    }

    /// Tells an event; false when nobody listens. Who does not read for half a minute is taken for gone, or the model would
    /// wait for ever.
    pub(super) async fn tell(&self, event: Event) -> bool {
        matches!(timeout(PATIENCE, self.events.send(event)).await, Ok(Ok(())))
    }

    /// Waits until the answer need not go on. A wish to stop counts even when nobody waits for its fulfilment.
    pub(super) async fn leaves(&self) -> Leaving {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Leaving::Stopped,
            () = self.events.closed() => Leaving::Gone,
        }
    }
}
