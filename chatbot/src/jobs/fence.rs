//! Keeps a worker that was declared dead from writing: it may only have been frozen, and its job runs elsewhere by now.
//!
//! Two parts. River's own writes go through a pool whose sessions name their worker ([`tag`]); a trigger on `river_job`
//! skips every claim and completion of a worker that is dead or does not hold the job. What a job itself writes is
//! guarded by [`hold`] inside the job's last transaction.

use riverqueue::JobRow;
use sqlx::{PgConnection, postgres::PgConnectOptions};

use super::JobError;

/// The session setting that the trigger reads.
const SETTING: &str = "chatbot.worker";

/// Sessions of these options belong to the worker `id`.
#[must_use]
pub fn tag(options: PgConnectOptions, id: &str) -> PgConnectOptions {
    options.options([(SETTING, id)])
}

/// Locks the attempt until the transaction ends, if it is still the job's current one.
///
/// # Errors
/// `Superseded` when it is not, `Retryable` when the database fails.
pub async fn hold(tx: &mut PgConnection, job: &JobRow) -> Result<(), JobError> {
    let held: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM river_job WHERE id = $1 AND state = 'running' AND attempt = $2 \
           AND attempted_by[array_upper(attempted_by, 1)] IS NOT DISTINCT FROM $3 FOR SHARE",
    )
    .bind(job.id)
    .bind(i16::try_from(job.attempt).unwrap_or(i16::MAX))
    .bind(job.attempted_by.last())
    .fetch_optional(tx)
    .await?;
    held.map(drop).ok_or(JobError::Superseded)
}
