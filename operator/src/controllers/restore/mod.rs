//! Reconciles a ChatbotRestore: a database is filled beside the live one, and put in its place.
//!
//! | file | subject |
//! |---|---|
//! | [`next`](mod@next) | how a restore goes on: its phases; pure |
//! | [`observe`](mod@observe) | what the cluster tells of it |
//! | [`report`](mod@report) | status, events, messages |
//!
//! Servers and workers are stopped and started by the environment's own reconciliation, which looks at the phase of its restores.

pub mod next;
pub mod observe;
pub mod report;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use kube::{Resource, ResourceExt, runtime::controller::Action};

use self::{
    next::{Next, Task, next},
    observe::{Observed, observe},
    report::report,
};
use super::{
    context::Context,
    runs::{self, Made},
};
use crate::{
    crd::{ChatbotRestore, ChatbotRestoreStatus, RestorePhase},
    error::Error,
    resources::run_job::Single,
};

/// Annotation by which a person takes a restore back, while it is "true".
pub const UNDO: &str = "chatbot.platform/undo";
/// Annotation by which a person ends a restore before its swap, while it is "true".
pub const ABORT: &str = "chatbot.platform/abort";
/// Value of the label by which Jobs of restores are told from those of backups.
pub const RUN: &str = "restore";

/// While it is under way: the caches are asked, which costs nothing.
const UNDER_WAY: Duration = Duration::from_secs(1);
/// While it waits for its turn, or for the end of the time in which it can be undone.
const WAITING: Duration = Duration::from_secs(15);

/// Brings one restore a step further, and says how soon to look again.
///
/// # Errors
/// When the API server cannot be reached, or an object is not what its kind says. What the user can mend is no error.
pub async fn reconcile(restore: Arc<ChatbotRestore>, ctx: Arc<Context>) -> Result<Action, Error> {
    if restore.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let observed = observe(&ctx, &restore)?;
    let before = restore.status.clone().unwrap_or_default();
    let Next { runs, mut status } = next(&before, &observed.facts, ctx.clock.now());
    status.observed_generation = restore.metadata.generation;
    if let Some(why) = run(&ctx, &restore, &observed, runs).await? {
        status.message = format!("its next Job cannot be made: {why}");
    }
    report(&ctx, &restore, &before, status.clone()).await?;
    Ok(pause(&status))
}

/// Makes the Job that should be there, unless it is; answers why it is refused.
async fn run(
    ctx: &Context,
    restore: &ChatbotRestore,
    observed: &Observed,
    task: Option<Task>,
) -> Result<Option<String>, Error> {
    let Some(task) = task.filter(|task| !observed.facts.jobs.iter().any(|(known, _)| known == task)) else {
        return Ok(None);
    };
    let Some(recipe) = &observed.recipe else { return Ok(Some("no release of the environment serves".to_owned())) };
    Ok(match runs::make(ctx, recipe, single(restore, observed, task)).await? {
        Made::Yes => None,
        Made::Refused(why) => Some(why),
    })
}

fn single(restore: &ChatbotRestore, observed: &Observed, task: Task) -> Single<'static> {
    let chosen = restore.status.as_ref().and_then(|status| status.backup.clone());
    let from = chosen.unwrap_or_else(|| observed.from.clone());
    let args = args(task, &from, restore.spec.offsite);
    Single {
        name: job_name(&restore.name_any(), task),
        owner: restore.controller_owner_ref(&()).unwrap_or_default(),
        run: RUN,
        args,
    }
}

/// The chatbot's command for a task.
#[must_use]
pub fn args(task: Task, from: &str, offsite: bool) -> Vec<String> {
    let reads = matches!(task, Task::Prepare | Task::Documents);
    let words = ["restore", task.as_str(), "--from", from].into_iter();
    words.chain((reads && offsite).then_some("--offsite")).map(str::to_owned).collect()
}

/// Name of the Job of a task: `<restore>-prepare`.
#[must_use]
pub fn job_name(restore: &str, task: Task) -> String {
    format!("{restore}-{}", task.as_str())
}

fn pause(status: &ChatbotRestoreStatus) -> Action {
    let is_settled = status.dropped || status.steps.is_empty();
    if status.phase.is_under_way() {
        Action::requeue(UNDER_WAY)
    } else if status.phase != RestorePhase::Pending && is_settled {
        Action::await_change()
    } else {
        Action::requeue(WAITING)
    }
}
