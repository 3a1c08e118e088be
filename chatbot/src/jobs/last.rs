//! Before a worker leaves, it does what only it can do: jobs of kinds that nobody else knows, because the release that takes
//! over does not have them.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    KINDS, QueueError, heartbeat,
    runner::{WorkerError, client, hand_back, open_queues},
};
use crate::{app::App, store::StoreError};

/// Those that take over start when this one is told to stop, on a node perhaps that must fetch their image first. So long it waits
/// for them, if there is something to be done.
const SUCCESSOR: Duration = Duration::from_mins(2);
/// And so long where jobs only wait to be tried again: whoever is not there by then may not come at all.
const SUCCESSOR_OF_RETRIES: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Who takes over: workers that live and take jobs. One that leaves too has no kinds any more.
const LEFT: &str = "WITH others AS (SELECT kinds FROM job_workers WHERE id <> $1 AND dead_at IS NULL AND kinds <> '{}' \
      AND beaten_at > clock_timestamp() - make_interval(secs => $2)), \
      left_over AS (SELECT kind, state FROM river_job \
      WHERE (state = 'available' OR (state IN ('retryable', 'scheduled') \
          AND scheduled_at <= clock_timestamp() + make_interval(secs => $5))) \
        AND kind = ANY($3) AND queue = ANY($4) \
        AND NOT EXISTS (SELECT FROM others WHERE river_job.kind = ANY(others.kinds))) \
    SELECT EXISTS (SELECT FROM others) AS has_successor, EXISTS (SELECT FROM left_over WHERE state = 'available') AS is_due, \
      ARRAY(SELECT DISTINCT kind FROM left_over ORDER BY kind) AS kinds";

/// What waits when a worker leaves.
#[derive(Debug, sqlx::FromRow)]
struct Left {
    /// Whether somebody has come to take over.
    has_successor: bool,
    /// Whether one of the jobs could be done now.
    is_due: bool,
    /// Kinds of waiting jobs that no other worker knows.
    kinds: Vec<String>,
}

/// Does the jobs that only the worker `id` can do, once it is seen who takes over; no longer than until `deadline`.
///
/// # Errors
/// See [`WorkerError`].
pub(super) async fn finish(app: &App, id: &str, deadline: Instant) -> Result<(), WorkerError> {
    retire(&app.db, id).await?;
    let began = Instant::now();
    loop {
        let left = left(app, id, deadline).await?;
        let patience = deadline.min(began + if left.is_due { SUCCESSOR } else { SUCCESSOR_OF_RETRIES });
        if left.kinds.is_empty() || (!left.has_successor && Instant::now() >= patience) {
            return Ok(());
        }
        if left.has_successor {
            tracing::info!(kinds = ?left.kinds, "doing the jobs that nobody else knows");
            return work(app, id, &left.kinds, deadline).await;
        }
        tracing::info!(kinds = ?left.kinds, "jobs wait, and nobody has taken over yet");
        sleep(LOOK_EVERY).await;
    }
}

/// Nobody leaves a job to this worker from here on.
async fn retire(db: &PgPool, id: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE job_workers SET kinds = '{}' WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// Waiting, or due again before the deadline.
async fn left(app: &App, id: &str, deadline: Instant) -> Result<Left, StoreError> {
    let queues: Vec<_> = open_queues(&app.config.worker).into_iter().map(|(name, _)| name).collect();
    let rest = deadline.saturating_duration_since(Instant::now());
    let left = sqlx::query_as(LEFT).bind(id).bind(heartbeat::TIME_TO_LIVE.as_secs_f64()).bind(KINDS).bind(queues);
    Ok(left.bind(rest.as_secs_f64()).fetch_one(&app.db).await?)
}

/// Works on these kinds alone until none of their jobs waits. What cannot be seen for a moment is looked for again.
async fn work(app: &App, id: &str, kinds: &[String], deadline: Instant) -> Result<(), WorkerError> {
    let client = client(app, id, |kind| kinds.iter().any(|own| own == kind))?;
    let mut run = client.start().map_err(QueueError::from)?;
    while Instant::now() < deadline {
        match left(app, id, deadline).await {
            Ok(left) if left.kinds.is_empty() => break,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "what is left to be done is not known"),
        }
        sleep(LOOK_EVERY).await;
    }
    match timeout_at(deadline, run.stop()).await {
        Ok(stopped) => Ok(stopped.map_err(QueueError::from)?),
        Err(_elapsed) => hand_back(&mut run).await,
    }
}
