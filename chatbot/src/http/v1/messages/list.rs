//! `GET /api/v1/conversations/{id}/messages`: oldest first.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::chat::Source;
use crate::http::extract::{Chat, Id, May, Page, PageQuery};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::conversations;
use crate::store::messages::{self, Role as StoredRole};

/// A message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::v1) struct Message {
    id: Uuid,
    role: Role,
    /// What is said.
    content: String,
    /// What an answer was made from.
    #[schema(value_type = Vec<Source>)]
    sources: serde_json::Value,
    /// The model that answered.
    model: Option<String>,
    /// Why an answer ended: stop, length, cancelled, error.
    finish_reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: jiff::Timestamp,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Role {
    User,
    Assistant,
}

impl From<messages::Message> for Message {
    fn from(row: messages::Message) -> Self {
        let role = match row.role {
            StoredRole::User => Role::User,
            StoredRole::Assistant => Role::Assistant,
        };
        Self {
            id: row.id,
            role,
            content: row.content,
            sources: row.sources,
            model: row.model,
            finish_reason: row.finish_reason,
            created_at: row.created_at,
        }
    }
}

/// Messages of one of your conversations, oldest first.
#[utoipa::path(get, path = "/conversations/{id}/messages", tag = "conversations", security(("apiKey" = ["chat"]), ("login" = [])), params(("id" = Uuid, Path), PageQuery), responses(
    (status = OK, body = Page<Message>),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn list(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    Id(id): Id,
    page: PageQuery,
) -> Result<Json<Page<Message>>, Problem> {
    let db = &http.app.db;
    if conversations::find(db, caller.user_id, id).await?.is_none() {
        return Err(Problem::NotFound("conversation"));
    }
    let rows = messages::list(db, id, page.after(), page.rows()).await?;
    Ok(Json(Page::new(page, rows, messages::Message::place)))
}
