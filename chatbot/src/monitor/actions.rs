//! What a person may do. Each answers what it did, and is recorded in the audit, in the same
//! transaction: who, what, when.

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use utoipa::ToSchema;

use super::login::Person;
use super::refusal::Refusal;
use super::state::Monitor;
use super::tasks::TaskQuery;
use crate::jobs::{
    manage::{self, Effect},
    schedule::{self, Run, Schedule},
};
use crate::store::audit::{self, Action, Target};

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Done {
    /// Whether anything was changed: asked for twice, an action does nothing the second time.
    pub(super) changed: bool,
    /// The same in words.
    pub(super) message: String,
}

/// What to do with one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Try it again, now.
    Retry,
    /// End it; when it is in work, its worker is told.
    Cancel,
    /// Give it up: to the dead letters.
    Discard,
}

impl Verb {
    /// The one of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Retry, Self::Cancel, Self::Discard].into_iter().find(|verb| verb.as_str() == name)
    }

    /// Its name.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::Discard => "discard",
        }
    }
}

/// Does it to the task.
///
/// # Errors
/// `NotFound`, the database's.
pub(super) async fn task(monitor: &Monitor, person: &Person, verb: Verb, id: i64) -> Result<Done, Refusal> {
    let mut tx = monitor.app.db.begin().await?;
    let (queue, name) = (&monitor.app.queue, format!("task {id}"));
    let (effect, action) = match verb {
        Verb::Retry => (manage::retry(&mut tx, queue, id).await?, Action::TaskRetried),
        Verb::Cancel => (manage::cancel(&mut tx, queue, id).await?, Action::TaskCancelled),
        Verb::Discard => {
            let reason = format!("given up by {}", person.name);
            (manage::discard(&mut tx, id, &reason).await?, Action::TaskDiscarded)
        }
    };
    let done = Done { changed: effect.changed(), message: format!("Task {id} {}", in_words(effect)) };
    recorded(tx, person, action, &name, json!({}), done).await
}

const fn in_words(effect: Effect) -> &'static str {
    match effect {
        Effect::Waits => "waits for a worker again.",
        Effect::WaitedAlready => "waits for a worker already: nothing was changed.",
        Effect::InWork => "is in work: nothing was changed. Cancel it first.",
        Effect::Ended => "was ended: it will not run again by itself.",
        Effect::Stopping => "is in work: its worker was told to stop it.",
        Effect::StoppingAlready => "is in work, and its worker was told to stop it already: nothing was changed.",
        Effect::OverAlready => "was over already: nothing was changed.",
    }
}

/// Tries all tasks again that match, at most [`manage::MOST_AT_ONCE`].
///
/// # Errors
/// `Invalid` unless they are given up, cancelled or wait for their next attempt; the database's.
pub(super) async fn retry_all(monitor: &Monitor, person: &Person, query: &TaskQuery) -> Result<Done, Refusal> {
    let filter = query.filter()?;
    if !matches!(filter.state.as_deref(), Some("discarded" | "cancelled" | "retryable")) {
        return Err(Refusal::Invalid("state: many at once only of discarded, cancelled or retryable tasks".to_owned()));
    }
    let mut tx = monitor.app.db.begin().await?;
    let tasks = manage::retry_all(&mut tx, &monitor.app.queue, &filter).await?;
    let done = Done { changed: tasks > 0, message: told(tasks) };
    let detail = json!({"state": filter.state, "kind": filter.kind, "queue": filter.queue, "tasks": tasks});
    recorded(tx, person, Action::TasksRetried, "tasks", detail, done).await
}

fn told(tasks: usize) -> String {
    let most = usize::try_from(manage::MOST_AT_ONCE).unwrap_or(usize::MAX);
    match tasks {
        0 => "No task matches (any more): nothing was changed.".to_owned(),
        1 => "1 task waits for a worker again.".to_owned(),
        tasks if tasks >= most => format!("{tasks} tasks wait for a worker again. There may be more: ask once more."),
        tasks => format!("{tasks} tasks wait for a worker again."),
    }
}

/// Runs a schedule now.
///
/// # Errors
/// `NotFound`, the database's.
pub(super) async fn run(monitor: &Monitor, person: &Person, name: &str) -> Result<Done, Refusal> {
    let schedule = Schedule::named(name).ok_or(Refusal::NotFound("schedule"))?;
    let app = &monitor.app;
    let mut tx = app.db.begin().await?;
    let (changed, message) = match schedule::run_now(&mut tx, &app.queue, schedule, app.clock.now()).await? {
        Run::Enqueued(job) => (true, format!("{name} runs now, as task {job}.")),
        Run::AlreadyAtIt(job) => (false, format!("{name} runs already, as task {job}: nothing was changed.")),
        Run::Held => (false, format!("{name} is about to run, or no worker knows it yet: nothing was changed.")),
    };
    recorded(tx, person, Action::ScheduleRun, name, json!({}), Done { changed, message }).await
}

/// Pauses or resumes a queue.
///
/// # Errors
/// `NotFound`, the database's.
pub(super) async fn pause(monitor: &Monitor, person: &Person, queue: &str, pause: bool) -> Result<Done, Refusal> {
    let mut tx = monitor.app.db.begin().await?;
    let effect = manage::pause(&mut tx, &monitor.app.queue, queue, pause).await?;
    let changed = effect.ok_or(Refusal::NotFound("queue"))?;
    let (action, words) = if pause {
        (Action::QueuePaused, "is paused: workers finish what they have")
    } else {
        (Action::QueueResumed, "is open")
    };
    let done = Done { changed, message: format!("The queue {queue} {words}.") };
    recorded(tx, person, action, queue, json!({}), done).await
}

/// Notes who did what, if anything was changed, and makes it so.
async fn recorded(
    mut tx: Transaction<'_, Postgres>,
    person: &Person,
    action: Action,
    target: &str,
    detail: Value,
    done: Done,
) -> Result<Done, Refusal> {
    if done.changed {
        audit::record(&mut *tx, &person.actor(), action, Target::named(target), detail).await?;
    }
    tx.commit().await?;
    tracing::info!(user_id = %person.user_id, action = action.as_str(), target, changed = done.changed, "task monitor");
    Ok(done)
}
