//! What became of jobs, minute by minute.
//!
//! River keeps finished jobs for a day; a row of the history stands for all jobs of one minute, kind, queue and outcome. It is
//! made from River's own table once a minute, by whoever is the first to lock the mark: a job pays nothing for it, and what
//! happened while no worker ran is made up for, as long as River remembers.

use jiff_sqlx::ToSqlx;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgExecutor, PgPool, types::Json};

use super::unwrapped;
use crate::store::Result;

/// Upper bounds of the buckets in seconds; one more bucket has none.
pub const BOUNDS: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0];

/// The SQL of one histogram over BOUNDS, cumulative as in Prometheus.
macro_rules! buckets {
    ($seconds:literal) => {
        concat!(
            "ARRAY[count(*) FILTER (WHERE ",
            $seconds,
            " <= 0.01), count(*) FILTER (WHERE ",
            $seconds,
            " <= 0.025), ",
            "count(*) FILTER (WHERE ",
            $seconds,
            " <= 0.05), count(*) FILTER (WHERE ",
            $seconds,
            " <= 0.1), ",
            "count(*) FILTER (WHERE ",
            $seconds,
            " <= 0.25), count(*) FILTER (WHERE ",
            $seconds,
            " <= 0.5), ",
            "count(*) FILTER (WHERE ",
            $seconds,
            " <= 1), count(*) FILTER (WHERE ",
            $seconds,
            " <= 5), ",
            "count(*) FILTER (WHERE ",
            $seconds,
            " <= 30), count(*) FILTER (WHERE ",
            $seconds,
            " <= 120), ",
            "count(*) FILTER (WHERE ",
            $seconds,
            " <= 600), count(",
            $seconds,
            ")]"
        )
    };
}

/// Nothing younger than this is written: completions are committed in batches, a moment after they happened.
const SETTLED: &str = "5 seconds";

const BEGIN: &str = "INSERT INTO job_history_mark (written_until) \
    VALUES (date_trunc('minute', now() - interval '23 hours')) ON CONFLICT DO NOTHING";

/// From when to when is written now. The minute before is written again, for those who came late.
const SPAN: &str = "SELECT written_until - interval '1 minute', date_trunc('minute', now() - $1::interval) \
    FROM job_history_mark WHERE written_until < date_trunc('minute', now() - $1::interval) FOR UPDATE SKIP LOCKED";

const FINISHED: &str = concat!(
    "INSERT INTO job_history (minute, kind, queue, outcome, jobs, run_seconds, wait_seconds, run_buckets, wait_buckets) \
     SELECT date_trunc('minute', finalized_at), kind, queue, state::text, count(*), \
       coalesce(sum(run), 0), coalesce(sum(wait), 0), ",
    buckets!("run"),
    ", ",
    buckets!("wait"),
    " FROM (SELECT kind, queue, state, finalized_at, \
         greatest(extract(epoch FROM finalized_at - attempted_at), 0)::float8 AS run, \
         greatest(extract(epoch FROM attempted_at - scheduled_at), 0)::float8 AS wait \
       FROM river_job WHERE state IN ('completed', 'cancelled', 'discarded') AND finalized_at >= $1 AND finalized_at < $2) j \
     GROUP BY 1, 2, 3, 4 \
     ON CONFLICT (minute, kind, queue, outcome) DO UPDATE SET jobs = excluded.jobs, run_seconds = excluded.run_seconds, \
       wait_seconds = excluded.wait_seconds, run_buckets = excluded.run_buckets, wait_buckets = excluded.wait_buckets"
);

