//! Messages of a conversation.

use sqlx::PgExecutor;
use uuid::Uuid;

use super::Result;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Role {
    /// The person.
    User,
    /// The chatbot.
    Assistant,
}

/// One message.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Message {
    /// Identity; sorts by time.
    pub id: Uuid,
    /// The conversation it belongs to.
    pub conversation_id: Uuid,
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
    /// What the answer cites: a JSON array.
    pub sources: serde_json::Value,
    /// The model that answered.
    pub model: Option<String>,
    /// Tokens read by the model.
    pub prompt_tokens: Option<i32>,
    /// Tokens written by the model.
    pub completion_tokens: Option<i32>,
    /// Why the model stopped: stop, length, cancelled, error.
    pub finish_reason: Option<String>,
    /// When it was stored.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub created_at: jiff::Timestamp,
}

/// A message to store.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage<'a> {
    /// Identity, chosen by the caller because an answer's id is told before its words (`Uuid::now_v7`).
    pub id: Uuid,
    /// The conversation it belongs to.
    pub conversation_id: Uuid,
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: &'a str,
    /// What the answer cites: a JSON array.
    pub sources: serde_json::Value,
    /// The model that answered.
    pub model: Option<&'a str>,
    /// Tokens read by the model.
    pub prompt_tokens: Option<i32>,
    /// Tokens written by the model.
    pub completion_tokens: Option<i32>,
    /// Why the model stopped.
    pub finish_reason: Option<&'a str>,
}

/// Stores a message and marks its conversation as updated.
///
/// # Errors
/// `ParentMissing` when the conversation is gone.
pub async fn create(db: impl PgExecutor<'_>, message: &NewMessage<'_>) -> Result<Message> {
    let stored = sqlx::query_as(
        "WITH touched AS (UPDATE conversations SET updated_at = clock_timestamp() WHERE id = $2) \
         INSERT INTO messages (id, conversation_id, role, content, sources, model, prompt_tokens, completion_tokens, finish_reason) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING *",
    )
    .bind(message.id)
    .bind(message.conversation_id)
    .bind(message.role)
    .bind(message.content)
    .bind(&message.sources)
    .bind(message.model)
    .bind(message.prompt_tokens)
    .bind(message.completion_tokens)
    .bind(message.finish_reason)
    .fetch_one(db)
    .await?;
    Ok(stored)
}

/// The last `limit` messages of a conversation, oldest first.
///
/// # Errors
/// The database's.
pub async fn latest(db: impl PgExecutor<'_>, conversation_id: Uuid, limit: i64) -> Result<Vec<Message>> {
    let messages = sqlx::query_as(
        "SELECT * FROM (SELECT * FROM messages WHERE conversation_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2) latest \
         ORDER BY created_at, id",
    )
    .bind(conversation_id)
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(messages)
}

/// A page of a conversation, oldest first: those after the message `after`, or from the start.
///
/// # Errors
/// The database's.
pub async fn list(
    db: impl PgExecutor<'_>,
    conversation_id: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Message>> {
    let messages = sqlx::query_as(
        "SELECT * FROM messages WHERE conversation_id = $1 \
           AND ($2::uuid IS NULL OR (created_at, id) > (SELECT created_at, id FROM messages WHERE id = $2 AND conversation_id = $1)) \
         ORDER BY created_at, id LIMIT $3",
    )
    .bind(conversation_id)
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(messages)
}
