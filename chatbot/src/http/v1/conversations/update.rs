//! `PATCH /api/v1/conversations/{id}`: another title.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Conversation;
use crate::http::extract::{Chat, Id, Json, May};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::conversations;

const MAX_TITLE_CHARS: usize = 200;

/// What is changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http::v1) struct ConversationUpdate {
    /// 1 to 200 characters.
    title: String,
}

/// Gives one of your conversations another title.
#[utoipa::path(patch, path = "/conversations/{id}", tag = "conversations", security(("apiKey" = ["chat"]), ("login" = [])), params(("id" = Uuid, Path)),
    request_body = ConversationUpdate, responses(
    (status = OK, body = Conversation),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn update(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    Id(id): Id,
    Json(request): Json<ConversationUpdate>,
) -> Result<axum::Json<Conversation>, Problem> {
    let title = request.title.trim();
    if !(1..=MAX_TITLE_CHARS).contains(&title.chars().count()) || title.contains('\0') {
        let detail = format!("write 1 to {MAX_TITLE_CHARS} characters, none of them NUL");
        return Err(Problem::Invalid { field: "title", detail });
    }
    let row = conversations::rename(&http.app.db, caller.user_id, id, title).await?;
    Ok(axum::Json(row.ok_or(Problem::NotFound("conversation"))?.into()))
}