/// Failed attempts that were followed, or will be, by another: the last one counts as what it ended in.
const FAILED: &str = "INSERT INTO job_history (minute, kind, queue, outcome, jobs) \
    SELECT date_trunc('minute', (e ->> 'at')::timestamptz), kind, queue, 'failed', count(*) \
    FROM river_job, unnest(errors) AS e \
    WHERE (state IN ('retryable', 'running') OR state IN ('available', 'scheduled') AND attempt > 0 OR finalized_at >= $1) \
      AND (e ->> 'at')::timestamptz >= $1 AND (e ->> 'at')::timestamptz < $2 \
      AND NOT (state IN ('discarded', 'cancelled') AND (e ->> 'attempt')::int >= attempt) \
    GROUP BY 1, 2, 3 ON CONFLICT (minute, kind, queue, outcome) DO UPDATE SET jobs = excluded.jobs";

const DEPTHS: &str = "INSERT INTO job_depths (minute, queue, waiting, running, oldest_seconds) \
    SELECT date_trunc('minute', now()), queue, count(*) FILTER (WHERE state <> 'running'), \
      count(*) FILTER (WHERE state = 'running'), \
      coalesce(extract(epoch FROM now() - min(scheduled_at) FILTER (WHERE state <> 'running')), 0)::float8 \
    FROM river_job WHERE state = 'running' OR state IN ('available', 'retryable', 'scheduled') AND scheduled_at <= now() \
    GROUP BY queue ON CONFLICT DO NOTHING";

/// Writes what happened since the last time; false when it is too early, or somebody else is at it.
///
/// # Errors
/// The database's; nothing is half done.
pub async fn write(db: &PgPool) -> Result<bool> {
    let mut tx = db.begin().await?;
    sqlx::query(BEGIN).execute(&mut *tx).await?;
    let span: Option<(jiff_sqlx::Timestamp, jiff_sqlx::Timestamp)> =
        sqlx::query_as(SPAN).bind(SETTLED).fetch_optional(&mut *tx).await?;
    let Some((from, to)) = span else { return Ok(false) };
    for statement in [FINISHED, FAILED] {
        sqlx::query(statement).bind(from).bind(to).execute(&mut *tx).await?;
    }
    sqlx::query(DEPTHS).execute(&mut *tx).await?;
    sqlx::query("UPDATE job_history_mark SET written_until = $1").bind(to).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(true)
}

/// Forgets what is older than so many days; answers how many rows.
///
/// # Errors
/// The database's.
pub async fn forget(tx: &mut PgConnection, days: i32) -> Result<u64> {
    let rows = sqlx::query("DELETE FROM job_history WHERE minute < now() - make_interval(days => $1)")
        .bind(days)
        .execute(&mut *tx)
        .await?;
    let depths = sqlx::query("DELETE FROM job_depths WHERE minute < now() - make_interval(days => $1)")
        .bind(days)
        .execute(tx)
        .await?;
    Ok(rows.rows_affected() + depths.rows_affected())
}

/// The part of the history that is asked for, and how fine.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Its first moment.
    pub from: jiff::Timestamp,
    /// Width of one step, in seconds.
    pub step: i32,
}

/// Jobs of one step and outcome.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Count {
    /// Where the step begins.
    pub at: jiff::Timestamp,
    /// completed, cancelled, discarded or failed.
    pub outcome: String,
    /// How many.
    pub jobs: i64,
}

/// What came of jobs, by step and outcome.
///
/// # Errors
/// The database's.
pub async fn counts(db: impl PgExecutor<'_>, window: Window) -> Result<Vec<Count>> {
    let rows = sqlx::query_scalar::<_, Json<Count>>(
        "SELECT jsonb_build_object('at', date_bin(make_interval(secs => $2), minute, $1), 'outcome', outcome, 'jobs', sum(jobs)) \
         FROM job_history WHERE minute >= $1 GROUP BY date_bin(make_interval(secs => $2), minute, $1), outcome ORDER BY 1",
    )
    .bind(window.from.to_sqlx())
    .bind(f64::from(window.step))
    .fetch_all(db)
    .await?;
    Ok(unwrapped(rows))
}

/// One bucket of the completed jobs of one step: how many took no longer than its bound.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Bucket {
    /// Where the step begins.
    pub at: jiff::Timestamp,
    /// Which bound, from 1.
    pub bucket: usize,
    /// By the time they ran.
    pub run: i64,
    /// By the time they waited.
    pub wait: i64,
}

