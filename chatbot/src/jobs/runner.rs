//! A worker process: known to the others, working, and drained when it is told to stop.

use std::time::Duration;

use riverqueue::{Client, JobArgs, MaintenanceConfig, QueueConfig, Retention, RunHandle, Workers};
use sqlx::postgres::PgPoolOptions;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    KINDS, QueueError, QueueName,
    check_upload::{CheckUpload, CheckWorker},
    fence,
    heartbeat::{Ended, Heartbeat},
    ingest::{IngestDocument, IngestWorker},
    last,
    measure::{LastAttempt, Measure},
    reindex::Reindexer,
    remove::{RemoveDocument, RemoveWorker},
    retry::Backoff,
    tidy::{TidyHistory, TidyWorker},
    unindex::{UnindexDocument, UnindexWorker},
    upkeep,
};
use crate::{app::App, config::worker::Worker as Config, store::StoreError};

/// Connections that River itself may use: claims, completions, the leader's upkeep.
const RIVER_CONNECTIONS: u32 = 4;
/// Longest time to write down what became of jobs that had to be interrupted.
const HAND_BACK_DEADLINE: Duration = Duration::from_secs(15);
/// River's rescuer never acts: it would discard every kind of job that this release lacks. The sweep does its work, for
/// kinds that this release knows.
const NEVER: Duration = Duration::from_hours(24 * 3650);

/// A worker cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// River.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The database.
    #[error("the worker cannot be registered: {0}")]
    Store(#[from] StoreError),
    /// Others gave its jobs away.
    #[error(
        "this worker gave no sign of life for too long and its jobs were given to others: it stops, start a new one"
    )]
    DeclaredDead,
}

/// Works until `stop`, then drains. The schema must be there (see `health`).
///
/// # Errors
/// See [`WorkerError`].
pub async fn run(app: &App, stop: CancellationToken) -> Result<(), WorkerError> {
    let id = id();
    let heartbeat = Heartbeat::new(app.db.clone(), id.clone());
    heartbeat.register(&app.config.environment.release_id, &KINDS).await?;
    heartbeat.serves(&open_queues(&app.config.worker)).await?;
    let client = client(app, &id, |_| true)?;
    let mut run = client.start().map_err(QueueError::from)?;
    tracing::info!(worker = id, kinds = ?KINDS, "working");
    // Ends with this function.
    let mut aside = JoinSet::new();
    aside.spawn(Reindexer::new(app).run());
    aside.spawn(upkeep::run(app.clone()));
    let result = work(app, &id, &heartbeat, &mut run, stop).await;
    let left = heartbeat.leave().await;
    result.and(Ok(left?))
}

/// Works, and beats until the last job is finished or handed back.
async fn work(
    app: &App,
    id: &str,
    heartbeat: &Heartbeat,
    run: &mut RunHandle,
    stop: CancellationToken,
) -> Result<(), WorkerError> {
    let quiet = CancellationToken::new();
    let metrics = app.metrics.clone();
    let beating = heartbeat.run(quiet.clone(), move |jobs| {
        metrics.tasks_handed_back.inc_by(jobs);
    });
    tokio::pin!(beating);
    tokio::select! {
        ended = &mut beating => return dead(run, ended).await,
        ended = run.wait() => return Ok(ended.map_err(QueueError::from)?),
        () = stop.cancelled() => {}
    }
    tokio::select! {
        ended = &mut beating => dead(run, ended).await,
        drained = drain(app, id, run) => drained,
    }
}

async fn dead(run: &mut RunHandle, ended: Ended) -> Result<(), WorkerError> {
    match ended {
        Ended::Stopped => Ok(()),
        Ended::DeclaredDead => {
            hand_back(run).await?;
            Err(WorkerError::DeclaredDead)
        }
    }
}

/// Takes no new job but those that nobody else can do, finishes what is in hand in time, and hands back the rest.
async fn drain(app: &App, id: &str, run: &mut RunHandle) -> Result<(), WorkerError> {
    let limit = app.config.worker.drain_timeout;
    tracing::info!(limit_seconds = limit.as_secs(), "finishing the jobs in hand");
    let deadline = Instant::now() + limit;
    match timeout_at(deadline, run.stop()).await {
        Ok(stopped) => stopped.map_err(QueueError::from)?,
        Err(_elapsed) => return hand_back(run).await,
    }
    last::finish(app, id, deadline).await
}

pub(super) async fn hand_back(run: &mut RunHandle) -> Result<(), WorkerError> {
    tracing::warn!("jobs in hand are interrupted and handed back");
    match timeout(HAND_BACK_DEADLINE, run.stop_and_cancel()).await {
        Ok(stopped) => Ok(stopped.map_err(QueueError::from)?),
        Err(_elapsed) => {
            tracing::error!("jobs in hand did not stop; others take them over by the missing sign of life");
            Ok(())
        }
    }
}

/// Unique per process, readable in River's tables.
fn id() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "local".to_owned());
    let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(60).collect();
    format!("{host}-{}", Uuid::now_v7().simple())
}

/// A client that works on the kinds that are meant.
pub(super) fn client(app: &App, id: &str, is_meant: impl Fn(&str) -> bool) -> Result<Client, QueueError> {
    let pool = PgPoolOptions::new()
        .max_connections(RIVER_CONNECTIONS)
        .acquire_timeout(app.config.database.acquire_timeout)
        .connect_lazy_with(fence::tag(app.config.database.options.clone(), id).application_name("chatbot-jobs"));
    let mut workers = Workers::new();
    if is_meant(IngestDocument::KIND) {
        workers.add(IngestWorker::new(app))?;
    }
    if is_meant(RemoveDocument::KIND) {
        workers.add(RemoveWorker::new(app))?;
    }
    if is_meant(CheckUpload::KIND) {
        workers.add(CheckWorker::new(app))?;
    }
    if is_meant(TidyHistory::KIND) {
        workers.add(TidyWorker::new(app))?;
    }
    if is_meant(UnindexDocument::KIND) {
        workers.add(UnindexWorker::new(app))?;
    }
    let builder = Client::builder(pool)
        .id(id)
        .workers(workers)
        .fetch_only_known_kinds(true)
        .retry_policy(Backoff { random: fastrand::f64 })
        .work_middleware(Measure(app.metrics.clone()))
        .error_handler(LastAttempt(app.db.clone()))
        .maintenance(maintenance(&app.config.worker));
    Ok(open_queues(&app.config.worker)
        .into_iter()
        .fold(builder, |builder, (name, jobs)| builder.queue(name, QueueConfig::new(jobs)))
        .build()?)
}

/// What River's leader looks after: dead letters stay for as long as is configured, what went well for a day.
fn maintenance(config: &Config) -> MaintenanceConfig {
    MaintenanceConfig::default()
        .with_rescue_after(NEVER)
        .with_discarded_job_retention(Retention::DeleteAfter(config.keep_dead_letters))
}

/// Queues with a concurrency above zero; with none, `low` at one, because River asks for a queue.
pub(super) fn open_queues(config: &Config) -> Vec<(&'static str, usize)> {
    let jobs = |queue| match queue {
        QueueName::High => config.high,
        QueueName::Medium => config.medium,
        QueueName::Low => config.low,
    };
    let open: Vec<_> =
        QueueName::ALL.into_iter().map(|queue| (queue.as_str(), jobs(queue))).filter(|(_, jobs)| *jobs > 0).collect();
    if open.is_empty() { vec![(QueueName::Low.as_str(), 1)] } else { open }
}
