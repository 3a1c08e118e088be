//! An upload whose document may or may not exist, because nobody knows whether its row was committed: when there is no
//! row by now, the upload goes. Running it twice is fine.

use std::time::Duration;

use riverqueue::{Job, JobArgs, WorkContext, WorkOutcome, Worker, WorkerTimeout};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

use super::{JobError, deadline};
use crate::{app::App, objects::Objects, store::documents};

/// Longer than the database lets a transaction be idle: by then it was committed, or never will be.
pub(super) const DELAY: Duration = Duration::from_mins(15);
/// The check may take so long before the attempt counts as failed.
const DEADLINE: Duration = Duration::from_mins(2);

/// The job's arguments.
#[derive(Clone, Debug, Deserialize, JobArgs, Serialize)]
#[river(kind = "check_upload")]
pub struct CheckUpload {
    /// The document that may exist.
    pub document_id: Uuid,
    /// Where its upload lies.
    pub object_key: String,
}

/// Removes uploads without a document.
#[derive(Clone)]
pub struct CheckWorker {
    db: PgPool,
    objects: Objects,
}

impl CheckWorker {
    /// A worker on the App's clients.
    #[must_use]
    pub fn new(app: &App) -> Self {
        Self { db: app.db.clone(), objects: app.objects.clone() }
    }

    async fn run(&self, job: &CheckUpload) -> Result<(), JobError> {
        if documents::get(&self.db, job.document_id).await?.is_some() {
            return Ok(());
        }
        Ok(self.objects.delete(&job.object_key).await?)
    }
}

impl Worker<CheckUpload> for CheckWorker {
    type Error = JobError;

    fn timeout(&self, _job: &Job<CheckUpload>) -> WorkerTimeout {
        deadline::of_river(DEADLINE)
    }

    async fn work(&self, context: WorkContext, job: Job<CheckUpload>) -> Result<WorkOutcome, JobError> {
        deadline::within(DEADLINE, &context, self.run(&job.args)).await?;
        Ok(WorkOutcome::Complete)
    }
}
