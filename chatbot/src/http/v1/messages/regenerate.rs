//! `POST /api/v1/messages/{id}/regenerate`: answers the last question of a conversation anew.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::chat::Question;
use crate::http::extract::{Caller, Chat, Id, May, Query};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::http::v1::chat::create::{ChatAnswer, told, wants_events};
use crate::http::v1::chat::{Again, Answering};
use crate::store::messages::{self, Message, Role};

/// A question, and the answer to it.
const TURN: i64 = 2;

/// How the answer comes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http::v1) struct RegenerateQuery {
    /// Whether the answer comes as server-sent events. Without, the header Accept decides.
    stream: Option<bool>,
}

/// Answers a question anew.
///
/// `id` is that of the last answer of a conversation, or of the last question, which may have got none. The new answer takes
/// the old one's place; the old one is kept, with `replacedBy`. The answer comes as that of `POST /api/v1/chat`.
#[utoipa::path(post, path = "/messages/{id}/regenerate", tag = "chat", security(("apiKey" = ["chat"]), ("login" = [])), params(("id" = Uuid, Path), RegenerateQuery), responses(
    (status = OK, description = "The answer", content(
        (ChatAnswer = "application/json"),
        (String = "text/event-stream"),
    )),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn regenerate(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    Id(id): Id,
    Query(query): Query<RegenerateQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let question = last_question(&http, caller, id).await?;
    let conversation_id = question.conversation_id;
    let asked = Question::new(question.content.clone(), Uuid::now_v7());
    let memory = Again { db: http.app.db.clone(), question };
    let answering = Answering::begin(&http, caller.user_id, memory, asked).await?;
    let is_stream = query.stream.unwrap_or_else(|| wants_events(&headers));
    told(&http, caller, conversation_id, answering, is_stream).await
}

/// The last question of the conversation, if the message is that or its answer.
async fn last_question(http: &Http, caller: Caller, id: Uuid) -> Result<Message, Problem> {
    let db = &http.app.db;
    let message = messages::find(db, caller.user_id, id).await?.ok_or(Problem::NotFound("message"))?;
    let turn = messages::latest(db, message.conversation_id, None, TURN).await?;
    let is_in_it = turn.iter().any(|said| said.id == id);
    let question = turn
        .into_iter()
        .rfind(|said| said.role == Role::User)
        .filter(|question| is_in_it && (question.created_at, question.id) <= (message.created_at, message.id));
    question.ok_or(Problem::Conflict("only the last question of a conversation, or its answer, can be answered anew"))
}
