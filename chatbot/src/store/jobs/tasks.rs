//! Single jobs and lists of them, from River's table.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool, types::Json};

use super::unwrapped;
use crate::store::Result;

/// A search through every job reads the whole table; longer than this nobody waits for it.
const SEARCH_TIMEOUT: &str = "SET LOCAL statement_timeout = '5s'";

/// One failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Failure {
    /// When.
    pub at: jiff::Timestamp,
    /// Which attempt.
    pub attempt: i32,
    /// What it said.
    pub error: String,
    /// Where in the program; empty for most.
    #[serde(default)]
    pub trace: String,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Task {
    /// Identity.
    pub id: i64,
    /// What is to be done.
    pub kind: String,
    /// Where it waits.
    pub queue: String,
    /// River's word for where it stands.
    pub state: String,
    /// 1 is first.
    pub priority: i16,
    /// Attempts so far.
    pub attempt: i16,
    /// After so many it is given up.
    pub max_attempts: i16,
    /// With what.
    pub args: Value,
    /// What River and the job noted: progress, output.
    pub metadata: Value,
    /// Failed attempts, the first one first.
    #[serde(default)]
    pub errors: Option<Vec<Failure>>,
    /// Who had it, the last one last.
    pub attempted_by: Option<Vec<String>>,
    /// When it was asked for.
    pub created_at: jiff::Timestamp,
    /// When it is, or was, due.
    pub scheduled_at: jiff::Timestamp,
    /// When the last attempt began.
    pub attempted_at: Option<jiff::Timestamp>,
    /// When it was over.
    pub finalized_at: Option<jiff::Timestamp>,
}

/// Which jobs are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// In this state.
    pub state: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// In this queue.
    pub queue: Option<String>,
    /// With this id, where it is a number; else with this text in arguments or errors, whatever its case.
    pub text: Option<String>,
    /// Older than this one.
    pub before: Option<i64>,
}

/// What every search says; the caller adds order and limit.
macro_rules! matching {
    () => {
        " FROM river_job j WHERE ($1::text IS NULL OR state = $1::river_job_state) AND ($2::text IS NULL OR kind = $2) \
          AND ($3::text IS NULL OR queue = $3) AND ($4::bigint IS NULL OR id < $4) \
          AND ($5::text IS NULL OR id::text = $5 OR $5 !~ '^[0-9]+$' AND (position(lower($5) IN lower(args::text)) > 0 \
            OR position(lower($5) IN lower(coalesce(errors::text, ''))) > 0))"
    };
}

/// Jobs that match, the newest first.
///
/// # Errors
/// The database's; a search that takes too long is given up.
pub async fn list(db: &PgPool, filter: &Filter, limit: i64) -> Result<Vec<Task>> {
    let mut tx = db.begin().await?;
    sqlx::query(SEARCH_TIMEOUT).execute(&mut *tx).await?;
    let rows = sqlx::query_scalar::<_, Json<Task>>(concat!(
        "SELECT to_jsonb(j) - 'unique_key' - 'unique_states'",
        matching!(),
        " ORDER BY id DESC LIMIT $6"
    ))
    .bind(filter.state.as_deref())
    .bind(filter.kind.as_deref())
    .bind(filter.queue.as_deref())
    .bind(filter.before)
    .bind(filter.text.as_deref())
    .bind(limit)
    .fetch_all(&mut *tx)
    .await?;
    Ok(unwrapped(rows))
}

/// Ids of jobs that match, the oldest first, locked until the transaction ends; those that somebody else holds are left out.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &mut PgConnection, filter: &Filter, limit: i64) -> Result<Vec<i64>> {
    sqlx::query(SEARCH_TIMEOUT).execute(&mut *tx).await?;
    let ids = sqlx::query_scalar(concat!("SELECT id", matching!(), " ORDER BY id LIMIT $6 FOR UPDATE SKIP LOCKED"))
        .bind(filter.state.as_deref())
        .bind(filter.kind.as_deref())
        .bind(filter.queue.as_deref())
        .bind(filter.before)
        .bind(filter.text.as_deref())
        .bind(limit)
        .fetch_all(tx)
        .await?;
    Ok(ids)
}

/// The job with this id.
///
/// # Errors
/// The database's.
pub async fn get(db: &PgPool, id: i64) -> Result<Option<Task>> {
    let row = sqlx::query_scalar::<_, Json<Task>>(
        "SELECT to_jsonb(j) - 'unique_key' - 'unique_states' FROM river_job j WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(db)
    .await?;
    Ok(row.map(|Json(task)| task))
}

/// Gives up a job that waits, with the reason among its failures; false when it does not wait any more.
///
/// # Errors
/// The database's.
pub async fn discard(db: impl PgExecutor<'_>, id: i64, reason: &str) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE river_job SET state = 'discarded', finalized_at = now(), \
           errors = array_append(coalesce(errors, '{}'), jsonb_build_object('at', now(), 'attempt', attempt, 'trace', '', 'error', $2::text)) \
         WHERE id = $1 AND state IN ('available', 'pending', 'retryable', 'scheduled')",
    )
    .bind(id)
    .bind(reason)
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes how far the attempt number `attempt` of a job is; nothing happens when another attempt runs meanwhile.
///
/// # Errors
/// The database's.
pub async fn note_progress(db: &PgPool, id: i64, attempt: i32, percent: u8, stage: &str) -> Result<()> {
    sqlx::query(
        "UPDATE river_job SET metadata = metadata || jsonb_build_object('progress', $3::int, 'stage', $4::text) \
         WHERE id = $1 AND state = 'running' AND attempt = $2",
    )
    .bind(id)
    .bind(i16::try_from(attempt).unwrap_or(i16::MAX))
    .bind(i32::from(percent))
    .bind(stage)
    .execute(db)
    .await?;
    Ok(())
}
