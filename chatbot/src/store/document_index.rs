//! Documents as the index must have them: what tells a whole index from one that was lost.

use sqlx::PgExecutor;
use uuid::Uuid;

use super::{
    Result,
    documents::{Document, columns},
};

/// Whether the user has a document that should be in the index: it is ready, or was and is being indexed again.
///
/// # Errors
/// The database's.
pub async fn has_indexed(db: impl PgExecutor<'_>, user_id: Uuid) -> Result<bool> {
    let any = "SELECT EXISTS (SELECT FROM documents WHERE user_id = $1 AND chunk_count > 0 AND status <> 'failed')";
    Ok(sqlx::query_scalar(any).bind(user_id).fetch_one(db).await?)
}

/// Whether anybody has one.
///
/// # Errors
/// The database's.
pub async fn any_indexed(db: impl PgExecutor<'_>) -> Result<bool> {
    let any = "SELECT EXISTS (SELECT FROM documents WHERE chunk_count > 0 AND status <> 'failed')";
    Ok(sqlx::query_scalar(any).fetch_one(db).await?)
}

/// How many points the index must have for the documents that are ready.
///
/// # Errors
/// The database's.
pub async fn ready_chunks(db: impl PgExecutor<'_>) -> Result<i64> {
    let chunks = "SELECT coalesce(sum(chunk_count), 0)::bigint FROM documents WHERE status = 'ready'";
    Ok(sqlx::query_scalar(chunks).fetch_one(db).await?)
}

/// How many documents are ready, and not superseded.
///
/// # Errors
/// The database's.
pub async fn ready(db: impl PgExecutor<'_>) -> Result<i64> {
    let ready = "SELECT count(*) FROM documents WHERE status = 'ready' AND superseded_at IS NULL";
    Ok(sqlx::query_scalar(ready).fetch_one(db).await?)
}

/// How many documents wait for a worker, or are in its hands.
///
/// # Errors
/// The database's.
pub async fn waiting(db: impl PgExecutor<'_>) -> Result<i64> {
    let waiting = "SELECT count(*) FROM documents WHERE status IN ('pending', 'processing')";
    Ok(sqlx::query_scalar(waiting).fetch_one(db).await?)
}

/// Documents that are ready and come after `after`, by id.
///
/// # Errors
/// The database's.
pub async fn ready_after(db: impl PgExecutor<'_>, after: Uuid, limit: i64) -> Result<Vec<Document>> {
    let documents = concat!(
        "SELECT ",
        columns!(),
        " FROM documents WHERE status = 'ready' AND superseded_at IS NULL AND id > $1 ORDER BY id LIMIT $2"
    );
    Ok(sqlx::query_as(documents).bind(after).bind(limit).fetch_all(db).await?)
}
