//! Events on their way to a client.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream as streams};
use tokio::sync::mpsc;

use super::events::Told;

const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The events of a channel, until it ends.
pub(super) fn stream(events: mpsc::Receiver<Told>) -> Response {
    let events = streams::unfold(events, async |mut events| Some((events.recv().await?, events)));
    response(events.map(Told::into_sse))
}

/// Events; a comment now and then keeps the connection open.
pub(super) fn response(events: impl Stream<Item = SseEvent> + Send + 'static) -> Response {
    let events = events.map(Ok::<_, Infallible>);
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}
