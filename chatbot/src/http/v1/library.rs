//! A user's documents, as `chat` sees them: the index gives ids, PostgreSQL the texts.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::PgPool;
use tokio::time::timeout;
use uuid::Uuid;

use crate::chat::ports::{Findings, Library, Passage};
use crate::http::problem::Problem;
use crate::http::state::Http;
use crate::retrieval::{Asked, Found, Mode, SearchError, Searcher};
use crate::store::StoreError;
use crate::store::chunks::{self, ChunkWithTitle};
use crate::store::document_index;
use crate::vectors::{Nearest, VectorError};

/// Longest wait for all of it: the question's vector, searches with their retries, and the passages.
const DEADLINE: Duration = Duration::from_secs(12);
/// Candidates that are asked for, as a multiple of the passages that are wanted: some may belong to deleted documents.
const SPARE: usize = 2;
/// Most candidates of one search; beyond that deleted documents crowd out living ones until their vectors are removed.
const MAX_CANDIDATES: usize = 400;

/// The documents of one user.
#[derive(Clone, Debug)]
pub(in crate::http) struct UserLibrary {
    searcher: Searcher,
    db: PgPool,
    user_id: Uuid,
    has_embedder: bool,
}

/// Passages cannot be found.
#[derive(Debug, thiserror::Error)]
pub(in crate::http) enum LibraryError {
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LibraryError> for Problem {
    fn from(error: LibraryError) -> Self {
        match error {
            LibraryError::Search(error) => error.into(),
            LibraryError::Store(error) => error.into(),
        }
    }
}

impl UserLibrary {
    pub(in crate::http) fn new(http: &Http, user_id: Uuid) -> Self {
        let has_embedder = http.app.embedder.dimensions().is_some();
        Self { searcher: http.searcher.clone(), db: http.app.db.clone(), user_id, has_embedder }
    }
}

impl UserLibrary {
    /// What the index offers. None when there is no index, and no document of this user that would be in it: nothing is
    /// missing then.
    async fn candidates(&self, asked: &Asked, count: usize) -> Result<Option<Found>, LibraryError> {
        match self.searcher.search(self.user_id, asked, count).await {
            Err(SearchError::Vectors(VectorError::CollectionMissing(_)))
                if !document_index::has_indexed(&self.db, self.user_id).await? =>
            {
                Ok(None)
            }
            result => Ok(Some(result?)),
        }
    }

    /// The passages behind the points, best first. A point whose chunk is gone belongs to a document that was deleted
    /// and whose vectors are not removed yet.
    async fn passages(&self, nearest: Vec<Nearest>, limit: usize) -> Result<Vec<Passage>, LibraryError> {
        let ids: Vec<Uuid> = nearest.iter().map(|nearest| nearest.id).collect();
        let found = if ids.is_empty() { Vec::new() } else { chunks::find_many(&self.db, self.user_id, &ids).await? };
        let mut found: HashMap<Uuid, ChunkWithTitle> = found.into_iter().map(|found| (found.chunk.id, found)).collect();
        Ok(ids.iter().filter_map(|id| found.remove(id)).take(limit).map(passage).collect())
    }
}

impl UserLibrary {
    /// Looks for more as long as deleted documents crowd out living ones; the question is read once.
    async fn look(&self, question: &str, limit: usize) -> Result<Findings, LibraryError> {
        let asked = self.searcher.read(question).await;
        let mut candidates = limit.saturating_mul(SPARE);
        loop {
            let Some(Found { nearest, mode }) = self.candidates(&asked, candidates).await? else {
                return Ok(Findings::default());
            };
            let is_all = nearest.len() < candidates || candidates >= MAX_CANDIDATES;
            let passages = self.passages(nearest, limit).await?;
            if passages.len() == limit || is_all {
                return Ok(Findings { passages, words_only: self.has_embedder && mode == Mode::Words });
            }
            candidates = candidates.saturating_mul(SPARE * SPARE).min(MAX_CANDIDATES);
        }
    }
}

impl Library for UserLibrary {
    type Error = LibraryError;

    async fn find(&self, question: &str, limit: usize) -> Result<Findings, Self::Error> {
        let look = timeout(DEADLINE, self.look(question, limit)).await;
        look.unwrap_or(Err(LibraryError::Search(SearchError::Timeout(DEADLINE))))
    }
}

fn passage(found: ChunkWithTitle) -> Passage {
    let ChunkWithTitle { chunk, title } = found;
    Passage {
        chunk_id: chunk.id,
        document_id: chunk.document_id,
        title,
        heading: chunk.heading,
        text: chunk.text,
        start_char: u32::try_from(chunk.start_char).unwrap_or_default(),
        end_char: u32::try_from(chunk.end_char).unwrap_or_default(),
    }
}
