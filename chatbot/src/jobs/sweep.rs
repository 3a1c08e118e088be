//! Hands back the jobs of workers that stopped answering.
//!
//! River's own rescuer waits for an hour, because it cannot know whether a worker lives; with heartbeats we can. Only
//! workers that once had a heartbeat are judged, so that River clients in other languages work beside ours undisturbed.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};

use super::ingest;
use crate::store::StoreError;

const HAND_BACK: &str = "UPDATE river_job SET \
      state = CASE WHEN metadata ? 'cancel_attempted_at' THEN 'cancelled'::river_job_state \
                   WHEN attempt >= max_attempts THEN 'discarded' ELSE 'available' END, \
      finalized_at = CASE WHEN metadata ? 'cancel_attempted_at' OR attempt >= max_attempts THEN now() END, \
      scheduled_at = now(), \
      errors = array_append(coalesce(errors, '{}'), jsonb_build_object('at', now(), 'attempt', attempt, 'trace', '', \
        'error', 'the worker ' || attempted_by[array_upper(attempted_by, 1)] || ' stopped answering')) \
    WHERE state = 'running' AND attempted_by[array_upper(attempted_by, 1)] IN (SELECT id FROM job_workers WHERE dead_at IS NOT NULL) \
    RETURNING id, kind, state::text, args";

/// What happened to one job.
#[derive(sqlx::FromRow)]
struct HandedBack {
    id: i64,
    kind: String,
    state: String,
    args: serde_json::Value,
}

/// Declares workers dead that gave no sign of life for `time_to_live`, and hands their jobs back; answers how many.
///
/// # Errors
/// The database's; nothing is half done.
pub async fn run(db: &PgPool, time_to_live: Duration) -> Result<u64, StoreError> {
    let mut tx = db.begin().await?;
    declare_dead(&mut tx, time_to_live).await?;
    let jobs: Vec<HandedBack> = sqlx::query_as(HAND_BACK).fetch_all(&mut *tx).await?;
    for job in &jobs {
        tracing::warn!(job_id = job.id, kind = job.kind, state = job.state, "job taken back from a dead worker");
        if job.state == "discarded" {
            ingest::give_up(&mut tx, &job.kind, &job.args, "its workers stopped answering while they were at it")
                .await?;
        }
    }
    forget(&mut tx).await?;
    tx.commit().await?;
    Ok(u64::try_from(jobs.len()).unwrap_or(u64::MAX))
}

async fn declare_dead(tx: &mut PgConnection, time_to_live: Duration) -> Result<(), StoreError> {
    sqlx::query("UPDATE job_workers SET dead_at = now() WHERE dead_at IS NULL AND beaten_at < now() - make_interval(secs => $1)")
        .bind(time_to_live.as_secs_f64())
        .execute(tx)
        .await?;
    Ok(())
}

/// A dead worker is remembered for a day: until then it may wake up and must find itself refused.
async fn forget(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM job_workers WHERE dead_at < now() - interval '1 day'").execute(tx).await?;
    Ok(())
}
