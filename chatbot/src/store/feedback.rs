//! What people think of answers: one rating for each.

use sqlx::PgExecutor;
use uuid::Uuid;

use super::Result;

/// How an answer is rated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Rating {
    /// It helped.
    Up,
    /// It did not.
    Down,
}

/// The rating of one answer.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Feedback {
    /// The answer.
    pub message_id: Uuid,
    /// How it is rated.
    pub rating: Rating,
    /// Why, in words.
    pub comment: Option<String>,
    /// When it was given or changed.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub updated_at: jiff::Timestamp,
}

/// Gives a rating, or another one in its place.
///
/// # Errors
/// `ParentMissing` when the answer is gone.
pub async fn put(db: impl PgExecutor<'_>, message_id: Uuid, rating: Rating, comment: Option<&str>) -> Result<Feedback> {
    let feedback = sqlx::query_as(
        "INSERT INTO feedback (message_id, rating, comment) VALUES ($1, $2, $3) \
         ON CONFLICT (message_id) DO UPDATE SET rating = $2, comment = $3, updated_at = clock_timestamp() \
         RETURNING message_id, rating, comment, updated_at",
    )
    .bind(message_id)
    .bind(rating)
    .bind(comment)
    .fetch_one(db)
    .await?;
    Ok(feedback)
}

/// Takes the rating of an answer back; false when there is none.
///
/// # Errors
/// The database's.
pub async fn delete(db: impl PgExecutor<'_>, message_id: Uuid) -> Result<bool> {
    let done = sqlx::query("DELETE FROM feedback WHERE message_id = $1").bind(message_id).execute(db).await?;
    Ok(done.rows_affected() > 0)
}

/// The ratings of these answers.
///
/// # Errors
/// The database's.
pub async fn of_messages(db: impl PgExecutor<'_>, message_ids: &[Uuid]) -> Result<Vec<Feedback>> {
    let feedback =
        sqlx::query_as("SELECT message_id, rating, comment, updated_at FROM feedback WHERE message_id = ANY($1)")
            .bind(message_ids)
            .fetch_all(db)
            .await?;
    Ok(feedback)
}
