//! Enqueuing: a job exists exactly if the transaction that asked for it was committed.

use std::fmt;

use jiff::Timestamp;
use riverqueue::{Client, InsertOpts};
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::{
    check_upload::{self, CheckUpload},
    ingest::IngestDocument,
    remove::RemoveDocument,
    schedule::Schedule,
    tidy::TidyHistory,
    unindex::UnindexDocument,
};

/// Most attempts of a job before it is given up: with the pauses of `retry`, an outage of four hours is outlived.
pub(super) const MAX_ATTEMPTS: i32 = 25;

/// The three queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueName {
    /// A person waits for it: chat, images, speech, web search.
    High,
    /// Embeddings, uploads.
    Medium,
    /// E-mail, clean-up, observability.
    Low,
}

impl QueueName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    /// The queue's name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// A job cannot be enqueued, or the queue not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the job queue failed: {0}")]
pub struct QueueError(#[from] riverqueue::Error);

/// Asks for jobs.
#[derive(Clone)]
pub struct Queue(Client);

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue")
    }
}

impl Queue {
    /// A queue in the database of `pool`; nothing is contacted yet.
    ///
    /// # Errors
    /// River's, about its settings.
    pub fn new(pool: PgPool) -> Result<Self, QueueError> {
        Ok(Self(Client::builder(pool).build()?))
    }

    /// Asks for a document to be made searchable, as part of the transaction `tx`.
    ///
    /// # Errors
    /// The database's.
    pub async fn enqueue_ingest(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        document_id: Uuid,
    ) -> Result<i64, QueueError> {
        let inserted = self.0.insert(IngestDocument { document_id }).opts(options(QueueName::Medium)).tx(tx).await?;
        Ok(inserted.id())
    }

    /// Asks for what is left of a deleted document to be removed, as part of the transaction `tx` that deletes it.
    ///
    /// # Errors
    /// The database's.
    pub async fn enqueue_remove(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        document_id: Uuid,
        object_key: String,
    ) -> Result<i64, QueueError> {
        let job = RemoveDocument { document_id, object_key };
        let inserted = self.0.insert(job).opts(options(QueueName::Low)).tx(tx).await?;
        Ok(inserted.id())
    }

    /// Asks for a version to leave the index, as part of the transaction `tx` that supersedes it.
    ///
    /// # Errors
    /// The database's.
    pub async fn enqueue_unindex(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        document_id: Uuid,
    ) -> Result<i64, QueueError> {
        let job = UnindexDocument { document_id };
        let inserted = self.0.insert(job).opts(options(QueueName::Low)).tx(tx).await?;
        Ok(inserted.id())
    }

    /// Asks for a look, some time after `now`, whether an upload has its document.
    ///
    /// # Errors
    /// The database's.
    pub async fn enqueue_check(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        document_id: Uuid,
        object_key: String,
        now: Timestamp,
    ) -> Result<i64, QueueError> {
        let job = CheckUpload { document_id, object_key };
        let later = options(QueueName::Low).with_scheduled_at(now + check_upload::DELAY);
        let inserted = self.0.insert(job).opts(later).tx(tx).await?;
        Ok(inserted.id())
    }

    /// Asks for the job of a schedule, as part of the transaction `tx` that notes its run.
    ///
    /// # Errors
    /// The database's.
    pub async fn enqueue_scheduled(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        schedule: Schedule,
    ) -> Result<i64, QueueError> {
        let inserted = match schedule {
            Schedule::TidyHistory => self.0.insert(TidyHistory {}).opts(options(QueueName::Low)).tx(tx).await?,
        };
        Ok(inserted.id())
    }

    /// River's client, for what is done with jobs that are there.
    pub(super) fn client(&self) -> &Client {
        &self.0
    }
}

fn options(queue: QueueName) -> InsertOpts {
    InsertOpts::default().with_queue(queue.as_str()).with_max_attempts(MAX_ATTEMPTS)
}
