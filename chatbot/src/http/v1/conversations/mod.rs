//! Conversations of the caller.

pub(super) mod delete;
pub(super) mod delete_all;
pub(super) mod export;
pub(super) mod export_all;
pub(super) mod get;
pub(super) mod list;
mod transcript;
pub(super) mod update;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::conversations::Conversation as Row;

/// A conversation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Conversation {
    id: Uuid,
    /// The beginning of its first question.
    title: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: jiff::Timestamp,
    /// When its last message came.
    #[schema(value_type = String, format = DateTime)]
    updated_at: jiff::Timestamp,
}

impl From<Row> for Conversation {
    fn from(row: Row) -> Self {
        Self { id: row.id, title: row.title, created_at: row.created_at, updated_at: row.updated_at }
    }
}
