//! A question → the ids of the chunks that may answer it.
//!
//! By meaning and words together where there is an embedder; by words alone where there is none, or where it fails: a
//! search that finds by words is worth more than an error.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use uuid::Uuid;

use super::bm25;
use super::embed::{EmbedError, Embedder};
use super::normalise::normalise;
use crate::upstream::Rest;
use crate::vectors::{Nearest, Qdrant, Query, SparseVector, VectorError};

/// Longest wait for the vector of a question, reading a model included.
const EMBED_DEADLINE: Duration = Duration::from_secs(8);
/// How was searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By meaning and words.
    Hybrid,
    /// By words alone.
    Words,
}

/// A question as it is searched: read once, however often it is looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    sparse: SparseVector,
    dense: Option<Vec<f32>>,
}

/// What was found, best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Chunks and their scores.
    pub nearest: Vec<Nearest>,
    /// How was searched.
    pub mode: Mode,
}

/// Nothing could be searched.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Qdrant.
    #[error(transparent)]
    Vectors(#[from] VectorError),
    /// No answer in time.
    #[error("the search took longer than {} s: look at the load of Qdrant and of the embedder", .0.as_secs())]
    Timeout(Duration),
}

/// Searches the index.
#[derive(Clone, Debug)]
pub struct Searcher {
    qdrant: Qdrant,
    embedder: Embedder,
    /// After the embedder did not answer nobody waits for it for a few seconds.
    rest: Rest,
}

impl Searcher {
    /// A searcher with these clients.
    #[must_use]
    pub fn new(qdrant: Qdrant, embedder: Embedder) -> Self {
        Self { qdrant, embedder, rest: Rest::default() }
    }

    /// Reads a question. Without an embedder, or with one that fails, its words remain.
    pub async fn read(&self, question: &str) -> Asked {
        Asked { sparse: bm25::query(question), dense: self.dense(question).await }
    }

    /// Chunks of this user that may answer what was asked, at most `limit`.
    ///
    /// # Errors
    /// When Qdrant cannot be reached, refuses, or lacks the collection: only the caller can tell an index that nothing
    /// was written to yet from one that was lost.
    pub async fn search(&self, user_id: Uuid, asked: &Asked, limit: usize) -> Result<Found, SearchError> {
        let mode = if asked.dense.is_some() { Mode::Hybrid } else { Mode::Words };
        if asked.sparse.indices.is_empty() {
            // Only punctuation: nothing to look for.
            return Ok(Found { nearest: Vec::new(), mode });
        }
        let query = Query { dense: asked.dense.clone(), sparse: asked.sparse.clone(), user_id, limit };
        match self.qdrant.search(&query).await {
            Ok(nearest) => Ok(Found { nearest, mode }),
            // A collection made without dense vectors, or with another length, is still searched by words.
            Err(VectorError::Refused { message, .. }) if query.dense.is_some() => {
                tracing::warn!(message, "searching by words alone: rebuild the collection for the configured embedder");
                let nearest = self.qdrant.search(&Query { dense: None, ..query }).await?;
                Ok(Found { nearest, mode: Mode::Words })
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn dense(&self, question: &str) -> Option<Vec<f32>> {
        if !self.rest.may_ask(Instant::now()) {
            return None;
        }
        let texts = [normalise(question)];
        let late = |_| Err(EmbedError::Timeout(EMBED_DEADLINE));
        match timeout(EMBED_DEADLINE, self.embedder.embed(&texts)).await.unwrap_or_else(late) {
            Ok(vectors) => {
                self.rest.end();
                vectors?.pop()
            }
            Err(error) => {
                tracing::warn!(%error, "searching by words alone");
                match error {
                    EmbedError::Timeout(_) | EmbedError::Unreachable(_) => self.rest.begin(Instant::now()),
                    EmbedError::Model { .. }
                    | EmbedError::Inference(_)
                    | EmbedError::Status { .. }
                    | EmbedError::Answer(_)
                    | EmbedError::Dimensions { .. } => self.rest.end(),
                }
                None
            }
        }
    }
}
