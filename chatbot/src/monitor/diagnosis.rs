//! Why a task stands where it stands, and the way out: pure, from the task and what there is beside it.
//!
//! A list of checks; the first that holds speaks.

use serde::Serialize;
use utoipa::ToSchema;

use super::alarms::LONG_RUN_SECONDS;
use super::overview::{Life, Overview};
use crate::{jobs::arguments, store::jobs::tasks::Task};

/// What the sweep writes when a worker died with a job in hand.
const DIED: &str = "stopped answering";
/// So many failures in a row are no chance.
const OFTEN: usize = 3;

/// What is the matter with a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// What kind of trouble, in a word.
    pub code: &'static str,
    /// Why it stands where it stands.
    pub reason: String,
    /// What to do.
    pub way_out: &'static str,
}

fn diagnosis(code: &'static str, reason: impl Into<String>, way_out: &'static str) -> Diagnosis {
    Diagnosis { code, reason: reason.into(), way_out }
}

/// What is the matter; None when nothing is.
#[must_use]
pub fn of(task: &Task, overview: &Overview) -> Option<Diagnosis> {
    let checks = [unreadable, lost, endless, stopping, unknown_kind, unserved, paused, deadly, dead_letter, failing];
    checks.iter().find_map(|check| check(task, overview))
}

fn is_over(task: &Task) -> bool {
    matches!(task.state.as_str(), "completed" | "cancelled" | "discarded")
}

fn waits(task: &Task) -> bool {
    !is_over(task) && task.state != "running"
}

fn last_error(task: &Task) -> Option<&str> {
    task.errors.as_ref().and_then(|errors| errors.last()).map(|failure| failure.error.as_str())
}

fn unreadable(task: &Task, _: &Overview) -> Option<Diagnosis> {
    let trouble = arguments::trouble(&task.kind, &task.args).filter(|_| task.state != "completed")?;
    Some(diagnosis(
        "arguments",
        format!("this release cannot read its arguments: {trouble}"),
        "another release wrote it, or will read it: bring that release back and try it again, or cancel it",
    ))
}

fn lost(task: &Task, overview: &Overview) -> Option<Diagnosis> {
    let holder = task.attempted_by.as_ref().and_then(|all| all.last()).filter(|_| task.state == "running")?;
    let worker = overview.workers.iter().find(|worker| worker.id == *holder)?;
    let is_lost = matches!(worker.life, Life::Silent | Life::Dead);
    is_lost.then(|| {
        diagnosis(
            "worker-lost",
            format!("its worker {holder} gives no sign of life"),
            "another worker takes it over within half a minute, if one lives",
        )
    })
}

fn endless(task: &Task, overview: &Overview) -> Option<Diagnosis> {
    let running = overview.running.iter().find(|running| running.id == task.id)?;
    let reason = || format!("it has been in work for {:.0} minutes, longer than any deadline", running.seconds / 60.0);
    (running.seconds > LONG_RUN_SECONDS).then(|| {
        diagnosis(
            "endless",
            reason(),
            "cancel it; if it does not stop, restart its worker: after an hour it is taken back by itself",
        )
    })
}

fn stopping(task: &Task, _: &Overview) -> Option<Diagnosis> {
    let asked = task.state == "running" && task.metadata.get("cancel_attempted_at").is_some();
    asked.then(|| {
        diagnosis(
            "stopping",
            "its worker was told to stop it".to_owned(),
            "it is cancelled as soon as it stops; if it does not, restart its worker",
        )
    })
}

fn unknown_kind(task: &Task, overview: &Overview) -> Option<Diagnosis> {
    let mut working = overview.workers.iter().filter(|worker| worker.life == Life::Working).peekable();
    let is_unknown = working.peek().is_some() && !working.any(|worker| worker.kinds.contains(&task.kind));
    (waits(task) && is_unknown).then(|| {
        diagnosis(
            "kind-unknown",
            format!("no worker knows the kind {}", task.kind),
            "it waits for a release that does: bring it back, or cancel the task",
        )
    })
}

fn unserved(task: &Task, overview: &Overview) -> Option<Diagnosis> {
    let queue = overview.queues.iter().find(|queue| queue.name == task.queue)?;
    (waits(task) && queue.workers == 0).then(|| {
        diagnosis(
            "queue-unserved",
            format!("no worker takes from the queue {}", task.queue),
            "start a worker, or give this queue a concurrency above 0",
        )
    })
}

fn paused(task: &Task, overview: &Overview) -> Option<Diagnosis> {
    let queue = overview.queues.iter().find(|queue| queue.name == task.queue)?;
    (waits(task) && queue.is_paused)
        .then(|| diagnosis("queue-paused", format!("the queue {} is paused", task.queue), "resume the queue"))
}

fn deadly(task: &Task, _: &Overview) -> Option<Diagnosis> {
    let is_wanted = !matches!(task.state.as_str(), "completed" | "cancelled");
    let error = last_error(task).filter(|error| is_wanted && error.ends_with(DIED))?;
    let way_out = if is_over(task) {
        "look at that worker's log and memory; then try it again"
    } else {
        "it is tried again; after the third death it is given up. Look at that worker's log and memory"
    };
    Some(diagnosis("worker-died", error, way_out))
}

fn dead_letter(task: &Task, _: &Overview) -> Option<Diagnosis> {
    if task.state != "discarded" {
        return None;
    }
    let last = last_error(task).or_else(|| task.metadata.get("output")?.get("error")?.as_str());
    let last = last.unwrap_or("its worker gave it up");
    let reason = format!("it was given up after {} of {} attempts: {last}", task.attempt, task.max_attempts);
    let way_out = "mend the cause, then try it again; it is kept for a time, see DEAD_LETTER_DAYS";
    Some(diagnosis("given-up", reason, way_out))
}

fn failing(task: &Task, _: &Overview) -> Option<Diagnosis> {
    let errors = task.errors.as_ref().filter(|errors| errors.len() >= OFTEN && !is_over(task))?;
    let reason = format!("{} attempts failed, the last with: {}", errors.len(), last_error(task).unwrap_or_default());
    let way_out = "mend the cause; it is tried again by itself, or at once if you ask for it";
    Some(diagnosis("failing", reason, way_out))
}

#[cfg(test)]
mod tests;
