//! What is new, as it happens: server-sent events.
//!
//! Every event is the whole state as sections of the page, made once for all who watch; who misses one has lost nothing. A stream
//! ends after a while, and the browser asks for the next one: so a session that is over does not go on watching.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::monitor::live::Seat;
use crate::monitor::refusal::{ProblemDocument, Refusal};
use crate::monitor::state::Monitor;
use crate::monitor::visitor::Visitor;

/// A stream lasts so long.
const LIFE: Duration = Duration::from_mins(10);
/// Proxies end what is silent for longer.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What is new, as it happens.
#[utoipa::path(get, path = "/events", responses(
    (status = OK, body = String, content_type = "text/event-stream", description = "Events `overview`: sections of the page, in JSON"),
    (status = UNAUTHORIZED, body = ProblemDocument), (status = TOO_MANY_REQUESTS, body = ProblemDocument)))]
pub(super) async fn events(
    _: Visitor,
    State(monitor): State<Monitor>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let seat = monitor.live.watch()?;
    let until = Instant::now() + LIFE;
    let news = stream::unfold(seat, move |seat| next(seat, until));
    let draining = monitor.app.draining.clone();
    let news = news.take_until(async move { draining.begun().await });
    Ok(Sse::new(news.map(Ok)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// The next news; None when the stream has lasted long enough.
async fn next(mut seat: Seat, until: Instant) -> Option<(Event, Seat)> {
    let changed = timeout_at(until, seat.news.changed()).await;
    changed.ok()?.ok()?;
    let data = seat.news.borrow_and_update().to_string();
    Some((Event::default().event("overview").data(data), seat))
}
