//! How far a job is, for those who watch: 0 to 100, and in a word what it is doing.
//!
//! It stands in the job's metadata, where River's own user interface shows it too. It is a courtesy: a job never waits long for
//! it, and never fails because of it.

use std::time::Duration;

use riverqueue::JobRow;
use sqlx::PgPool;
use tokio::time::timeout;

use crate::store::jobs::tasks;

/// A job does not wait longer than this to tell how far it is.
const DEADLINE: Duration = Duration::from_secs(2);

/// Tells how far one attempt is.
#[derive(Clone, Debug)]
pub struct Progress {
    db: PgPool,
    job: i64,
    attempt: i32,
}

impl Progress {
    /// Of this attempt.
    #[must_use]
    pub fn new(db: PgPool, job: &JobRow) -> Self {
        Self { db, job: job.id, attempt: job.attempt }
    }

    /// Says that so many of 100 parts are done, and what is being done now.
    pub async fn report(&self, percent: u8, stage: &str) {
        let note = tasks::note_progress(&self.db, self.job, self.attempt, percent.min(100), stage);
        match timeout(DEADLINE, note).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(job_id = self.job, %error, "progress is not told"),
            Err(_elapsed) => tracing::debug!(job_id = self.job, "progress is not told in time"),
        }
    }
}