/// How long completed jobs ran and waited, by step.
///
/// # Errors
/// The database's.
pub async fn latencies(db: impl PgExecutor<'_>, window: Window) -> Result<Vec<Bucket>> {
    let rows = sqlx::query_scalar::<_, Json<Bucket>>(
        "SELECT jsonb_build_object('at', date_bin(make_interval(secs => $2), minute, $1), 'bucket', i, 'run', sum(run), 'wait', sum(wait)) \
         FROM job_history, unnest(run_buckets, wait_buckets) WITH ORDINALITY AS b(run, wait, i) \
         WHERE minute >= $1 AND outcome = 'completed' \
         GROUP BY date_bin(make_interval(secs => $2), minute, $1), i ORDER BY date_bin(make_interval(secs => $2), minute, $1), i",
    )
    .bind(window.from.to_sqlx())
    .bind(f64::from(window.step))
    .fetch_all(db)
    .await?;
    Ok(unwrapped(rows))
}

/// How full a queue was at most in one step.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Depth {
    /// Where the step begins.
    pub at: jiff::Timestamp,
    /// The queue.
    pub queue: String,
    /// Jobs that were due and waited.
    pub waiting: i64,
    /// Jobs in work.
    pub running: i64,
}

/// How full queues were, by step.
///
/// # Errors
/// The database's.
pub async fn depths(db: impl PgExecutor<'_>, window: Window) -> Result<Vec<Depth>> {
    let rows = sqlx::query_scalar::<_, Json<Depth>>(
        "SELECT jsonb_build_object('at', date_bin(make_interval(secs => $2), minute, $1), 'queue', queue, \
           'waiting', max(waiting), 'running', max(running)) \
         FROM job_depths WHERE minute >= $1 GROUP BY date_bin(make_interval(secs => $2), minute, $1), queue ORDER BY 1",
    )
    .bind(window.from.to_sqlx())
    .bind(f64::from(window.step))
    .fetch_all(db)
    .await?;
    Ok(unwrapped(rows))
}

/// What came of the jobs of one kind.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct OfKind {
    /// The kind.
    pub kind: String,
    /// Completed jobs.
    pub completed: i64,
    /// Attempts that were followed by another.
    pub failed: i64,
    /// Jobs that were given up.
    pub discarded: i64,
    /// Jobs that were cancelled.
    pub cancelled: i64,
    /// Completed jobs by the time they ran; empty when there were none.
    pub run: Vec<i64>,
}

/// What came of jobs since `from`, by kind.
///
/// # Errors
/// The database's.
pub async fn by_kind(db: impl PgExecutor<'_>, from: jiff::Timestamp) -> Result<Vec<OfKind>> {
    let rows = sqlx::query_scalar::<_, Json<OfKind>>(
        "SELECT jsonb_build_object('kind', kind, \
           'completed', coalesce(sum(jobs) FILTER (WHERE outcome = 'completed'), 0), \
           'failed', coalesce(sum(jobs) FILTER (WHERE outcome = 'failed'), 0), \
           'discarded', coalesce(sum(jobs) FILTER (WHERE outcome = 'discarded'), 0), \
           'cancelled', coalesce(sum(jobs) FILTER (WHERE outcome = 'cancelled'), 0), \
           'run', ARRAY(SELECT sum(b.run) FROM job_history i, unnest(i.run_buckets) WITH ORDINALITY AS b(run, n) \
              WHERE i.kind = h.kind AND i.minute >= $1 AND i.outcome = 'completed' GROUP BY b.n ORDER BY b.n)) \
         FROM job_history h WHERE minute >= $1 GROUP BY kind ORDER BY kind LIMIT 100",
    )
    .bind(from.to_sqlx())
    .fetch_all(db)
    .await?;
    Ok(unwrapped(rows))
}
