//! A question → the ids of the chunks that may answer it.
//!
//! By meaning and words together where there is an embedder; by words alone where there is none, or where it fails: a
//! search that finds by words is worth more than an error.

use std::time::Duration;

use uuid::Uuid;

use super::bm25;
use super::embed::Embedder;
use super::normalise::normalise;
use crate::vectors::{Nearest, Qdrant, Query, VectorError};

/// Longest wait for the vector of a question, reading a model included.
const EMBED_DEADLINE: Duration = Duration::from_secs(8);
/// Longest wait for the whole search, retries included.
const DEADLINE: Duration = Duration::from_secs(12);

/// How was searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By meaning and words.
    Hybrid,
    /// By words alone.
    Words,
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
}

impl Searcher {
    /// A searcher with these clients.
    #[must_use]
    pub const fn new(qdrant: Qdrant, embedder: Embedder) -> Self {
        Self { qdrant, embedder }
    }

    /// Chunks of this user that may answer `question`, at most `limit`.
    ///
    /// # Errors
    /// When Qdrant cannot be reached, refuses, or lacks the collection: only the caller can tell an index that nothing
    /// was written to yet from one that was lost.
    pub async fn search(&self, user_id: Uuid, question: &str, limit: usize) -> Result<Found, SearchError> {
        let search = tokio::time::timeout(DEADLINE, self.find(user_id, question, limit));
        search.await.unwrap_or(Err(SearchError::Timeout(DEADLINE)))
    }

    async fn find(&self, user_id: Uuid, question: &str, limit: usize) -> Result<Found, SearchError> {
        let sparse = bm25::query(question);
        let dense = self.dense(question).await;
        let mode = if dense.is_some() { Mode::Hybrid } else { Mode::Words };
        if sparse.indices.is_empty() {
            // Only punctuation: nothing to look for.
            return Ok(Found { nearest: Vec::new(), mode });
        }
        let query = Query { dense, sparse, user_id, limit };
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
        let texts = [normalise(question)];
        match tokio::time::timeout(EMBED_DEADLINE, self.embedder.embed(&texts)).await {
            Ok(Ok(vectors)) => vectors?.pop(),
            Ok(Err(error)) => {
                tracing::warn!(%error, "searching by words alone");
                None
            }
            Err(_) => {
                tracing::warn!(
                    "searching by words alone: the embedder took longer than {} s",
                    EMBED_DEADLINE.as_secs()
                );
                None
            }
        }
    }
}
