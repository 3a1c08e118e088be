//! Messages of a conversation.

use jiff_sqlx::ToSqlx;
use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::documents::Document;
use super::{Place, Result};

/// Columns by name: with `*` a release would fail on statements that it prepared before the next one added a column.
macro_rules! columns {
    () => {
        "id, conversation_id, role, content, sources, model, prompt_tokens, completion_tokens, finish_reason, replaced_by, created_at"
    };
}

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
    /// Why the model stopped: stop, length, cancelled, stopped, error.
    pub finish_reason: Option<String>,
    /// The answer that took this one's place.
    pub replaced_by: Option<Uuid>,
    /// When it was stored.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub created_at: jiff::Timestamp,
}

impl Message {
    /// Where it stands in lists.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { at: self.created_at, id: self.id }
    }
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

/// Documents that sources name and that exist are held until the message is there: one that is being deleted is waited
/// for. Of one that is gone nothing is kept but its title.
const CREATE: &str = concat!(
    "WITH touched AS (UPDATE conversations SET updated_at = clock_timestamp() WHERE id = $2), \
    source AS (SELECT value, place, (value ->> 'documentId')::uuid AS document_id \
      FROM jsonb_array_elements($5::jsonb) WITH ORDINALITY AS source (value, place)), \
    living AS (SELECT id FROM documents WHERE id IN (SELECT document_id FROM source) FOR KEY SHARE) \
    INSERT INTO messages (id, conversation_id, role, content, sources, model, prompt_tokens, completion_tokens, finish_reason) \
    SELECT $1, $2, $3, $4, \
      (SELECT coalesce(jsonb_agg(CASE WHEN document_id IS NULL OR document_id IN (SELECT id FROM living) THEN value \
        ELSE value || '{\"text\": \"\", \"heading\": null}' END ORDER BY place), '[]') FROM source), \
      $6, $7, $8, $9 \
    ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING ",
    columns!()
);

/// Only its owner's answers can be made from a document, and none before it was there: no others are looked through.
const BLANK: &str = "UPDATE messages SET sources = \
      (SELECT jsonb_agg(CASE WHEN value ->> 'documentId' = $2::text THEN value || '{\"text\": \"\", \"heading\": null}' \
        ELSE value END ORDER BY place) FROM jsonb_array_elements(sources) WITH ORDINALITY AS source (value, place)) \
    WHERE conversation_id IN (SELECT id FROM conversations WHERE user_id = $1) AND created_at >= $3 \
      AND sources @> jsonb_build_array(jsonb_build_object('documentId', $2::text))";

/// Stores a message and marks its conversation as updated. Doing it again with the same id changes nothing.
///
/// # Errors
/// `ParentMissing` when the conversation is gone.
pub async fn create(db: impl PgExecutor<'_>, message: &NewMessage<'_>) -> Result<Message> {
    let stored = sqlx::query_as(CREATE)
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

/// Takes the passages of a document out of the sources of its owner's answers; its title stays. Call it in the
/// transaction that deletes the document, after that.
///
/// # Errors
/// The database's.
pub async fn forget_document(db: impl PgExecutor<'_>, document: &Document) -> Result<()> {
    let Document { id, user_id, created_at, .. } = document;
    sqlx::query(BLANK).bind(user_id).bind(id.to_string()).bind(created_at.to_sqlx()).execute(db).await?;
    Ok(())
}

/// The message, if it is in a conversation of this user.
///
/// # Errors
/// The database's.
pub async fn find(db: impl PgExecutor<'_>, user_id: Uuid, id: Uuid) -> Result<Option<Message>> {
    let message = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM messages WHERE id = $1 \
           AND EXISTS (SELECT FROM conversations c WHERE c.id = messages.conversation_id AND c.user_id = $2)"
    ))
    .bind(id)
    .bind(user_id)
    .fetch_optional(db)
    .await?;
    Ok(message)
}

/// The last `limit` messages of a conversation that stand, oldest first; with `before` those before that place.
///
/// # Errors
/// The database's.
pub async fn latest(
    db: impl PgExecutor<'_>,
    conversation_id: Uuid,
    before: Option<Place>,
    limit: i64,
) -> Result<Vec<Message>> {
    let messages = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM (SELECT ",
        columns!(),
        " FROM messages WHERE conversation_id = $1 AND replaced_by IS NULL \
            AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3)) \
          ORDER BY created_at DESC, id DESC LIMIT $4) latest \
         ORDER BY created_at, id"
    ))
    .bind(conversation_id)
    .bind(before.map(Place::time))
    .bind(before.map(|before| before.id))
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(messages)
}

/// Which messages of a conversation are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those that stand.
    Standing,
    /// Also answers that another one took the place of.
    All,
}

/// A page of a conversation, oldest first: those beyond the place `after`, or from the start.
///
/// # Errors
/// The database's.
pub async fn list(
    db: impl PgExecutor<'_>,
    conversation_id: Uuid,
    wanted: Wanted,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Message>> {
    let messages = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM messages WHERE conversation_id = $1 AND ($2 OR replaced_by IS NULL) \
           AND ($3::timestamptz IS NULL OR (created_at, id) > ($3, $4)) \
         ORDER BY created_at, id LIMIT $5"
    ))
    .bind(conversation_id)
    .bind(wanted == Wanted::All)
    .bind(after.map(Place::time))
    .bind(after.map(|after| after.id))
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(messages)
}

/// Stores an answer in the place of those that `question` has got so far. Doing it again with the same id changes nothing.
///
/// # Errors
/// `ParentMissing` when the conversation is gone.
pub async fn answer_anew(db: &mut PgConnection, question: &Message, answer: &NewMessage<'_>) -> Result<Message> {
    let mut tx = db.begin().await?;
    // One at a time: of two answers to the same question that are stored at once the later one sees, and replaces, the other.
    sqlx::query("SELECT FROM conversations WHERE id = $1 FOR UPDATE")
        .bind(question.conversation_id)
        .execute(&mut *tx)
        .await?;
    let stored = create(&mut *tx, answer).await?;
    let replace = "UPDATE messages SET replaced_by = $1 WHERE conversation_id = $2 AND role = 'assistant' \
        AND replaced_by IS NULL AND id <> $1 AND (created_at, id) > ($3, $4)";
    sqlx::query(replace)
        .bind(answer.id)
        .bind(question.conversation_id)
        .bind(question.created_at.to_sqlx())
        .bind(question.id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(stored)
}
