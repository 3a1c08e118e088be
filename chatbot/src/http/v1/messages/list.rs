//! `GET /api/v1/conversations/{id}/messages`: oldest first.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Message, with_feedback};
use crate::http::extract::{Chat, Cursor, Id, May, Page, PageQuery, Query};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::conversations;
use crate::store::messages::{self, Wanted};

/// Which messages are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http::v1) struct MessagesQuery {
    /// Items per page, 1 to 200; 50 by default.
    limit: Option<u16>,
    /// The `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<Cursor>,
    /// Whether answers are shown too that another one took the place of; false by default.
    replaced: Option<bool>,
}

/// Messages of one of your conversations, oldest first.
#[utoipa::path(get, path = "/conversations/{id}/messages", tag = "conversations", security(("apiKey" = ["chat"]), ("login" = [])), params(("id" = Uuid, Path), MessagesQuery), responses(
    (status = OK, body = Page<Message>),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn list(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    Id(id): Id,
    Query(MessagesQuery { limit, after, replaced }): Query<MessagesQuery>,
) -> Result<Json<Page<Message>>, Problem> {
    let db = &http.app.db;
    let page = PageQuery::new(limit, after)?;
    if conversations::find(db, caller.user_id, id).await?.is_none() {
        return Err(Problem::NotFound("conversation"));
    }
    let wanted = if replaced == Some(true) { Wanted::All } else { Wanted::Standing };
    let rows = messages::list(db, id, wanted, page.after(), page.rows()).await?;
    let rows = with_feedback(db, rows).await?;
    Ok(Json(Page::new(page, rows, |(message, _)| message.place())))
}
