//! Makes a document findable: pieces → chunks → vectors → points in Qdrant.
//!
//! Safe to repeat: a chunk's id follows from the document and its place, so a second run replaces the first, and what a
//! shorter text no longer has is removed. The rows in PostgreSQL are the caller's to write.

use text_splitter::ChunkConfigError;
use tokio::task::JoinError;
use uuid::{Builder, Uuid};

use super::bm25;
use super::chunk::{Format, MAX_PIECES, Piece, pieces};
use super::embed::{EmbedError, Embedder};
use super::normalise::normalise;
use crate::store::chunks::Chunk;
use crate::store::documents::{Document, Stage};
use crate::vectors::{Point, Qdrant, VectorError};
use sha2::{Digest, Sha256};

/// Chunks that are embedded and stored together: bounds memory, whatever the document's size.
const BATCH: usize = 64;

/// Of the way from text to ready: chunks are cut, vectors made, the rest is for the caller.
const CUT: i16 = 15;
const EMBEDDED: i16 = 90;

const EMPTY: &str = "the document has no text: upload one with words in it";
const TOO_LONG: &str = "the document has more than 20000 parts: split it into smaller files";

/// Why a document cannot be made findable.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// There is no text.
    #[error("{EMPTY}")]
    Empty,
    /// It has more pieces than one document may have.
    #[error("{TOO_LONG}")]
    TooLong,
    /// The splitter's sizes contradict each other.
    #[error("the document cannot be split: {0}")]
    Split(#[from] ChunkConfigError),
    /// The splitter came to no end.
    #[error("the document could not be split: {0}")]
    Aborted(#[from] JoinError),
    /// No dense vectors.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// Qdrant.
    #[error(transparent)]
    Vectors(#[from] VectorError),
}

impl IndexError {
    /// What the document's owner can do about it, when only they can: trying again never helps then. What is configured
    /// wrongly may be mended meanwhile.
    #[must_use]
    pub const fn for_owner(&self) -> Option<&'static str> {
        match self {
            Self::Empty => Some(EMPTY),
            Self::TooLong => Some(TOO_LONG),
            Self::Split(_) => Some("the document cannot be split into parts: upload it as plain text"),
            Self::Aborted(_) | Self::Embed(_) | Self::Vectors(_) => None,
        }
    }
}

/// Who is told how far a document is.
pub trait Watcher: Send + Sync {
    /// It is at this stage, and so far of 100.
    fn at(&self, stage: Stage, progress: i16) -> impl Future<Output = ()> + Send;
}

/// Nobody.
impl Watcher for () {
    async fn at(&self, _stage: Stage, _progress: i16) {}
}

/// Writes documents into the index.
#[derive(Clone, Debug)]
pub struct Indexer {
    qdrant: Qdrant,
    embedder: Embedder,
}

impl Indexer {
    /// An indexer with these clients.
    #[must_use]
    pub const fn new(qdrant: Qdrant, embedder: Embedder) -> Self {
        Self { qdrant, embedder }
    }

    /// Writes a document's points, removes those of an earlier, longer text, and gives back its chunks in order.
    ///
    /// # Errors
    /// See [`IndexError::for_owner`] for whether to try again.
    pub async fn index(
        &self,
        document: &Document,
        text: String,
        watcher: &impl Watcher,
    ) -> Result<Vec<Chunk>, IndexError> {
        watcher.at(Stage::Chunking, CUT).await;
        let chunks = split(document, text).await?;
        self.write(document, &chunks, watcher).await?;
        Ok(chunks)
    }

    /// Writes the points of a document's chunks, and removes what else the index has of it.
    ///
    /// # Errors
    /// See [`IndexError::for_owner`] for whether to try again.
    pub async fn write(&self, document: &Document, chunks: &[Chunk], watcher: &impl Watcher) -> Result<(), IndexError> {
        self.qdrant.ensure_collections().await?;
        let has_dense = self.has_dense().await?;
        let batches = chunks.len().div_ceil(BATCH);
        for (done, batch) in chunks.chunks(BATCH).enumerate() {
            watcher.at(Stage::Embedding, embedded(done, batches)).await;
            let points = self.points(document, batch, has_dense).await?;
            self.qdrant.upsert(&points).await?;
        }
        watcher.at(Stage::Indexing, EMBEDDED).await;
        let ids: Vec<Uuid> = chunks.iter().map(|chunk| chunk.id).collect();
        Ok(self.qdrant.delete_document(document.id, &ids).await?)
    }

    /// Removes a document's points; none is fine.
    ///
    /// # Errors
    /// Qdrant's.
    pub async fn remove(&self, document_id: Uuid) -> Result<(), IndexError> {
        Ok(self.qdrant.delete_document(document_id, &[]).await?)
    }

    /// Whether the collection takes the embedder's vectors. One that was made for another embedder still takes words.
    async fn has_dense(&self) -> Result<bool, IndexError> {
        let (made_for, configured) = (self.qdrant.layout().await?.dense, self.embedder.dimensions());
        if configured.is_some() && made_for != configured {
            tracing::warn!(
                ?made_for,
                ?configured,
                "indexing words alone: rebuild the collection for the configured embedder"
            );
        }
        Ok(configured.is_some() && made_for == configured)
    }

    async fn points(&self, document: &Document, chunks: &[Chunk], has_dense: bool) -> Result<Vec<Point>, IndexError> {
        let texts: Vec<String> = chunks.iter().map(|chunk| normalise(&searchable(&document.title, chunk))).collect();
        let dense = if has_dense { self.embedder.embed(&texts).await? } else { None };
        let mut dense = dense.map(Vec::into_iter);
        let point = |(chunk, text): (&Chunk, &String)| Point {
            id: chunk.id,
            dense: dense.as_mut().and_then(Iterator::next),
            sparse: bm25::document(text),
            document_id: document.id,
            user_id: document.user_id,
            ordinal: chunk.ordinal,
        };
        Ok(chunks.iter().zip(&texts).map(point).collect())
    }
}

/// How far it is when so many of all batches are in the index.
fn embedded(done: usize, batches: usize) -> i16 {
    let part = i16::try_from(done * 100 / batches.max(1)).unwrap_or(100);
    CUT + (EMBEDDED - CUT) * part / 100
}

/// The chunks of a text, at least one; on a thread of its own, because a long text takes a while.
async fn split(document: &Document, text: String) -> Result<Vec<Chunk>, IndexError> {
    let (id, format) = (document.id, Format::of_media_type(&document.media_type));
    let pieces = tokio::task::spawn_blocking(move || pieces(&text, format, MAX_PIECES + 1)).await??;
    match pieces.len() {
        0 => Err(IndexError::Empty),
        count if count > MAX_PIECES => Err(IndexError::TooLong),
        _ => pieces.into_iter().enumerate().map(|(place, piece)| chunk(id, place, piece)).collect(),
    }
}

/// What a chunk is found by: title and headings say what the text itself often takes for granted.
fn searchable(title: &str, chunk: &Chunk) -> String {
    let heading = chunk.heading.as_deref().unwrap_or_default();
    format!("{title}\n{heading}\n{}", chunk.text)
}

fn chunk(document_id: Uuid, place: usize, piece: Piece) -> Result<Chunk, IndexError> {
    let number = |value: usize| i32::try_from(value).map_err(|_| IndexError::TooLong);
    let ordinal = number(place)?;
    Ok(Chunk {
        id: chunk_id(document_id, ordinal),
        document_id,
        ordinal,
        heading: piece.heading,
        text: piece.text,
        start_char: number(piece.start_char)?,
        end_char: number(piece.end_char)?,
    })
}

/// The same document and place give the same id, so that indexing twice leaves one point.
fn chunk_id(document_id: Uuid, ordinal: i32) -> Uuid {
    let digest = Sha256::new().chain_update(document_id.as_bytes()).chain_update(ordinal.to_be_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}
