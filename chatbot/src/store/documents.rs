//! Documents: what was uploaded, and how far its ingestion is.

use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Place, Result};

/// Columns by name: with `*` a release would fail on statements that it prepared before the next one added a column.
macro_rules! columns {
    () => {
        "id, user_id, title, media_type, bytes, sha256, object_key, status, error, chunk_count, stage, progress, version, superseded_at IS NOT NULL AS is_superseded, created_at, updated_at"
    };
}

/// The number after those of the user ($2) with this title ($3); what has no title of its own is its only version.
macro_rules! next_version {
    () => {
        "(SELECT coalesce(max(version), 0) + 1 FROM documents WHERE user_id = $2 AND title = $3 AND title <> 'untitled')"
    };
}
pub(super) use {columns, next_version};

/// The title of a document that has none; such documents are no versions of each other.
pub const UNTITLED: &str = "untitled";

/// How far the ingestion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Status {
    /// Waiting for a worker.
    Pending,
    /// A worker is at it.
    Processing,
    /// Searchable.
    Ready,
    /// Given up; `error` says why.
    Failed,
}

/// What a worker does to a document, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Stage {
    /// It waits.
    Received,
    /// Its text is read.
    Parsing,
    /// The text is cut into chunks.
    Chunking,
    /// Chunks get their vectors, and go into the index.
    Embedding,
    /// Chunks go into the database, and earlier versions out of the index.
    Indexing,
    /// It can be found.
    Ready,
}

/// An uploaded document.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Document {
    /// Identity.
    pub id: Uuid,
    /// Owner.
    pub user_id: Uuid,
    /// File name or title, as shown in citations.
    pub title: String,
    /// What it is, with its encoding where a client named one.
    pub media_type: String,
    /// Size of the upload in bytes.
    pub bytes: i64,
    /// SHA-256 of the upload, hexadecimal.
    pub sha256: String,
    /// Where the upload lies in the object store.
    pub object_key: String,
    /// How far the ingestion is.
    pub status: Status,
    /// Why it failed, in words for its owner.
    pub error: Option<String>,
    /// Chunks in the index.
    pub chunk_count: i32,
    /// What the worker is at, or was at when it failed; see `Stage`.
    pub stage: Stage,
    /// How far that is, of 100.
    pub progress: i16,
    /// Its number among the user's documents of this title, from 1.
    pub version: i32,
    /// A later version took its place: nothing of it is found any more.
    pub is_superseded: bool,
    /// When it was uploaded.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub created_at: jiff::Timestamp,
    /// When its row last changed.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub updated_at: jiff::Timestamp,
}

impl Document {
    /// Where it stands in lists.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { at: self.created_at, id: self.id }
    }
}

/// A document to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDocument<'a> {
    /// Identity, chosen by the caller because the object key contains it (`Uuid::now_v7`).
    pub id: Uuid,
    /// Owner.
    pub user_id: Uuid,
    /// File name or title.
    pub title: &'a str,
    /// What it is, with its encoding where a client named one.
    pub media_type: &'a str,
    /// Size of the upload in bytes.
    pub bytes: i64,
    /// SHA-256 of the upload, hexadecimal.
    pub sha256: &'a str,
    /// Where the upload lies in the object store.
    pub object_key: &'a str,
}

/// Stores a pending document, as the next version of its title (see `document_versions`).
///
/// # Errors
/// `DuplicateDocument` when the user has the same content already (see [`find_by_sha256`]).
pub async fn create(db: impl PgExecutor<'_>, document: &NewDocument<'_>) -> Result<Document> {
    let stored = sqlx::query_as(concat!(
        "INSERT INTO documents (id, user_id, title, media_type, bytes, sha256, object_key, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, ",
        next_version!(),
        ") RETURNING ",
        columns!()
    ))
    .bind(document.id)
    .bind(document.user_id)
    .bind(document.title)
    .bind(document.media_type)
    .bind(document.bytes)
    .bind(document.sha256)
    .bind(document.object_key)
    .fetch_one(db)
    .await?;
    Ok(stored)
}

