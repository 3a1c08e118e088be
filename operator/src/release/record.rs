//! The log of the release under way, and of those that ended.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    state::{HISTORY, Phase, Placed, ReleaseState, Running},
    verdict::TAKEN_BACK,
};
use crate::crd::{
    self,
    environment_status::{FailedRelease, Outcome, PastRelease, Step},
    reasons,
};

/// A step that begins.
pub(super) fn opened(phase: Phase, now: Timestamp) -> Step {
    let (name, started_at) = (phase.shown(), Time(now));
    Step { name, started_at, finished_at: None, held_seconds: None, outcome: Outcome::Running, message: String::new() }
}

/// Ends the open step.
pub(super) fn close(mut state: ReleaseState, outcome: Outcome, message: &str, now: Timestamp) -> ReleaseState {
    if let Some(step) = state.steps.last_mut() {
        step.finished_at = Some(Time(now));
        step.outcome = outcome;
        message.clone_into(&mut step.message);
    }
    state
}

/// What the open step waits for.
pub(super) fn say(mut state: ReleaseState, message: String) -> ReleaseState {
    if let Some(step) = state.steps.last_mut() {
        step.message = message;
    }
    state
}

/// Ends a release that serves.
pub(super) fn released(
    state: ReleaseState,
    running: Running,
    outcome: Outcome,
    contracted: bool,
    message: &str,
    now: Timestamp,
) -> ReleaseState {
    let past = PastRelease { contracted, ..past(running, outcome, message.to_owned(), now) };
    remember(ReleaseState { previous: None, ..state }, past)
}

/// Ends a release that was discarded or taken back, in the words of the step that it failed in, and of what became of its schema.
pub(super) fn undone(state: ReleaseState, running: Running, now: Timestamp) -> ReleaseState {
    let Some(cause) = state.cause().cloned() else { return ReleaseState { running: None, ..state } };
    let had_traffic = state.steps.iter().any(|step| step.name == crd::Phase::Rollback);
    let outcome = match (cause.outcome == Outcome::Superseded, had_traffic) {
        (true, _) => Outcome::Superseded,
        (false, true) => Outcome::RolledBack,
        (false, false) => Outcome::Failed,
    };
    let message = match state.steps.last() {
        Some(last) if last.name == crd::Phase::Discard => format!("{}; {}", cause.message, of_schema(&last.message)),
        _ => cause.message.clone(),
    };
    // What the spec asks for stays marked when a past release, to which a person returns, fails in its turn.
    let failed = match state.failed.clone() {
        None if outcome != Outcome::Superseded => {
            Some(failed(&running, reason(&cause, had_traffic), cause.name, &message, now))
        }
        known => known,
    };
    remember(ReleaseState { failed, ..state }, past(running, outcome, message, now))
}

/// What became of the schema, as the end of a sentence.
fn of_schema(said: &str) -> String {
    if said.starts_with("the schema ") { said.to_owned() } else { format!("schema: {said}") }
}

/// The mark of a release that a person took back after it had ended well.
pub(super) fn left(id: &str, now: Timestamp) -> FailedRelease {
    FailedRelease {
        id: id.to_owned(),
        at: Time(now),
        phase: crd::Phase::Stable,
        reason: reasons::ROLLED_BACK.to_owned(),
        message: TAKEN_BACK.to_owned(),
    }
}

fn failed(running: &Running, reason: &str, phase: crd::Phase, message: &str, now: Timestamp) -> FailedRelease {
    FailedRelease {
        id: running.placed.release.id.clone(),
        at: Time(now),
        phase,
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

fn reason(cause: &Step, had_traffic: bool) -> &'static str {
    if had_traffic || cause.message == TAKEN_BACK {
        reasons::ROLLED_BACK
    } else if cause.name == crd::Phase::Backup {
        reasons::BACKUP_FAILED
    } else if cause.name == crd::Phase::Migrate {
        reasons::MIGRATION_TIMED_OUT
    } else {
        reasons::CHECK_TIMED_OUT
    }
}

fn past(running: Running, outcome: Outcome, message: String, now: Timestamp) -> PastRelease {
    let Placed { release, schema, .. } = running.placed;
    PastRelease {
        id: release.id,
        image: release.image,
        schema,
        contracted: false,
        started_at: Time(running.started_at),
        finished_at: Time(now),
        outcome,
        message,
    }
}

/// So many that ended well are remembered, however many failed since: there is something to return to.
const GOOD: usize = 3;

fn remember(mut state: ReleaseState, past: PastRelease) -> ReleaseState {
    state.history.insert(0, past);
    if state.history.len() > HISTORY {
        let is_good = |index: &usize| state.history.get(*index).is_some_and(|it| it.outcome == Outcome::Succeeded);
        let kept: Vec<usize> = (0..state.history.len()).filter(is_good).take(GOOD).collect();
        let oldest = (0..state.history.len()).rfind(|index| !kept.contains(index));
        oldest.map(|index| state.history.remove(index));
    }
    state.running = None;
    state
}
