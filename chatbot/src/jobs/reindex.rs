//! A lost index comes back: documents that are ready, and not in Qdrant, are ingested again.
//!
//! The index can be rebuilt, so nobody backs it up. It is lost with its server's disk, and half of it with a snapshot that
//! is put back. What tells is the number of points: while an index is whole it is never below the number of chunks.
//! Every worker looks; a document is taken by whoever is the first to mark it, so none is asked for twice.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use super::{Queue, QueueError};
use crate::{
    app::App,
    store::{StoreError, document_index, documents, documents::Document},
    vectors::{Qdrant, VectorError},
};

/// Before the first look: a worker that starts after a restore finds a new index, and answers have no sources until it is filled.
const FIRST: Duration = Duration::from_secs(5);
/// Between two looks.
const INTERVAL: Duration = Duration::from_mins(1);
/// Documents that are looked at, and at most enqueued, at a time: the queue is for uploads as well.
const BATCH: i64 = 100;

/// The index cannot be looked after now; the next look tries again.
#[derive(Debug, thiserror::Error)]
pub enum ReindexError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Qdrant.
    #[error(transparent)]
    Vectors(#[from] VectorError),
    /// The queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl From<sqlx::Error> for ReindexError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

/// Looks after the index of an App.
#[derive(Clone, Debug)]
pub struct Reindexer {
    db: PgPool,
    qdrant: Qdrant,
    queue: Queue,
    /// The last document that was looked at.
    after: Uuid,
}

impl Reindexer {
    /// Begins with the first document.
    #[must_use]
    pub fn new(app: &App) -> Self {
        Self { db: app.db.clone(), qdrant: app.qdrant.clone(), queue: app.queue.clone(), after: Uuid::nil() }
    }

    /// Looks every minute, for ever.
    pub async fn run(mut self) {
        let mut pause = FIRST;
        loop {
            tokio::time::sleep(pause).await;
            pause = INTERVAL;
            match self.look().await {
                Ok(0) => {}
                Ok(documents) => tracing::warn!(documents, "the index lacks documents: they are indexed again"),
                Err(error) => tracing::warn!(%error, "whether the index is whole could not be seen"),
            }
        }
    }

    /// Takes the next documents that the index lacks, if it lacks any; answers how many were enqueued.
    ///
    /// # Errors
    /// See [`ReindexError`].
    pub async fn look(&mut self) -> Result<usize, ReindexError> {
        let points = self.qdrant.count().await?.unwrap_or_default();
        let chunks = document_index::ready_chunks(&self.db).await?;
        if u64::try_from(chunks).unwrap_or_default() <= points {
            self.after = Uuid::nil();
            return Ok(0);
        }
        if document_index::waiting(&self.db).await? >= BATCH {
            return Ok(0);
        }
        let batch = document_index::ready_after(&self.db, self.after, BATCH).await?;
        // After the last one it begins anew.
        self.after = batch.last().map_or(Uuid::nil(), |document| document.id);
        let mut enqueued = 0;
        for document in &batch {
            let is_missing = points == 0 || self.is_missing(document).await?;
            enqueued += usize::from(is_missing && self.enqueue(document).await?);
        }
        Ok(enqueued)
    }

    async fn is_missing(&self, document: &Document) -> Result<bool, ReindexError> {
        let points = self.qdrant.count_document(document.id).await?;
        Ok(points < u64::try_from(document.chunk_count).unwrap_or_default())
    }

    /// False when another worker was quicker, or the document was deleted.
    async fn enqueue(&self, document: &Document) -> Result<bool, ReindexError> {
        let mut tx = self.db.begin().await?;
        if !documents::mark_pending(&mut *tx, document).await? {
            return Ok(false);
        }
        self.queue.enqueue_ingest(&mut tx, document.id).await?;
        tx.commit().await?;
        Ok(true)
    }
}
