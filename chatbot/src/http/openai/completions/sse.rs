//! Chunks on their way to a client: JSON documents as events without a name, `[DONE]` at the end.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;

use crate::http::openai::error::Refusal;

const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The chunks; what goes wrong among them is told as an error in place of the end.
pub(super) fn response<T: Serialize + Send + 'static>(
    chunks: impl Stream<Item = Result<T, Refusal>> + Send + 'static,
) -> Response {
    let events = stream::unfold(Some(Box::pin(chunks)), async |chunks| {
        let mut chunks = chunks?;
        match chunks.next().await {
            Some(Ok(chunk)) => Some((event(&chunk), Some(chunks))),
            Some(Err(refusal)) => {
                tracing::warn!(?refusal, "a completion broke off");
                Some((event(&refusal.document()), None))
            }
            None => Some((Event::default().data("[DONE]"), None)),
        }
    });
    Sse::new(events.map(Ok::<_, Infallible>)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

fn event(data: &impl Serialize) -> Event {
    Event::default().json_data(data).unwrap_or_else(|error| {
        tracing::error!(%error, "a chunk cannot be written");
        Event::default().comment("a chunk is missing")
    })
}
