//! When each schedule ran last, and when it is due.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgExecutor, types::Json};
use utoipa::ToSchema;

use super::unwrapped;
use crate::store::Result;

/// A schedule as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// When it runs, in cron's five fields, UTC.
    pub cron: String,
    /// The kind of job that it asks for.
    pub kind: String,
    /// The queue that this job waits in.
    pub queue: String,
    /// When it is due.
    #[schema(value_type = String, format = DateTime)]
    pub next_run_at: Timestamp,
    /// When it ran last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_run_at: Option<Timestamp>,
    /// The job of that run.
    pub last_job_id: Option<i64>,
    /// Where that job stands; None when it is forgotten, or never was.
    pub last_state: Option<String>,
}

impl Row {
    /// Whether its last job is not over yet.
    #[must_use]
    pub fn is_at_it(&self) -> bool {
        self.last_state.as_deref().is_some_and(|state| !matches!(state, "completed" | "cancelled" | "discarded"))
    }
}

/// What the program says of a schedule.
#[derive(Clone, Copy, Debug)]
pub struct Declared<'a> {
    /// Its name.
    pub name: &'a str,
    /// When it runs.
    pub cron: &'a str,
    /// What it asks for.
    pub kind: &'a str,
    /// Where.
    pub queue: &'a str,
}

/// Makes a schedule known. One that is due at other times than before is due `next`; another keeps its time.
///
/// # Errors
/// The database's.
pub async fn declare(db: impl PgExecutor<'_>, schedule: Declared<'_>, next: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO job_schedules AS s (name, cron, kind, queue, next_run_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, kind = excluded.kind, queue = excluded.queue, \
           next_run_at = CASE WHEN s.cron = excluded.cron THEN s.next_run_at ELSE excluded.next_run_at END",
    )
    .bind(schedule.name)
    .bind(schedule.cron)
    .bind(schedule.kind)
    .bind(schedule.queue)
    .bind(next.to_sqlx())
    .execute(db)
    .await?;
    Ok(())
}

/// Every schedule, the next one first.
///
/// # Errors
/// The database's.
pub async fn list(db: impl PgExecutor<'_>) -> Result<Vec<Row>> {
    let rows = sqlx::query_scalar::<_, Json<Row>>(
        "SELECT to_jsonb(s) || jsonb_build_object('last_state', j.state) \
         FROM job_schedules s LEFT JOIN river_job j ON j.id = s.last_job_id ORDER BY s.next_run_at, s.name",
    )
    .fetch_all(db)
    .await?;
    Ok(unwrapped(rows))
}

/// Locks the schedule until the transaction ends. None when there is none, or somebody else holds it.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &mut PgConnection, name: &str) -> Result<Option<Row>> {
    let row = sqlx::query_scalar::<_, Json<Row>>(
        "SELECT to_jsonb(s) || jsonb_build_object('last_state', (SELECT state FROM river_job WHERE id = s.last_job_id)) \
         FROM job_schedules s WHERE name = $1 FOR UPDATE SKIP LOCKED",
    )
    .bind(name)
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|Json(row)| row))
}

/// Notes that it ran at `at` as the job `job_id`.
///
/// # Errors
/// The database's.
pub async fn ran(db: impl PgExecutor<'_>, name: &str, at: Timestamp, job_id: i64) -> Result<()> {
    sqlx::query("UPDATE job_schedules SET last_run_at = $2, last_job_id = $3 WHERE name = $1")
        .bind(name)
        .bind(at.to_sqlx())
        .bind(job_id)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes when it is due next.
///
/// # Errors
/// The database's.
pub async fn is_due_at(db: impl PgExecutor<'_>, name: &str, next: Timestamp) -> Result<()> {
    sqlx::query("UPDATE job_schedules SET next_run_at = $2 WHERE name = $1")
        .bind(name)
        .bind(next.to_sqlx())
        .execute(db)
        .await?;
    Ok(())
}
