//! Conversations.

use jiff_sqlx::ToSqlx;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Place, Result};

/// Columns by name: with `*` a release would fail on statements that it prepared before the next one added a column.
macro_rules! columns {
    () => {
        "id, user_id, title, created_at, updated_at"
    };
}

/// A conversation of one user.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Conversation {
    /// Identity.
    pub id: Uuid,
    /// Owner.
    pub user_id: Uuid,
    /// What lists show; the first question by default.
    pub title: String,
    /// When it was created.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub created_at: jiff::Timestamp,
    /// When its last message came.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub updated_at: jiff::Timestamp,
}

impl Conversation {
    /// Where it stands in lists.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { at: self.updated_at, id: self.id }
    }
}

/// Starts a conversation.
///
/// # Errors
/// `ParentMissing` when there is no such user.
pub async fn create(db: impl PgExecutor<'_>, user_id: Uuid, title: &str) -> Result<Conversation> {
    let conversation = sqlx::query_as(concat!(
        "INSERT INTO conversations (id, user_id, title) VALUES ($1, $2, $3) RETURNING ",
        columns!()
    ))
    .bind(Uuid::now_v7())
    .bind(user_id)
    .bind(title)
    .fetch_one(db)
    .await?;
    Ok(conversation)
}

/// The conversation, if it is this user's.
///
/// # Errors
/// The database's.
pub async fn find(db: impl PgExecutor<'_>, user_id: Uuid, id: Uuid) -> Result<Option<Conversation>> {
    let conversation =
        sqlx::query_as(concat!("SELECT ", columns!(), " FROM conversations WHERE id = $1 AND user_id = $2"))
            .bind(id)
            .bind(user_id)
            .fetch_optional(db)
            .await?;
    Ok(conversation)
}

/// A page of the user's conversations, latest first: those beyond the place `after`, or from the start.
///
/// # Errors
/// The database's.
pub async fn list(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Conversation>> {
    search(db, user_id, &[], after, limit).await
}

/// The same page of those in which every pattern, a regular expression, matches the title or a message.
///
/// # Errors
/// The database's.
pub async fn search(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    patterns: &[String],
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Conversation>> {
    let conversations = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM conversations WHERE user_id = $1 \
           AND NOT EXISTS (SELECT FROM unnest($5::text[]) AS pattern WHERE title !~ pattern AND NOT EXISTS \
             (SELECT FROM messages WHERE conversation_id = conversations.id AND content ~ pattern)) \
           AND ($2::timestamptz IS NULL OR (updated_at, id) < ($2, $3)) \
         ORDER BY updated_at DESC, id DESC LIMIT $4"
    ))
    .bind(user_id)
    .bind(after.map(Place::time))
    .bind(after.map(|after| after.id))
    .bind(limit)
    .bind(patterns)
    .fetch_all(db)
    .await?;
    Ok(conversations)
}

/// Gives the conversation another title, if it is this user's.
///
/// # Errors
/// The database's.
pub async fn rename(db: impl PgExecutor<'_>, user_id: Uuid, id: Uuid, title: &str) -> Result<Option<Conversation>> {
    let conversation = sqlx::query_as(concat!(
        "UPDATE conversations SET title = $3 WHERE id = $1 AND user_id = $2 RETURNING ",
        columns!()
    ))
    .bind(id)
    .bind(user_id)
    .bind(title)
    .fetch_optional(db)
    .await?;
    Ok(conversation)
}

/// Deletes the conversation with its messages, if it is this user's; false when there is none.
///
/// # Errors
/// The database's.
pub async fn delete(db: impl PgExecutor<'_>, user_id: Uuid, id: Uuid) -> Result<bool> {
    let done = sqlx::query("DELETE FROM conversations WHERE id = $1 AND user_id = $2")
        .bind(id)
        .bind(user_id)
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Deletes at most `limit` of the user's conversations with their messages, of those that were there at `until`; says how
/// many.
///
/// # Errors
/// The database's.
pub async fn delete_some(db: impl PgExecutor<'_>, user_id: Uuid, until: jiff::Timestamp, limit: i64) -> Result<u64> {
    let done = sqlx::query(
        "DELETE FROM conversations WHERE id IN \
           (SELECT id FROM conversations WHERE user_id = $1 AND created_at <= $2 LIMIT $3)",
    )
    .bind(user_id)
    .bind(until.to_sqlx())
    .bind(limit)
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
