//! A document becomes searchable: object → text → chunks, embeddings and vectors → rows → ready, in the place of its earlier
//! versions.
//!
//! Running it twice leaves what running it once leaves: chunk ids follow from document and place, rows and vectors are
//! replaced.

use std::time::Duration;

use riverqueue::{Job, JobArgs, JobRow, WorkContext, WorkOutcome, Worker, WorkerTimeout};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::error::{TIMED_OUT, TOO_SLOW};
use super::{JobError, Progress, Queue, deadline, fence};
use crate::{
    app::App,
    documents::{Kind, Parser},
    objects::Objects,
    retrieval::{Indexer, Watcher},
    store::{
        StoreError, chunks,
        chunks::Chunk,
        document_versions, documents,
        documents::{Document, Stage},
    },
};

/// A document whose ingestion was stopped at its deadline so often is given up: once or twice the machine may have been busy.
const MOST_TIMEOUTS: usize = 3;

/// The job's arguments.
#[derive(Clone, Debug, Deserialize, JobArgs, Serialize)]
#[river(kind = "ingest_document")]
pub struct IngestDocument {
    /// The document.
    pub document_id: Uuid,
}

/// Ingests documents.
#[derive(Clone)]
pub struct IngestWorker {
    db: PgPool,
    objects: Objects,
    parser: Parser,
    indexer: Indexer,
    queue: Queue,
    deadline: Duration,
}

impl IngestWorker {
    /// A worker on the App's pools and clients.
    #[must_use]
    pub fn new(app: &App) -> Self {
        let worker = &app.config.worker;
        Self {
            db: app.db.clone(),
            objects: app.objects.clone(),
            parser: Parser::new(worker.parse_program.clone(), worker.parse_limits.clone()),
            queue: app.queue.clone(),
            indexer: Indexer::new(app.qdrant.clone(), app.embedder.clone()),
            deadline: worker.ingest_timeout,
        }
    }

    async fn run(&self, job: &Job<IngestDocument>) -> Result<(), JobError> {
        let Some(document) = self.begin(job).await? else {
            // An attempt before this one may have written vectors already.
            return self.forget(job.args.document_id).await;
        };
        let progress = Progress::new(self.db.clone(), &job.row);
        progress.report(5, "reading").await;
        let text = self.text(&document).await?;
        progress.report(20, "indexing").await;
        let watcher = Noted { db: &self.db, document_id: document.id };
        let chunks = self.indexer.index(&document, text, &watcher).await?;
        progress.report(90, "saving").await;
        self.save(&job.row, &document, &chunks).await
    }

    /// The document, marked as being processed; None when it was deleted, or a later version is there already.
    async fn begin(&self, job: &Job<IngestDocument>) -> Result<Option<Document>, JobError> {
        let mut tx = self.db.begin().await?;
        fence::hold(&mut tx, &job.row).await?;
        documents::mark_processing(&mut *tx, job.args.document_id).await?;
        let document = documents::get(&mut *tx, job.args.document_id).await?;
        if document.as_ref().is_some_and(|document| document.is_superseded) {
            documents::mark_ready(&mut *tx, job.args.document_id, 0).await?;
        }
        tx.commit().await?;
        Ok(document.filter(|document| !document.is_superseded))
    }

    async fn text(&self, document: &Document) -> Result<String, JobError> {
        let content = self.objects.get(&document.object_key).await?;
        let charset = document.media_type.split_once("charset=").map(|(_, charset)| charset);
        Ok(self.parser.parse(Kind::of_media_type(&document.media_type), charset, content).await?)
    }

