//! `POST /api/v1/chat/{id}/stop`: ends an answer, on whichever pod it is made.

use axum::extract::State;
use axum::http::StatusCode;

use crate::cache::AnswerId;
use crate::http::extract::{Chat, Id, May};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::messages;

/// Ends an answer that is being made.
///
/// It is kept as far as it came, with the finish reason `stopped`, and ends within a second. An answer that is complete
/// already stays as it is.
#[utoipa::path(post, path = "/chat/{id}/stop", tag = "chat", security(("apiKey" = ["chat"]), ("login" = [])),
    params(("id" = Uuid, Path, description = "The answer's `messageId`")), responses(
    (status = NO_CONTENT),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn stop(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    if http.live.stop(caller.user_id, id) {
        return Ok(StatusCode::NO_CONTENT);
    }
    let asked = http.app.redis.stop_answer(AnswerId { user_id: caller.user_id, message_id: id }).await;
    if matches!(asked, Ok(true)) || messages::find(&http.app.db, caller.user_id, id).await?.is_some() {
        return Ok(StatusCode::NO_CONTENT);
    }
    match asked {
        Ok(_) => Err(Problem::NotFound("answer")),
        Err(_) => Err(Problem::Unavailable("an answer of another pod can only be stopped through Redis")),
    }
}