/// The document, whoever owns it (for jobs).
///
/// # Errors
/// The database's.
pub async fn get(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Document>> {
    let document = sqlx::query_as(concat!("SELECT ", columns!(), " FROM documents WHERE id = $1"))
        .bind(id)
        .fetch_optional(db)
        .await?;
    Ok(document)
}

/// The document, if it is this user's.
///
/// # Errors
/// The database's.
pub async fn find(db: impl PgExecutor<'_>, user_id: Uuid, id: Uuid) -> Result<Option<Document>> {
    let document = sqlx::query_as(concat!("SELECT ", columns!(), " FROM documents WHERE id = $1 AND user_id = $2"))
        .bind(id)
        .bind(user_id)
        .fetch_optional(db)
        .await?;
    Ok(document)
}

/// The user's document with this content.
///
/// # Errors
/// The database's.
pub async fn find_by_sha256(db: impl PgExecutor<'_>, user_id: Uuid, sha256: &str) -> Result<Option<Document>> {
    let document = sqlx::query_as(concat!("SELECT ", columns!(), " FROM documents WHERE sha256 = $1 AND user_id = $2"))
        .bind(sha256)
        .bind(user_id)
        .fetch_optional(db)
        .await?;
    Ok(document)
}

/// A page of the user's documents, newest first, without superseded versions: those beyond the place `after`, or from the start.
///
/// # Errors
/// The database's.
pub async fn list(db: impl PgExecutor<'_>, user_id: Uuid, after: Option<Place>, limit: i64) -> Result<Vec<Document>> {
    let documents = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM documents WHERE user_id = $1 AND superseded_at IS NULL \
           AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3)) \
         ORDER BY created_at DESC, id DESC LIMIT $4"
    ))
    .bind(user_id)
    .bind(after.map(Place::time))
    .bind(after.map(|after| after.id))
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(documents)
}

/// Notes that a worker is at it.
///
/// # Errors
/// The database's.
pub async fn mark_processing(db: impl PgExecutor<'_>, id: Uuid) -> Result<()> {
    sqlx::query(
        "UPDATE documents SET status = 'processing', error = NULL, stage = 'parsing', progress = 0, \
           updated_at = clock_timestamp() WHERE id = $1",
    )
    .bind(id)
    .execute(db)
    .await?;
    Ok(())
}

/// Notes how far the worker is; nothing once it is done.
///
/// # Errors
/// The database's.
pub async fn mark_stage(db: impl PgExecutor<'_>, id: Uuid, stage: Stage, progress: i16) -> Result<()> {
    sqlx::query(
        "UPDATE documents SET stage = $2, progress = $3, updated_at = clock_timestamp() WHERE id = $1 AND status = 'processing'",
    )
    .bind(id)
    .bind(stage)
    .bind(progress)
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that it waits again for a worker, if it still is as it was seen; false when it was deleted or changed meanwhile.
///
/// # Errors
/// The database's.
pub async fn mark_pending(db: impl PgExecutor<'_>, seen: &Document) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE documents SET status = 'pending', error = NULL, stage = 'received', progress = 0, updated_at = clock_timestamp() WHERE id = $1 AND status = $2",
    )
    .bind(seen.id)
    .bind(seen.status)
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that it was given up, and why.
///
/// # Errors
/// The database's.
pub async fn mark_failed(db: impl PgExecutor<'_>, id: Uuid, error: &str) -> Result<()> {
    sqlx::query("UPDATE documents SET status = 'failed', error = $2, updated_at = clock_timestamp() WHERE id = $1")
        .bind(id)
        .bind(error)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that it is searchable, with its number of chunks.
///
/// # Errors
/// The database's.
pub async fn mark_ready(db: impl PgExecutor<'_>, id: Uuid, chunk_count: i32) -> Result<()> {
    sqlx::query(
        "UPDATE documents SET status = 'ready', error = NULL, chunk_count = $2, stage = 'ready', progress = 100, \
           updated_at = clock_timestamp() WHERE id = $1",
    )
    .bind(id)
    .bind(chunk_count)
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes some of this user's documents with their chunks; gives back what was deleted, whose objects and vectors remain to
/// be removed. None are left when it gives back none.
///
/// # Errors
/// The database's.
pub async fn delete_some(db: impl PgExecutor<'_>, user_id: Uuid, limit: i64) -> Result<Vec<Document>> {
    let documents = sqlx::query_as(concat!(
        "DELETE FROM documents WHERE id IN (SELECT id FROM documents WHERE user_id = $1 LIMIT $2) RETURNING ",
        columns!()
    ))
    .bind(user_id)
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(documents)
}
