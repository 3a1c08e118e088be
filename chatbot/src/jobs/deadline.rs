//! The deadline of one attempt.
//!
//! It is ours, and River's own comes later: River cancels an attempt that is late just as a stopping process does, and nobody
//! could tell the two apart.

use std::time::Duration;

use riverqueue::{WorkCancelled, WorkContext, WorkerTimeout};
use tokio::time::timeout;

use super::JobError;

/// How much longer River waits.
const RIVER_WAITS_LONGER: Duration = Duration::from_secs(30);

/// What River is told of a kind whose attempts have so long.
pub(super) fn of_river(deadline: Duration) -> WorkerTimeout {
    WorkerTimeout::After(deadline + RIVER_WAITS_LONGER)
}

/// Works until that is done, the deadline is over, or the process or a person stops it.
///
/// # Errors
/// The work's own, `TimedOut` or `Stopped`.
pub(super) async fn within(
    deadline: Duration,
    context: &WorkContext,
    work: impl Future<Output = Result<(), JobError>>,
) -> Result<(), JobError> {
    tokio::select! {
        result = timeout(deadline, work) => result.unwrap_or(Err(JobError::TimedOut)),
        () = context.cancellation_token().cancelled() => Err(WorkCancelled.into()),
    }
}
