//! `GET /api/v1/chat/{id}/events`: takes up the stream of an answer again, on whichever pod.

use std::collections::VecDeque;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event as SseEvent;
use futures::stream;
use tokio::time::{Instant, sleep};

use super::events::Told;
use super::stream::response;
use crate::cache::AnswerId;
use crate::http::extract::{Chat, Id, May};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::messages::{self, Message, Role};

const LAST_EVENT_ID: &str = "last-event-id";
/// Between two looks for more.
const PAUSE: Duration = Duration::from_millis(150);
/// How often it is said that somebody listens.
const LISTENING: Duration = Duration::from_secs(3);
/// After so long a silence the answer may be complete, and its copy lost.
const DOUBT: Duration = Duration::from_secs(2);

/// Takes up an answer's stream again.
///
/// The events beyond that of the header `Last-Event-ID`, then those to come; all of them without the header. An answer of
/// which only the stored message is left is told anew: a `start` says that it begins from the beginning.
#[utoipa::path(get, path = "/chat/{id}/events", tag = "chat", security(("apiKey" = ["chat"]), ("login" = [])), params(
        ("id" = Uuid, Path, description = "The answer's `messageId`"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The `id` of the last event that was read")),
    responses(
    (status = OK, description = "The events", body = String, content_type = "text/event-stream"),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn resume(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = last_event(&headers)?;
    let answer = AnswerId { user_id: caller.user_id, message_id: id };
    let known = http.app.redis.events_after(answer, after).await;
    if let Ok(Some(events)) = known {
        let queue = events.into_iter().filter_map(Told::from_kept).collect();
        let follower = Follower { http, answer, after, queue, is_over: false, since: Since::now() };
        return Ok(response(stream::unfold(follower, Follower::next)));
    }
    match stored(&http, answer).await? {
        Some(answer) => Ok(response(stream::iter(Told::stored(1, &answer).map(Told::into_sse)))),
        None if known.is_err() => {
            Err(Problem::Unavailable("an answer in the making can only be taken up through Redis"))
        }
        None => Err(Problem::NotFound("answer")),
    }
}

fn last_event(headers: &HeaderMap) -> Result<u64, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(0) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    let detail = || "send the `id` of the last event that was read, or leave it out".to_owned();
    number.ok_or_else(|| Problem::Invalid { field: "Last-Event-ID", detail: detail() })
}

async fn stored(http: &Http, answer: AnswerId) -> Result<Option<Message>, Problem> {
    let message = messages::find(&http.app.db, answer.user_id, answer.message_id).await?;
    Ok(message.filter(|message| message.role == Role::Assistant))
}

/// When something happened last.
struct Since {
    /// An event came.
    event: Instant,
    /// It was looked for the stored message.
    doubt: Instant,
    /// It was said that somebody listens.
    listening: Option<Instant>,
}

impl Since {
    fn now() -> Self {
        let now = Instant::now();
        Self { event: now, doubt: now, listening: None }
    }
}

/// Reads an answer's copy as it grows.
struct Follower {
    http: Http,
    answer: AnswerId,
    after: u64,
    queue: VecDeque<Told>,
    is_over: bool,
    since: Since,
}

impl Follower {
    async fn next(mut self) -> Option<(SseEvent, Self)> {
        loop {
            if let Some(told) = self.queue.pop_front() {
                self.after = told.number;
                self.is_over = told.is_last();
                return Some((told.into_sse(), self));
            }
            if self.is_over {
                return None;
            }
            self.look().await;
        }
    }

    /// Looks for more once.
    async fn look(&mut self) {
        self.listen().await;
        let events = self.http.app.redis.events_after(self.answer, self.after).await;
        self.queue = events.ok().flatten().into_iter().flatten().filter_map(Told::from_kept).collect();
        if self.queue.is_empty() {
            self.doubt().await;
            sleep(PAUSE).await;
        } else {
            self.since = Since { event: Instant::now(), doubt: Instant::now(), ..self.since };
        }
    }

    /// Trouble with it shows when the next events are read.
    async fn listen(&mut self) {
        if self.since.listening.is_none_or(|at| at.elapsed() > LISTENING)
            && self.http.app.redis.listen(self.answer).await.is_ok()
        {
            self.since.listening = Some(Instant::now());
        }
    }

    /// In a long silence: the answer may be stored, or never come, because its pod is gone.
    async fn doubt(&mut self) {
        if self.since.doubt.elapsed() < DOUBT {
            return;
        }
        self.since.doubt = Instant::now();
        let first = self.after + 1;
        match stored(&self.http, self.answer).await {
            Ok(Some(answer)) => self.queue.extend(Told::stored(first, &answer)),
            Ok(None) | Err(_) if self.since.event.elapsed() > self.http.app.llm.patience() => {
                let problem = Problem::Unavailable("the answer does not go on; ask again");
                self.queue.push_back(Told::problem(first, &problem));
            }
            Ok(None) | Err(_) => {}
        }
    }
}
