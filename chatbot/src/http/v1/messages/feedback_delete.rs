//! `DELETE /api/v1/messages/{id}/feedback`: takes a rating back.

use axum::extract::State;
use axum::http::StatusCode;

use super::answer;
use crate::http::extract::{Chat, Id, May};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::feedback;

/// Takes your rating of an answer back.
#[utoipa::path(delete, path = "/messages/{id}/feedback", tag = "conversations", security(("apiKey" = ["chat"]), ("login" = [])), params(("id" = Uuid, Path)), responses(
    (status = NO_CONTENT),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn feedback_delete(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    let answer = answer(&http.app.db, caller.user_id, id).await?;
    if feedback::delete(&http.app.db, answer.id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::NotFound("feedback"))
    }
}
