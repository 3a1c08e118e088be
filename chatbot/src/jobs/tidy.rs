//! The history of jobs is cut to its length. Running it twice is fine.

use std::time::Duration;

use riverqueue::{Job, JobArgs, WorkContext, WorkOutcome, Worker, WorkerTimeout};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::{JobError, deadline};
use crate::{app::App, store::jobs::history};

/// How long the history is kept.
const DAYS: i32 = 90;
/// It may take so long before the attempt counts as failed.
const DEADLINE: Duration = Duration::from_mins(2);

/// The job's arguments: there are none.
#[derive(Clone, Debug, Deserialize, JobArgs, Serialize)]
#[river(kind = "tidy_history")]
pub struct TidyHistory {}

/// Forgets old history.
#[derive(Clone)]
pub struct TidyWorker(PgPool);

impl TidyWorker {
    /// A worker on the App's pool.
    #[must_use]
    pub fn new(app: &App) -> Self {
        Self(app.db.clone())
    }

    async fn run(&self) -> Result<(), JobError> {
        let mut tx = self.0.begin().await?;
        let rows = history::forget(&mut tx, DAYS).await?;
        tx.commit().await?;
        tracing::info!(rows, "history of jobs forgotten");
        Ok(())
    }
}

impl Worker<TidyHistory> for TidyWorker {
    type Error = JobError;

    fn timeout(&self, _job: &Job<TidyHistory>) -> WorkerTimeout {
        deadline::of_river(DEADLINE)
    }

    async fn work(&self, context: WorkContext, _job: Job<TidyHistory>) -> Result<WorkOutcome, JobError> {
        deadline::within(DEADLINE, &context, self.run()).await?;
        Ok(WorkOutcome::Complete)
    }
}
