//! `POST /api/v1/chat`: asks a question; the answer comes whole, or as it is made.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::answering::Answering;
pub(in crate::http::v1) use super::events::ChatAnswer;
use super::memory::Conversation;
use super::relay;
use super::stream::stream;
use crate::chat::{MAX_QUESTION_CHARS, Question};
use crate::http::extract::{Caller, Chat, Json, May};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::conversations;

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

/// Asks a question.
///
/// With `"stream": true` or `Accept: text/event-stream` the answer comes as events: one `start`, one `sources`, many
/// `token`, and as the last a `done` or an `error`. Who goes away ends the answer, unless its stream is taken up again within
/// 15 seconds; what was said until then is kept.
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
    let memory = Conversation { db: http.app.db.clone(), id: conversation_id };
    let question = Question::new(text, Uuid::now_v7());
    let answering = Answering::begin(&http, caller.user_id, memory, question).await?;
    let is_stream = request.stream.unwrap_or_else(|| wants_events(&headers));
    told(&http, caller, conversation_id, answering, is_stream).await
}

/// The answer as it was asked for: whole, or as it is made.
pub(in crate::http::v1) async fn told<E: Into<Problem> + Send + 'static>(
    http: &Http,
    caller: Caller,
    conversation_id: Uuid,
    answering: Answering<E>,
    is_stream: bool,
) -> Result<Response, Problem> {
    if is_stream {
        return Ok(stream(relay::begin(http, caller.user_id, conversation_id, answering)));
    }
    Ok(axum::Json(ChatAnswer::new(conversation_id, answering.whole().await?)).into_response())
}

fn checked(message: &str) -> Result<String, Problem> {
    let text = message.trim();
    let is_allowed = (1..=MAX_QUESTION_CHARS).contains(&text.chars().count()) && !text.contains('\0');
    let detail = || format!("write 1 to {MAX_QUESTION_CHARS} characters, none of them NUL");
    if is_allowed { Ok(text.to_owned()) } else { Err(Problem::Invalid { field: "message", detail: detail() }) }
}

/// Whether the header Accept asks for events.
pub(in crate::http::v1) fn wants_events(headers: &HeaderMap) -> bool {
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
