//! What there is now: queues, workers, jobs in work. Ages are the database's, so that no clock but its own counts.

use std::collections::BTreeMap;

use serde::Deserialize;
use sqlx::{PgPool, types::Json};

use super::{schedules, unwrapped};
use crate::store::Result;

/// Jobs in work that are listed at most.
const MOST_RUNNING: i64 = 200;
/// Workers that are listed at most.
const MOST_WORKERS: i64 = 200;

/// Jobs that are not over, of one queue and kind.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Load {
    /// The queue.
    pub queue: String,
    /// The kind.
    pub kind: String,
    /// Due, and not in work.
    pub waiting: i64,
    /// Due later: scheduled, or a failed one's next attempt.
    pub later: i64,
    /// In work.
    pub running: i64,
    /// How long the one that waits longest has been due, in seconds.
    pub oldest_seconds: f64,
}

/// Jobs that were given up, of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Dead {
    /// The kind.
    pub kind: String,
    /// How many.
    pub jobs: i64,
}

/// A worker's sign of life.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Worker {
    /// Its id.
    pub id: String,
    /// Its release.
    pub release_id: String,
    /// The kinds of job that it knows; none while it leaves.
    pub kinds: Vec<String>,
    /// Jobs at a time by queue; None when its release does not say.
    pub queues: Option<BTreeMap<String, u32>>,
    /// When it started.
    pub started_at: jiff::Timestamp,
    /// How long ago its last sign of life was, in seconds.
    pub silent_seconds: f64,
    /// When it was declared dead, or left.
    pub dead_at: Option<jiff::Timestamp>,
}

/// A job in work.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Running {
    /// The job.
    pub id: i64,
    /// Its kind.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// Which attempt this is.
    pub attempt: i16,
    /// Who has it.
    pub worker: Option<String>,
    /// For how long, in seconds.
    pub seconds: f64,
    /// What it says of its progress, 0 to 100.
    pub progress: Option<serde_json::Value>,
    /// What it says it is doing.
    pub stage: Option<serde_json::Value>,
    /// Whether somebody asked for its end.
    pub is_being_cancelled: bool,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Jobs that are not over.
    pub loads: Vec<Load>,
    /// Jobs that were given up.
    pub dead: Vec<Dead>,
    /// Workers, those that live first.
    pub workers: Vec<Worker>,
    /// Jobs in work, the oldest first.
    pub running: Vec<Running>,
    /// Queues that somebody paused.
    pub paused: Vec<String>,
    /// Schedules.
    pub schedules: Vec<schedules::Row>,
}

const LOADS: &str = "SELECT jsonb_build_object('queue', queue, 'kind', kind, \
      'waiting', count(*) FILTER (WHERE state <> 'running' AND scheduled_at <= now()), \
      'later', count(*) FILTER (WHERE state <> 'running' AND scheduled_at > now()), \
      'running', count(*) FILTER (WHERE state = 'running'), \
      'oldest_seconds', coalesce(extract(epoch FROM now() - min(scheduled_at) \
         FILTER (WHERE state <> 'running' AND scheduled_at <= now())), 0)) \
    FROM river_job WHERE state IN ('available', 'running', 'retryable', 'scheduled', 'pending') \
    GROUP BY queue, kind ORDER BY queue, kind";

const DEAD: &str = "SELECT jsonb_build_object('kind', kind, 'jobs', count(*)) FROM river_job \
    WHERE state = 'discarded' GROUP BY kind ORDER BY kind";

const WORKERS: &str = "SELECT to_jsonb(w) || jsonb_build_object('silent_seconds', \
      greatest(extract(epoch FROM clock_timestamp() - beaten_at), 0)) \
    FROM job_workers w ORDER BY dead_at IS NOT NULL, started_at DESC, id LIMIT $1";

const RUNNING: &str = "SELECT jsonb_build_object('id', id, 'kind', kind, 'queue', queue, 'attempt', attempt, \
      'worker', attempted_by[array_upper(attempted_by, 1)], \
      'seconds', coalesce(greatest(extract(epoch FROM now() - attempted_at), 0), 0), \
      'progress', metadata -> 'progress', 'stage', metadata -> 'stage', \
      'is_being_cancelled', metadata ? 'cancel_attempted_at') \
    FROM river_job WHERE state = 'running' ORDER BY attempted_at, id LIMIT $1";

/// Looks at everything. Statements follow one another: together they would need a connection each.
///
/// # Errors
/// The database's.
pub async fn look(db: &PgPool) -> Result<Facts> {
    let mut connection = db.acquire().await?;
    let loads = sqlx::query_scalar::<_, Json<Load>>(LOADS).fetch_all(&mut *connection).await?;
    let dead = sqlx::query_scalar::<_, Json<Dead>>(DEAD).fetch_all(&mut *connection).await?;
    let workers = sqlx::query_scalar::<_, Json<Worker>>(WORKERS).bind(MOST_WORKERS).fetch_all(&mut *connection).await?;
    let running =
        sqlx::query_scalar::<_, Json<Running>>(RUNNING).bind(MOST_RUNNING).fetch_all(&mut *connection).await?;
    let paused = sqlx::query_scalar("SELECT name FROM river_queue WHERE paused_at IS NOT NULL ORDER BY name")
        .fetch_all(&mut *connection)
        .await?;
    let schedules = schedules::list(&mut *connection).await?;
    Ok(Facts {
        loads: unwrapped(loads),
        dead: unwrapped(dead),
        workers: unwrapped(workers),
        running: unwrapped(running),
        paused,
        schedules,
    })
}
