//! Hands back the jobs of workers that stopped answering.
//!
//! River's own rescuer waits for an hour, because it cannot know whether a worker lives; with heartbeats we can. Only
//! workers that once had a heartbeat are judged, so that River clients in other languages work beside ours undisturbed.
//! Jobs of our own kinds have a deadline of minutes: one that still runs after an hour is lost, whoever has it, and goes
//! back as well. Last, a document that waits for a job that does not exist is told to its owner.

use std::time::Duration;

use riverqueue::JobArgs;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{KINDS, ingest, ingest::IngestDocument, retry};
use crate::store::StoreError;

/// A worker that dies takes a job with it once by chance. From the second time on the job is suspected of killing them: it
/// waits before it goes on, longer with every attempt, and after the third it ends.
const HAND_BACK: &str = "WITH lost AS (SELECT id, \
      (SELECT count(*) FROM unnest(errors) AS e WHERE e ->> 'error' LIKE '% stopped answering') AS deaths \
    FROM river_job WHERE state = 'running' \
      AND (attempted_by[array_upper(attempted_by, 1)] IN (SELECT id FROM job_workers WHERE dead_at IS NOT NULL) \
        OR kind = ANY($1) AND attempted_at < now() - make_interval(secs => $2)) FOR UPDATE), \
    judged AS (SELECT j.id, deaths, metadata ? 'cancel_attempted_at' AS is_cancelled, \
      attempt >= max_attempts OR deaths + 1 >= $3 AS is_last FROM river_job j JOIN lost ON lost.id = j.id) \
    UPDATE river_job SET \
      state = CASE WHEN is_cancelled THEN 'cancelled'::river_job_state WHEN is_last THEN 'discarded' \
                   WHEN deaths = 0 THEN 'available' ELSE 'retryable' END, \
      finalized_at = CASE WHEN is_cancelled OR is_last THEN now() END, \
      scheduled_at = now() + CASE WHEN is_cancelled OR is_last OR deaths = 0 THEN interval '0' \
                                  ELSE make_interval(secs => least($4 * 2::float8 ^ least(attempt - 1, 20), $5)) END, \
      errors = array_append(coalesce(errors, '{}'), jsonb_build_object('at', now(), 'attempt', attempt, 'trace', '', \
        'error', 'the worker ' || coalesce(attempted_by[array_upper(attempted_by, 1)], 'without a name') || ' stopped answering')) \
    FROM judged WHERE judged.id = river_job.id AND state = 'running' \
    RETURNING river_job.id, kind, state::text, args";

/// A job whose workers stopped answering so often ends.
const MOST_DEATHS: i64 = 3;
/// A job of these kinds that runs for so long is lost; far above their deadlines.
const LOST_AFTER: Duration = Duration::from_hours(1);

/// What the owner is told when nobody will go on.
const CANCELLED: &str = "its processing was cancelled: upload it again";

const STRANDED: &str = "UPDATE documents SET status = 'failed', error = $1, updated_at = clock_timestamp() \
    WHERE status IN ('pending', 'processing') AND NOT EXISTS (SELECT FROM river_job \
      WHERE kind = $2 AND args @> jsonb_build_object('document_id', documents.id) \
        AND state NOT IN ('cancelled', 'completed', 'discarded')) \
    RETURNING id";

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
    let jobs: Vec<HandedBack> = sqlx::query_as(HAND_BACK)
        .bind(KINDS)
        .bind(LOST_AFTER.as_secs_f64())
        .bind(MOST_DEATHS)
        .bind(retry::FIRST.as_secs_f64())
        .bind(retry::LONGEST.as_secs_f64())
        .fetch_all(&mut *tx)
        .await?;
    for job in &jobs {
        tracing::warn!(job_id = job.id, kind = job.kind, state = job.state, "job taken back from a dead worker");
        if let Some(reason) = reason(&job.state) {
            ingest::give_up(&mut tx, &job.kind, &job.args, reason).await?;
        }
    }
    forget(&mut tx).await?;
    tx.commit().await?;
    Ok(u64::try_from(jobs.len()).unwrap_or(u64::MAX))
}

/// What the owner is told when the job ends here.
fn reason(state: &str) -> Option<&'static str> {
    match state {
        "discarded" => Some(
            "its workers stopped answering while they were at it: split it into smaller files, or tell whoever runs this",
        ),
        "cancelled" => Some(CANCELLED),
        _ => None,
    }
}

/// Documents that wait for a job that ended, was cancelled or never came with a restored database are given up, so that
/// their owners can upload them again; answers how many.
///
/// # Errors
/// The database's.
pub async fn conclude_stranded(db: &PgPool) -> Result<u64, StoreError> {
    let stranded: Vec<Uuid> =
        sqlx::query_scalar(STRANDED).bind(CANCELLED).bind(IngestDocument::KIND).fetch_all(db).await?;
    for document_id in &stranded {
        tracing::warn!(%document_id, "document given up: no job is left that would finish it");
    }
    Ok(u64::try_from(stranded.len()).unwrap_or(u64::MAX))
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
