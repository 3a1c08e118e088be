//! A superseded version leaves the index. Its row and its upload stay, so that it can be looked up, and be uploaded again.
//!
//! Nothing of it is found from the transaction on that superseded it, because its chunks went then; an outage of the index
//! only delays the rest. Running it twice is fine.

use std::time::Duration;

use riverqueue::{Job, JobArgs, WorkContext, WorkOutcome, Worker, WorkerTimeout};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

use super::{JobError, deadline};
use crate::{app::App, retrieval::Indexer, store::documents};

/// The removal may take so long before the attempt counts as failed.
const DEADLINE: Duration = Duration::from_mins(2);

/// The job's arguments.
#[derive(Clone, Debug, Deserialize, JobArgs, Serialize)]
#[river(kind = "unindex_document")]
pub struct UnindexDocument {
    /// The superseded version.
    pub document_id: Uuid,
}

/// Removes superseded versions from the index.
#[derive(Clone)]
pub struct UnindexWorker {
    db: PgPool,
    indexer: Indexer,
}

impl UnindexWorker {
    /// A worker on the App's clients.
    #[must_use]
    pub fn new(app: &App) -> Self {
        Self { db: app.db.clone(), indexer: Indexer::new(app.qdrant.clone(), app.embedder.clone()) }
    }

    async fn run(&self, job: &UnindexDocument) -> Result<(), JobError> {
        let is_wanted = documents::get(&self.db, job.document_id).await?.is_some_and(|now| !now.is_superseded);
        // Uploaded again meanwhile, and the newest one again.
        if is_wanted { Ok(()) } else { Ok(self.indexer.remove(job.document_id).await?) }
    }
}

impl Worker<UnindexDocument> for UnindexWorker {
    type Error = JobError;

    fn timeout(&self, _job: &Job<UnindexDocument>) -> WorkerTimeout {
        deadline::of_river(DEADLINE)
    }

    async fn work(&self, context: WorkContext, job: Job<UnindexDocument>) -> Result<WorkOutcome, JobError> {
        deadline::within(DEADLINE, &context, self.run(&job.args)).await?;
        Ok(WorkOutcome::Complete)
    }
}
