//! Makes a document findable: pieces → chunks → vectors → points in Qdrant.
//!
//! Safe to repeat: a chunk's id follows from the document and its place, so a second run replaces the first, and what a
//! shorter text no longer has is removed. The rows in PostgreSQL are the caller's to write.

use text_splitter::ChunkConfigError;
use uuid::{Builder, Uuid};

use super::bm25;
use super::chunk::{Format, Piece, pieces};
use super::embed::{EmbedError, Embedder};
use crate::store::chunks::Chunk;
use crate::store::documents::Document;
use crate::vectors::{Point, Qdrant, VectorError};
use sha2::{Digest, Sha256};

/// Chunks that are embedded and stored together: bounds memory, whatever the document's size.
const BATCH: usize = 64;

/// Why a document cannot be made findable.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// There is no text.
    #[error("the document has no text: upload a text or Markdown file with words in it")]
    Empty,
    /// It has more places than can be counted.
    #[error("the document is too long: split it into files below 2 GB")]
    TooLong,
    /// The splitter's sizes contradict each other.
    #[error("the document cannot be split: {0}")]
    Split(#[from] ChunkConfigError),
    /// No dense vectors.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// Qdrant.
    #[error(transparent)]
    Vectors(#[from] VectorError),
}

impl IndexError {
    /// Whether trying again can never help: the document itself is at fault. What is configured wrongly may be mended
    /// meanwhile.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        match self {
            Self::Empty | Self::TooLong | Self::Split(_) => true,
            Self::Embed(_) | Self::Vectors(_) => false,
        }
    }
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
    /// See [`IndexError::is_permanent`] for whether to try again.
    pub async fn index(&self, document: &Document, text: &str) -> Result<Vec<Chunk>, IndexError> {
        let pieces = pieces(text, Format::of_media_type(&document.media_type))?;
        let chunks: Vec<Chunk> = pieces
            .into_iter()
            .enumerate()
            .map(|(place, piece)| chunk(document.id, place, piece))
            .collect::<Result<_, _>>()?;
        if chunks.is_empty() {
            return Err(IndexError::Empty);
        }
        self.qdrant.ensure_collections().await?;
        let has_dense = self.has_dense().await?;
        for batch in chunks.chunks(BATCH) {
            let points = self.points(document, batch, has_dense).await?;
            self.qdrant.upsert(&points).await?;
        }
        let ids: Vec<Uuid> = chunks.iter().map(|chunk| chunk.id).collect();
        self.qdrant.delete_document(document.id, &ids).await?;
        Ok(chunks)
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
        let texts: Vec<String> = chunks.iter().map(|chunk| searchable(&document.title, chunk)).collect();
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
