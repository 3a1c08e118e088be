//! Versions: a user's documents of one title are one thing at several times. The newest that is ready supersedes those before
//! it, which keep their row and upload, and lose what they were found by.

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{
    Result,
    documents::{Document, columns, next_version},
};

/// Makes whoever else changes versions of this title wait until the transaction ends.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &mut PgConnection, user_id: Uuid, title: &str) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1::text || $2, 0))")
        .bind(user_id)
        .bind(title)
        .execute(tx)
        .await?;
    Ok(())
}

/// Puts a version that is ready in the place of those before it, and gives those back; their vectors remain to be removed.
/// Call it inside a transaction that holds the [`lock`].
///
/// # Errors
/// The database's.
pub async fn supersede_before(tx: &mut PgConnection, current: &Document) -> Result<Vec<Uuid>> {
    let superseded: Vec<Uuid> = sqlx::query_scalar(
        "UPDATE documents SET superseded_at = clock_timestamp(), chunk_count = 0, updated_at = clock_timestamp() \
         WHERE user_id = $1 AND title = $2 AND version < $3 AND superseded_at IS NULL AND title <> 'untitled' RETURNING id",
    )
    .bind(current.user_id)
    .bind(&current.title)
    .bind(current.version)
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM chunks WHERE document_id = ANY($1)").bind(&superseded).execute(tx).await?;
    Ok(superseded)
}

/// All versions of the title that this user's document has, newest first.
///
/// # Errors
/// The database's.
pub async fn list(db: impl PgExecutor<'_>, user_id: Uuid, id: Uuid, limit: i64) -> Result<Vec<Document>> {
    let versions = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM documents WHERE user_id = $1 AND (id = $2 OR title <> 'untitled' \
           AND title = (SELECT title FROM documents WHERE id = $2 AND user_id = $1)) \
         ORDER BY version DESC, created_at DESC, id DESC LIMIT $3"
    ))
    .bind(user_id)
    .bind(id)
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(versions)
}

/// Whether a later version of the same title exists, whatever became of it.
///
/// # Errors
/// The database's.
pub async fn is_overtaken(db: impl PgExecutor<'_>, document: &Document) -> Result<bool> {
    let later = "SELECT EXISTS (SELECT FROM documents \
        WHERE user_id = $1 AND title = $2 AND version > $3 AND title <> 'untitled')";
    let later = sqlx::query_scalar(later).bind(document.user_id).bind(&document.title).bind(document.version);
    Ok(later.fetch_one(db).await?)
}

/// Makes an old version the newest one of this title, waiting for a worker; None when it was deleted or is in a worker's
/// hands. Call it inside a transaction that holds the [`lock`].
///
/// # Errors
/// The database's.
pub async fn renew(tx: &mut PgConnection, document: &Document, title: &str) -> Result<Option<Document>> {
    let renewed = sqlx::query_as(concat!(
        "UPDATE documents SET title = $3, version = ",
        next_version!(),
        ", superseded_at = NULL, status = 'pending', error = NULL, stage = 'received', progress = 0, \
           updated_at = clock_timestamp() \
         WHERE id = $1 AND user_id = $2 AND status IN ('ready', 'failed') RETURNING ",
        columns!()
    ))
    .bind(document.id)
    .bind(document.user_id)
    .bind(title)
    .fetch_optional(tx)
    .await?;
    Ok(renewed)
}

/// Deletes this user's document with its chunks, and with the versions that it superseded; gives back what was deleted, whose
/// objects and vectors remain to be removed. None is deleted when the document is not there.
///
/// # Errors
/// The database's.
pub async fn delete(db: impl PgExecutor<'_>, user_id: Uuid, id: Uuid) -> Result<Vec<Document>> {
    let documents = sqlx::query_as(concat!(
        "DELETE FROM documents WHERE user_id = $1 AND (id = $2 OR superseded_at IS NOT NULL AND title <> 'untitled' \
           AND (title, true) = (SELECT title, superseded_at IS NULL FROM documents WHERE id = $2 AND user_id = $1) \
           AND version < (SELECT version FROM documents WHERE id = $2 AND user_id = $1)) RETURNING ",
        columns!()
    ))
    .bind(user_id)
    .bind(id)
    .fetch_all(db)
    .await?;
    Ok(documents)
}
