//! tasks_* metrics, and what happens after an attempt that was the last.

use std::{fmt, time::Instant};

use riverqueue::{
    BoxError, ErrorHandler, ErrorHandlerDecision, JobRow, WorkCancelled, WorkContext, WorkError, WorkMiddleware,
    WorkNext, WorkOutcome, WorkResult,
};
use sqlx::PgPool;

use super::error::{TIMED_OUT, TOO_SLOW};
use super::{JobError, fence, ingest};
use crate::metrics::{Metrics, TaskKindLabels, TaskLabels};

const DEFECT: &str = "it cannot be processed because of a defect of this chatbot: tell whoever runs it";

/// Counts and times every attempt.
pub(super) struct Measure(pub(super) Metrics);

impl WorkMiddleware for Measure {
    async fn work(&self, _context: &WorkContext, job: JobRow, next: WorkNext<'_>) -> Result<WorkOutcome, WorkError> {
        let (kind, queue, last) = (job.kind.clone(), job.queue.clone(), job.attempt >= job.max_attempts);
        let started = Instant::now();
        let active = Active::new(&self.0);
        let result = next.run(job).await;
        drop(active);
        let labels = TaskKindLabels { kind: kind.clone(), queue: queue.clone() };
        self.0.task_duration.get_or_create(&labels).observe(started.elapsed().as_secs_f64());
        let outcome = outcome(&result, last).to_owned();
        self.0.tasks.get_or_create(&TaskLabels { kind, queue, outcome }).inc();
        result
    }
}

/// Counts down even when the attempt panics or is aborted.
struct Active<'a>(&'a Metrics);

impl<'a> Active<'a> {
    fn new(metrics: &'a Metrics) -> Self {
        metrics.tasks_active.inc();
        Self(metrics)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.tasks_active.dec();
    }
}

fn outcome(result: &Result<WorkOutcome, WorkError>, last: bool) -> &'static str {
    match result {
        Ok(WorkOutcome::Complete) => "completed",
        Ok(WorkOutcome::Snooze(_)) => "snoozed",
        Ok(_) => "discarded",
        Err(error) if is_stopped(error) => "interrupted",
        Err(_) if last => "discarded",
        Err(_) => "retried",
    }
}

fn is_stopped(error: &WorkError) -> bool {
    let ours = matches!(error.downcast_ref::<JobError>(), Some(JobError::Stopped(_) | JobError::Superseded));
    ours || error.downcast_ref::<WorkCancelled>().is_some()
}

/// Logs failures once, and tells the document's owner after the last attempt: errors, panics and time-outs alike.
pub(super) struct LastAttempt(pub(super) PgPool);

impl fmt::Debug for LastAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastAttempt")
    }
}

impl LastAttempt {
    /// When this fails, the sweep finds the document without a job.
    async fn give_up(&self, job: &JobRow, reason: &str) -> Result<(), BoxError> {
        let args = serde_json::from_str(job.encoded_args.get())?;
        let mut tx = self.0.begin().await?;
        fence::hold(&mut tx, job).await?;
        ingest::give_up(&mut tx, &job.kind, &args, reason).await?;
        Ok(tx.commit().await?)
    }
}

impl ErrorHandler for LastAttempt {
    async fn handle_error(
        &self,
        _context: &WorkContext,
        job: &JobRow,
        result: &WorkResult,
    ) -> Result<ErrorHandlerDecision, BoxError> {
        let reason = reason(result);
        let last = job.attempt >= job.max_attempts;
        tracing::warn!(job_id = job.id, kind = job.kind, attempt = job.attempt, last, reason, "job attempt failed");
        if last {
            self.give_up(job, for_owner(result)).await?;
        }
        Ok(ErrorHandlerDecision::Continue)
    }
}

/// What the document's owner is told; nothing that a service said.
fn for_owner(result: &WorkResult) -> &'static str {
    if let WorkResult::Failed(error) = result {
        return error.downcast_ref::<JobError>().map_or(DEFECT, JobError::for_owner);
    }
    if let WorkResult::Panicked(_) = result {
        return DEFECT;
    }
    TOO_SLOW
}

/// What the log is told.
fn reason(result: &WorkResult) -> String {
    if let WorkResult::Failed(error) = result {
        return error.to_string();
    }
    if let WorkResult::Panicked(error) = result {
        return error.to_string();
    }
    TIMED_OUT.to_owned()
}
