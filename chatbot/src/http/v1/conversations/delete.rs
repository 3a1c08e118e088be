//! `DELETE /api/v1/conversations/{id}`: with its messages.

use axum::extract::State;
use axum::http::StatusCode;

use crate::http::extract::{Chat, Id, May};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::conversations;

/// Deletes one of your conversations with all its messages.
#[utoipa::path(delete, path = "/conversations/{id}", tag = "conversations", security(("apiKey" = ["chat"]), ("login" = [])), params(("id" = Uuid, Path)), responses(
    (status = NO_CONTENT),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn delete(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    if conversations::delete(&http.app.db, caller.user_id, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::NotFound("conversation"))
    }
}