    async fn save(&self, attempt: &JobRow, document: &Document, chunks: &[Chunk]) -> Result<(), JobError> {
        let mut tx = self.db.begin().await?;
        fence::hold(&mut tx, attempt).await?;
        document_versions::lock(&mut tx, document.user_id, &document.title).await?;
        match documents::get(&mut *tx, document.id).await? {
            None => return self.forget(document.id).await,
            Some(now) if now.is_superseded => {
                documents::mark_ready(&mut *tx, document.id, 0).await?;
                tx.commit().await?;
                return self.forget(document.id).await;
            }
            Some(_) => {}
        }
        chunks::replace(&mut tx, document.id, chunks).await?;
        documents::mark_ready(&mut *tx, document.id, i32::try_from(chunks.len()).unwrap_or(i32::MAX)).await?;
        for superseded in document_versions::supersede_before(&mut tx, document).await? {
            let enqueued = self.queue.enqueue_unindex(&mut tx, superseded).await;
            enqueued.map_err(|error| JobError::Retryable(error.to_string()))?;
        }
        Ok(tx.commit().await?)
    }

    /// The document was deleted or superseded while it was indexed: its vectors go too.
    async fn forget(&self, document_id: Uuid) -> Result<(), JobError> {
        Ok(self.indexer.remove(document_id).await?)
    }

    /// A permanent failure is told to the owner now, and the job goes to the dead letters.
    async fn conclude(
        &self,
        context: &WorkContext,
        job: &Job<IngestDocument>,
        result: Result<(), JobError>,
    ) -> Result<WorkOutcome, JobError> {
        match result.map_err(|error| hopeless(&job.row, error)) {
            Ok(()) => Ok(WorkOutcome::Complete),
            Err(JobError::Permanent { owner, cause }) => {
                let mut tx = self.db.begin().await?;
                fence::hold(&mut tx, &job.row).await?;
                documents::mark_failed(&mut *tx, job.args.document_id, owner).await?;
                tx.commit().await?;
                tracing::error!(job_id = job.row.id, document_id = %job.args.document_id, cause, "document given up");
                let recorded = context.record_output(serde_json::json!({ "error": owner }));
                recorded.map_err(|error| JobError::Retryable(error.to_string()))?;
                Ok(WorkOutcome::Discard)
            }
            Err(
                error @ (JobError::Retryable(_) | JobError::TimedOut | JobError::Superseded | JobError::Stopped(_)),
            ) => Err(error),
        }
    }
}

/// Notes in the document's row how far it is.
struct Noted<'a> {
    db: &'a PgPool,
    document_id: Uuid,
}

impl Watcher for Noted<'_> {
    /// Only people look at it: when it cannot be noted the work goes on.
    async fn at(&self, stage: Stage, progress: i16) {
        if let Err(error) = documents::mark_stage(self.db, self.document_id, stage, progress).await {
            tracing::warn!(%error, document_id = %self.document_id, "how far a document is could not be noted");
        }
    }
}

impl Worker<IngestDocument> for IngestWorker {
    type Error = JobError;

    fn timeout(&self, _job: &Job<IngestDocument>) -> WorkerTimeout {
        deadline::of_river(self.deadline)
    }

    async fn work(&self, context: WorkContext, job: Job<IngestDocument>) -> Result<WorkOutcome, JobError> {
        let result = deadline::within(self.deadline, &context, self.run(&job)).await;
        self.conclude(&context, &job, result).await
    }
}

/// The last of too many timeouts is the end: this document will not be done in time.
fn hopeless(attempt: &JobRow, error: JobError) -> JobError {
    let before = attempt.errors.iter().filter(|earlier| earlier.error == TIMED_OUT).count();
    if matches!(error, JobError::TimedOut) && before + 1 >= MOST_TIMEOUTS {
        return JobError::Permanent { owner: TOO_SLOW, cause: format!("{TIMED_OUT} {MOST_TIMEOUTS} times") };
    }
    error
}

/// The job behind `kind` and `args` will not be tried again: its document says so.
///
/// # Errors
/// The database's.
pub async fn give_up(
    db: &mut PgConnection,
    kind: &str,
    args: &serde_json::Value,
    reason: &str,
) -> Result<(), StoreError> {
    if kind != IngestDocument::KIND {
        return Ok(());
    }
    let Ok(args) = IngestDocument::deserialize(args) else {
        return Ok(());
    };
    documents::mark_failed(db, args.document_id, reason).await
}
