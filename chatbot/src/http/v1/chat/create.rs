//! `POST /api/v1/chat`: asks a question; the answer comes whole, or as it is made.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream, StreamExt};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::Instrument;
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{ChatAnswer, Done, Sources, Start, Token, event, problem};
use super::memory::Conversation;
use super::model::Measured;
use crate::chat::{self, Answer, Event, FinishReason, MAX_QUESTION_CHARS, Question};
use crate::http::extract::{Caller, Chat, Json, May};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::http::v1::library::UserLibrary;
use crate::metrics::{ChatLabels, Metrics, TokenLabels};
use crate::store::{StoreError, conversations};

/// Events that wait for a slow reader; then the model waits too.
const EVENTS: usize = 64;
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Characters of the first question that become the conversation's title.
const TITLE_CHARS: usize = 80;

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChatRequest {
    /// What is asked, 1 to 8000 characters.
    message: String,
    /// The conversation that it belongs to; a new one without.
    conversation_id: Option<Uuid>,
    /// Whether the answer comes as server-sent events. Without, the header Accept decides.
    stream: Option<bool>,
}

/// An answer in the making.
struct Asked {
    start: Start,
    events: mpsc::Receiver<Event>,
    answering: JoinHandle<Result<Answer, StoreError>>,
}

/// Asks a question.
///
/// With `"stream": true` or `Accept: text/event-stream` the answer comes as events: one `start`, one `sources`, many
/// `token`, and as the last a `done` or an `error`. Going away ends the answer; what was said until then is kept.
#[utoipa::path(post, path = "/chat", tag = "chat", security(("apiKey" = ["chat"]), ("login" = [])), request_body = ChatRequest, responses(
    (status = OK, description = "The answer", content(
        (ChatAnswer = "application/json"),
        (String = "text/event-stream"),
    )),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn create(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    headers: HeaderMap,
    Json(request): Json<ChatRequest>,
) -> Result<Response, Problem> {
    let text = checked(&request.message)?;
    let conversation_id = conversation(&http, caller, request.conversation_id, &text).await?;
    let asked = ask(&http, caller, conversation_id, text).await?;
    if request.stream.unwrap_or_else(|| wants_events(&headers)) {
        Ok(Sse::new(streamed(asked)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
    } else {
        Ok(axum::Json(ChatAnswer::new(conversation_id, whole(asked).await?)).into_response())
    }
}

fn checked(message: &str) -> Result<String, Problem> {
    let text = message.trim();
    let is_allowed = (1..=MAX_QUESTION_CHARS).contains(&text.chars().count()) && !text.contains('\0');
    let detail = || format!("write 1 to {MAX_QUESTION_CHARS} characters, none of them NUL");
    if is_allowed { Ok(text.to_owned()) } else { Err(Problem::Invalid { field: "message", detail: detail() }) }
}

fn wants_events(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/event-stream"))
}

/// The conversation that was named, if it is the caller's, or a new one.
async fn conversation(http: &Http, caller: Caller, id: Option<Uuid>, question: &str) -> Result<Uuid, Problem> {
    let db = &http.app.db;
    if let Some(id) = id {
        let found = conversations::find(db, caller.user_id, id).await?;
        return found.map(|conversation| conversation.id).ok_or(Problem::NotFound("conversation"));
    }
    let title: String = question.chars().take(TITLE_CHARS).collect();
    Ok(conversations::create(db, caller.user_id, &title).await?.id)
}

/// Begins to answer in a task of its own, so that a client that goes away ends the answer, and does not lose it.
async fn ask(http: &Http, caller: Caller, conversation_id: Uuid, text: String) -> Result<Asked, Problem> {
    let question = Question { text, message_id: Uuid::now_v7() };
    let start = Start { conversation_id, message_id: question.message_id };
    let memory = Conversation { db: http.app.db.clone(), id: conversation_id };
    let library = UserLibrary::new(http, caller.user_id);
    let metrics = http.app.metrics.clone();
    let model = Measured { client: http.app.llm.clone(), metrics: metrics.clone() };
    let (sender, mut events) = mpsc::channel(EVENTS);
    let answering = async move {
        let started = Instant::now();
        let answer = chat::answer(&memory, &library, &model, &question, &sender).await;
        measure(&metrics, &answer, started.elapsed());
        answer
    };
    let answering = http.answers.spawn(answering.in_current_span());
    // What comes before the first event can still be told with a status.
    match events.recv().await {
        Some(_) => Ok(Asked { start, events, answering }),
        None => Err(failure(answering).await),
    }
}

async fn whole(mut asked: Asked) -> Result<Answer, Problem> {
    while let Some(event) = asked.events.recv().await {
        if let Event::Done(answer) = event {
            return Ok(answer);
        }
    }
    Err(failure(asked.answering).await)
}

fn streamed(asked: Asked) -> impl Stream<Item = Result<SseEvent, Infallible>> {
    let Asked { start, events, answering } = asked;
    let start = stream::once(async move { event("start", &start) });
    let rest = stream::unfold(Some((events, answering)), async |state| {
        let (mut events, answering) = state?;
        match events.recv().await {
            Some(Event::Done(answer)) => Some((event("done", &Done::new(&answer)), None)),
            Some(told) => Some((sse(told), Some((events, answering)))),
            None => Some((problem(&failure(answering).await), None)),
        }
    });
    start.chain(rest).map(Ok)
}

fn sse(told: Event) -> SseEvent {
    match told {
        Event::Start => SseEvent::default().comment("start"),
        Event::Sources(sources) => event("sources", &Sources { sources }),
        Event::Token(text) => event("token", &Token { text }),
        Event::Done(answer) => event("done", &Done::new(&answer)),
    }
}

/// Why an answer ended without its last event.
async fn failure(answering: JoinHandle<Result<Answer, StoreError>>) -> Problem {
    match answering.await {
        Ok(Err(error)) => error.into(),
        Ok(Ok(_)) => Problem::Internal,
        Err(error) => {
            tracing::error!(%error, "an answer panicked");
            Problem::Internal
        }
    }
}

fn measure(metrics: &Metrics, answer: &Result<Answer, StoreError>, duration: Duration) {
    let labels = ChatLabels { outcome: outcome(answer).to_owned() };
    metrics.chat_answers.get_or_create(&labels).inc();
    metrics.chat_duration.get_or_create(&labels).observe(duration.as_secs_f64());
    if let Some(usage) = answer.as_ref().ok().and_then(|answer| answer.usage) {
        for (direction, count) in [("prompt", usage.prompt_tokens), ("completion", usage.completion_tokens)] {
            metrics.chat_tokens.get_or_create(&TokenLabels { direction: direction.to_owned() }).inc_by(count.into());
        }
    }
}

fn outcome(answer: &Result<Answer, StoreError>) -> &'static str {
    match answer {
        Err(_) => "error",
        Ok(answer) => match answer.finish_reason {
            FinishReason::Cancelled => "cancelled",
            FinishReason::Error => "unavailable",
            FinishReason::Stop | FinishReason::Length if answer.missing.is_empty() => "ok",
            FinishReason::Stop | FinishReason::Length => "degraded",
        },
    }
}
