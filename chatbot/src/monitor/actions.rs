//! What a person may do. Each answers what it did, and is recorded: who, what, when.

use serde::Serialize;
use utoipa::ToSchema;

use super::login::Person;
use super::refusal::Refusal;
use super::state::Monitor;
use super::tasks::TaskQuery;
use crate::jobs::{
    manage::{self, Effect},
    schedule::{self, Run, Schedule},
};

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
    let (db, queue) = (&monitor.app.db, &monitor.app.queue);
    let effect = match verb {
        Verb::Retry => manage::retry(db, queue, id).await?,
        Verb::Cancel => manage::cancel(db, queue, id).await?,
        Verb::Discard => manage::discard(db, id, &format!("given up by {}", person.name)).await?,
    };
    let done = Done { changed: effect.changed(), message: format!("Task {id} {}", in_words(effect)) };
    Ok(recorded(monitor, person, verb.as_str(), &id.to_string(), done))
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
    let tasks = manage::retry_all(&monitor.app.db, &monitor.app.queue, &filter).await?;
    let more =
        if i64::try_from(tasks).unwrap_or_default() == manage::MOST_AT_ONCE { " There may be more." } else { "" };
    let message = match tasks {
        0 => "No task matches (any more): nothing was changed.".to_owned(),
        1 => "1 task waits for a worker again.".to_owned(),
        tasks => format!("{tasks} tasks wait for a worker again.{more}"),
    };
    let done = Done { changed: tasks > 0, message };
    Ok(recorded(monitor, person, "retry-all", &format!("{filter:?}"), done))
}

/// Runs a schedule now.
///
/// # Errors
/// `NotFound`, the database's.
pub(super) async fn run(monitor: &Monitor, person: &Person, name: &str) -> Result<Done, Refusal> {
    let schedule = Schedule::named(name).ok_or(Refusal::NotFound("schedule"))?;
    let app = &monitor.app;
    let (changed, message) = match schedule::run_now(&app.db, &app.queue, schedule, app.clock.now()).await? {
        Run::Enqueued(job) => (true, format!("{name} runs now, as task {job}.")),
        Run::AlreadyAtIt(job) => (false, format!("{name} runs already, as task {job}: nothing was changed.")),
        Run::Held => (false, format!("{name} is about to run, or no worker knows it yet: nothing was changed.")),
    };
    Ok(recorded(monitor, person, "run", name, Done { changed, message }))
}

/// Pauses or resumes a queue.
///
/// # Errors
/// `NotFound`, the database's.
pub(super) async fn pause(monitor: &Monitor, person: &Person, queue: &str, pause: bool) -> Result<Done, Refusal> {
    if !manage::pause(&monitor.app.queue, queue, pause).await? {
        return Err(Refusal::NotFound("queue"));
    }
    let (verb, words) =
        if pause { ("pause", "is paused: workers finish what they have") } else { ("resume", "is open") };
    let done = Done { changed: true, message: format!("The queue {queue} {words}.") };
    Ok(recorded(monitor, person, verb, queue, done))
}

/// Notes who did what.
fn recorded(_monitor: &Monitor, person: &Person, verb: &str, target: &str, done: Done) -> Done {
    tracing::warn!(user = person.name, user_id = %person.user_id, verb, target, changed = done.changed, "task monitor: acted");
    done
}
