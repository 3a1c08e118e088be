//! `GET /api/v1/conversations/{id}`.

use axum::Json;
use axum::extract::State;

use super::Conversation;
use crate::http::extract::{Chat, Id, May};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::conversations;

/// One of your conversations.
#[utoipa::path(get, path = "/conversations/{id}", tag = "conversations", security(("apiKey" = ["chat"]), ("login" = [])), params(("id" = Uuid, Path)), responses(
    (status = OK, body = Conversation),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn get(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    Id(id): Id,
) -> Result<Json<Conversation>, Problem> {
    let row = conversations::find(&http.app.db, caller.user_id, id).await?;
    Ok(Json(row.ok_or(Problem::NotFound("conversation"))?.into()))
}
