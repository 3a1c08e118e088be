//! What is left of a deleted document goes: its vectors, then its upload.
//!
//! The row went in the transaction that asked for this job, so the document is gone for everybody at once, and an outage
//! of the index or the object store only delays the rest. Running it twice is fine: both removals are.

use std::time::Duration;

use riverqueue::{Job, JobArgs, WorkContext, WorkOutcome, Worker, WorkerTimeout};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{JobError, deadline};
use crate::{app::App, objects::Objects, retrieval::Indexer};

/// The removal may take so long before the attempt counts as failed.
const DEADLINE: Duration = Duration::from_mins(2);

/// The job's arguments.
#[derive(Clone, Debug, Deserialize, JobArgs, Serialize)]
#[river(kind = "remove_document")]
pub struct RemoveDocument {
    /// The document that was.
    pub document_id: Uuid,
    /// Where its upload lies.
    pub object_key: String,
}

/// Removes what is left of documents.
#[derive(Clone)]
pub struct RemoveWorker {
    objects: Objects,
    indexer: Indexer,
}

impl RemoveWorker {
    /// A worker on the App's clients.
    #[must_use]
    pub fn new(app: &App) -> Self {
        Self { objects: app.objects.clone(), indexer: Indexer::new(app.qdrant.clone(), app.embedder.clone()) }
    }

    async fn run(&self, job: &RemoveDocument) -> Result<(), JobError> {
        self.indexer.remove(job.document_id).await?;
        Ok(self.objects.delete(&job.object_key).await?)
    }
}

impl Worker<RemoveDocument> for RemoveWorker {
    type Error = JobError;

    fn timeout(&self, _job: &Job<RemoveDocument>) -> WorkerTimeout {
        deadline::of_river(DEADLINE)
    }

    async fn work(&self, context: WorkContext, job: Job<RemoveDocument>) -> Result<WorkOutcome, JobError> {
        deadline::within(DEADLINE, &context, self.run(&job.args)).await?;
        Ok(WorkOutcome::Complete)
    }
}
