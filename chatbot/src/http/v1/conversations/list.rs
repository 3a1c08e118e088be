//! `GET /api/v1/conversations`: the caller's conversations, latest first.

use axum::Json;
use axum::extract::State;

use super::Conversation;
use crate::http::extract::{Chat, May, Page, PageQuery};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::conversations;

/// Your conversations, latest first.
#[utoipa::path(get, path = "/conversations", tag = "conversations", security(("apiKey" = ["chat"]), ("login" = [])), params(PageQuery), responses(
    (status = OK, body = Page<Conversation>),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn list(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    page: PageQuery,
) -> Result<Json<Page<Conversation>>, Problem> {
    let rows = conversations::list(&http.app.db, caller.user_id, page.after(), page.rows()).await?;
    Ok(Json(Page::new(page, rows, conversations::Conversation::place)))
}
