//! Chunks: the pieces of documents that answers cite.

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::Result;

/// Columns by name: with `*` a release would fail on statements that it prepared before the next one added a column.
macro_rules! columns {
    () => {
        "id, document_id, ordinal, heading, text, start_char, end_char"
    };
}

/// One piece of a document.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Chunk {
    /// Identity; also the id of its vector in Qdrant.
    pub id: Uuid,
    /// The document it is a piece of.
    pub document_id: Uuid,
    /// Its place, from 0.
    pub ordinal: i32,
    /// Headings above it, outermost first, joined by ` > `.
    pub heading: Option<String>,
    /// The text as uploaded.
    pub text: String,
    /// First character of it in the document.
    pub start_char: i32,
    /// One past its last character.
    pub end_char: i32,
}

/// A chunk with what a citation shows of its document.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ChunkWithTitle {
    /// The chunk.
    #[sqlx(flatten)]
    pub chunk: Chunk,
    /// The document's title.
    pub title: String,
}

/// Replaces all chunks of a document: running it twice leaves the same rows. Call it inside a transaction.
///
/// # Errors
/// `ParentMissing` when the document was deleted meanwhile.
pub async fn replace(db: &mut PgConnection, document_id: Uuid, chunks: &[Chunk]) -> Result<()> {
    sqlx::query("DELETE FROM chunks WHERE document_id = $1").bind(document_id).execute(&mut *db).await?;
    let ids: Vec<Uuid> = chunks.iter().map(|chunk| chunk.id).collect();
    let ordinals: Vec<i32> = chunks.iter().map(|chunk| chunk.ordinal).collect();
    let headings: Vec<Option<&str>> = chunks.iter().map(|chunk| chunk.heading.as_deref()).collect();
    let texts: Vec<&str> = chunks.iter().map(|chunk| chunk.text.as_str()).collect();
    let starts: Vec<i32> = chunks.iter().map(|chunk| chunk.start_char).collect();
    let ends: Vec<i32> = chunks.iter().map(|chunk| chunk.end_char).collect();
    sqlx::query(concat!(
        "INSERT INTO chunks (",
        columns!(),
        ") \
         SELECT id, $1, ordinal, heading, text, start_char, end_char \
         FROM unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::int[], $7::int[]) \
           AS c (id, ordinal, heading, text, start_char, end_char)"
    ))
    .bind(document_id)
    .bind(ids)
    .bind(ordinals)
    .bind(headings)
    .bind(texts)
    .bind(starts)
    .bind(ends)
    .execute(db)
    .await?;
    Ok(())
}

/// The chunks with these ids that belong to this user's documents, in no particular order.
///
/// # Errors
/// The database's.
pub async fn find_many(db: impl PgExecutor<'_>, user_id: Uuid, ids: &[Uuid]) -> Result<Vec<ChunkWithTitle>> {
    let chunks = sqlx::query_as(
        "SELECT c.id, c.document_id, c.ordinal, c.heading, c.text, c.start_char, c.end_char, d.title FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.id = ANY($2) AND d.user_id = $1",
    )
    .bind(user_id)
    .bind(ids)
    .fetch_all(db)
    .await?;
    Ok(chunks)
}

/// Chunks of one document in order.
///
/// # Errors
/// The database's.
pub async fn list(db: impl PgExecutor<'_>, document_id: Uuid) -> Result<Vec<Chunk>> {
    let chunks = sqlx::query_as(concat!("SELECT ", columns!(), " FROM chunks WHERE document_id = $1 ORDER BY ordinal"))
        .bind(document_id)
        .fetch_all(db)
        .await?;
    Ok(chunks)
}
