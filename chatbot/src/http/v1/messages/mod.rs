//! Messages of a conversation, and what people think of answers.

pub(super) mod feedback_delete;
pub(super) mod feedback_put;
pub(super) mod list;
pub(super) mod regenerate;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::chat::Source;
use crate::http::problem::Problem;
use crate::store::feedback::{self, Feedback as StoredFeedback, Rating as StoredRating};
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
    /// Why an answer ended: stop, length, cancelled, stopped, error.
    finish_reason: Option<String>,
    /// The answer that took this one's place.
    replaced_by: Option<Uuid>,
    /// What you think of an answer.
    feedback: Option<Feedback>,
    #[schema(value_type = String, format = DateTime)]
    created_at: jiff::Timestamp,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http::v1) enum Role {
    User,
    Assistant,
}

/// How an answer is rated.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Rating {
    /// It helped.
    Up,
    /// It did not.
    Down,
}

/// What you think of an answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback {
    rating: Rating,
    /// Why, in words.
    comment: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: jiff::Timestamp,
}

/// A message with its feedback, as they are stored.
pub(super) type Row = (messages::Message, Option<StoredFeedback>);

/// The messages with what is thought of them.
pub(super) async fn with_feedback(db: &PgPool, messages: Vec<messages::Message>) -> Result<Vec<Row>, Problem> {
    let ids: Vec<Uuid> = messages.iter().map(|message| message.id).collect();
    let found = if ids.is_empty() { Vec::new() } else { feedback::of_messages(db, &ids).await? };
    let mut found: HashMap<Uuid, StoredFeedback> = found.into_iter().map(|found| (found.message_id, found)).collect();
    Ok(messages
        .into_iter()
        .map(|message| (found.remove(&message.id), message))
        .map(|(found, row)| (row, found))
        .collect())
}

impl From<Row> for Message {
    fn from((row, feedback): Row) -> Self {
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
            replaced_by: row.replaced_by,
            feedback: feedback.map(Into::into),
            created_at: row.created_at,
        }
    }
}

impl From<StoredFeedback> for Feedback {
    fn from(stored: StoredFeedback) -> Self {
        Self { rating: stored.rating.into(), comment: stored.comment, updated_at: stored.updated_at }
    }
}

impl From<StoredRating> for Rating {
    fn from(stored: StoredRating) -> Self {
        match stored {
            StoredRating::Up => Self::Up,
            StoredRating::Down => Self::Down,
        }
    }
}

impl From<Rating> for StoredRating {
    fn from(rating: Rating) -> Self {
        match rating {
            Rating::Up => Self::Up,
            Rating::Down => Self::Down,
        }
    }
}

/// The answer with this id, if it is in a conversation of this user.
async fn answer(db: &PgPool, user_id: Uuid, id: Uuid) -> Result<messages::Message, Problem> {
    let message = messages::find(db, user_id, id).await?.ok_or(Problem::NotFound("message"))?;
    match message.role {
        StoredRole::Assistant => Ok(message),
        StoredRole::User => Err(Problem::Conflict("only answers are rated; this is a question")),
    }
}
