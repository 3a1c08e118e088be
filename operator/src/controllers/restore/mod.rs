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
use sha2::{Digest, Sha256};

use self::{
    next::{Act, Next, Task, next},
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
    resources::{backup_cron_job::source_variables, run_job::Single},
};

/// Annotation by which a person takes a restore back, while it is "true".
pub const UNDO: &str = "chatbot.platform/undo";
/// Annotation by which a person ends a restore before its swap, while it is "true".
pub const ABORT: &str = "chatbot.platform/abort";

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
    let Next { act, mut status } = next(&before, &observed.facts, ctx.clock.now());
    status.observed_generation = restore.metadata.generation;
    let refused = match act {
        Act::Wait => None,
        Act::Run(task) => run(&ctx, &restore, &observed, task).await?,
        Act::Remove(task) => remove(&ctx, &restore, task).await?,
    };
    if let Some(why) = refused.filter(|_| status.phase.is_under_way()) {
        status.message = format!("its next step cannot be made: {why}");
    }
    report(&ctx, &restore, &before, status.clone()).await?;
    Ok(pause(&status))
}

/// Makes the Job that should be there, unless it is; answers why it is refused.
async fn run(
    ctx: &Context,
    restore: &ChatbotRestore,
    observed: &Observed,
    task: Task,
) -> Result<Option<String>, Error> {
    if observed.facts.jobs.iter().any(|(known, _)| *known == task) {
        return Ok(None);
    }
    let Some(recipe) = &observed.recipe else { return Ok(Some("no release of the environment serves".to_owned())) };
    Ok(match runs::make(ctx, recipe, single(restore, observed, task)).await? {
        Made::Yes => None,
        Made::Refused(why) => Some(why),
    })
}

async fn remove(ctx: &Context, restore: &ChatbotRestore, task: Task) -> Result<Option<String>, Error> {
    let namespace = restore.namespace().unwrap_or_default();
    runs::remove(ctx, &namespace, &job_name(restore, task)).await.map(|()| None)
}

fn single(restore: &ChatbotRestore, observed: &Observed, task: Task) -> Single<'static> {
    let uid = restore.uid().unwrap_or_default();
    let phase = restore.status.as_ref().map(|status| status.phase).unwrap_or_default();
    let which = Which {
        name: token(restore),
        from: observed.from.clone(),
        place: Where::of(restore),
        replaced: phase == RestorePhase::Succeeded,
    };
    Single {
        name: job_name(restore, task),
        asked_by: uid,
        // Names are swapped to the end, even where the restore itself was deleted meanwhile.
        owner: (!task.swaps()).then(|| restore.controller_owner_ref(&())).flatten(),
        run: task.run(),
        args: args(task, &which),
        variables: restore.spec.source.as_ref().filter(|_| task.reads()).map(source_variables).unwrap_or_default(),
    }
}

/// Which repository a restore reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// The environment's own.
    First,
    /// Its second one.
    Offsite,
    /// That of another environment.
    Source,
}

impl Where {
    fn of(restore: &ChatbotRestore) -> Self {
        match (&restore.spec.source, restore.spec.offsite) {
            (Some(_), _) => Self::Source,
            (None, true) => Self::Offsite,
            (None, false) => Self::First,
        }
    }

    const fn option(self) -> Option<&'static str> {
        match self {
            Self::First => None,
            Self::Offsite => Some("--offsite"),
            Self::Source => Some("--source"),
        }
    }
}

/// Which restore a task is of.
#[derive(Clone, Debug)]
pub struct Which {
    /// By what its databases are called.
    pub name: String,
    /// The backup, as a person names it.
    pub from: String,
    /// Which repository is read.
    pub place: Where,
    /// Whether what was replaced is dropped, and not what was prepared.
    pub replaced: bool,
}

/// The chatbot's command for a task.
#[must_use]
pub fn args(task: Task, which: &Which) -> Vec<String> {
    let mut words = vec!["restore", task.as_str()];
    if task == Task::Prepare {
        words.extend(["--from", &which.from]);
    }
    if task != Task::Documents {
        words.extend(["--name", &which.name]);
    }
    words.extend((task == Task::Drop && which.replaced).then_some("--replaced"));
    words.extend(which.place.option().filter(|_| task.reads()));
    words.into_iter().map(str::to_owned).collect()
}

/// Name of the Job of a task: `<restore>-5f0c-prepare`. One that was deleted and applied anew is another restore.
#[must_use]
pub fn job_name(restore: &ChatbotRestore, task: Task) -> String {
    format!("{}-{}-{}", restore.name_any(), &token(restore)[..4], task.as_str())
}

/// By what the databases of a restore are called: 8 hexadecimal digits of its own.
fn token(restore: &ChatbotRestore) -> String {
    hex::encode(&Sha256::digest(restore.uid().unwrap_or_default())[..4])
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
