//! The state machine of a release.
//!
//! ```text
//!          wanted ≠ active, and it has not failed
//!              (or a person asks to retry it,
//!               or none serves yet and it rested)
//!   ┌──────┐ ──────────────────────────────▶ ┌─────────┐  Job succeeded   ┌───────┐
//!   │ idle │                                 │ Migrate │ ───────────────▶ │ Start │
//!   └──────┘ ◀────────┐                      └────┬────┘                  └───┬───┘
//!      ▲              │ timeout: the release      │                           │ every server is
//!      │              │ has failed; or another    │                           │ of this release
//!      │              │ release is wanted         ▼                           ▼ and available
//!      │              ├────────────────── discard candidate ◀──────────── ┌───────┐
//!      │              │                  (the active release              │ Check │
//!      │              │                   never noticed)                  └───┬───┘
//!      │              │ another release is wanted                             │ passed:
//!      │              │                                                       │ active = candidate
//!      │          ┌───┴────┐   workers are of this release, or timeout    ┌───▼────┐
//!      └───────── │ Finish │ ◀─────────────────────────────────────────── │ Switch │
//!                 └────────┘                                              └────────┘
//!   no old pod is left and the contract Job succeeded, or timeout:
//!   the release has succeeded; a contract that did not run is said, and left to the next release
//! ```
//!
//! Each phase is one step of the log. A phase looks only at its own facts, so it can be decided again at any time.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    facts::{Check, FIRST_RELEASE_RETRY, FIRST_RELEASE_RETRY_LONGEST, Facts, Job, PROVISIONING, Policy, Rollout},
    hold::resume,
    state::{HISTORY, Phase, Placed, Release, ReleaseState, Running},
};
use crate::crd::{
    Colour,
    environment_status::{FailedRelease, Outcome, PastRelease, Step},
    reasons,
};

/// What Finish waits for at first.
const DRAINING: &str = "pods of the old release still drain";

/// What a phase makes of its facts.
enum Verdict {
    /// It waits for this.
    Wait(String),
    /// It is done; the next phase begins.
    Done(String),
    /// It cannot be done any more.
    Failed(String),
}

/// The state that follows from `state` when `facts` are seen at `now`.
///
/// At most one phase ends in one call, so that each is written down before the next begins.
#[must_use]
pub fn next(state: &ReleaseState, facts: &Facts, policy: &Policy, now: Timestamp) -> ReleaseState {
    let mut state = resume(state.clone(), now);
    state.failed = state.failed.filter(|failed| failed.id == facts.wanted.id);
    state.retried = state.retried.filter(|id| facts.retry.as_ref() == Some(id));
    let Some(running) = state.running.clone() else { return start_if_wanted(state, facts, now) };
    if running.placed.release.id != facts.wanted.id {
        let message = format!("release {} was asked for instead", facts.wanted.id);
        return end(state, running, Outcome::Superseded, &message, now);
    }
    match verdict(&state, running.phase, facts, policy, now) {
        Verdict::Wait(message) => say(state, message),
        Verdict::Done(message) => advance(state, learn_schema(running, facts), &message, now),
        Verdict::Failed(message) => end(state, running, Outcome::Failed, &message, now),
    }
}

fn verdict(state: &ReleaseState, phase: Phase, facts: &Facts, policy: &Policy, now: Timestamp) -> Verdict {
    let late = |since: Phase, limit: Duration| late(state, since, limit, now);
    let said = state.step().map(|step| step.message.as_str()).unwrap_or_default();
    match phase {
        Phase::Migrate => migrate(&facts.expand, said, late(Phase::Migrate, policy.migration_timeout)),
        Phase::Start => start(&facts.app, late(Phase::Start, policy.check_timeout)),
        Phase::Check => check(&facts.app, &facts.check, late(Phase::Start, policy.check_timeout)),
        Phase::Switch => switch(&facts.worker, late(Phase::Switch, policy.check_timeout)),
        Phase::Finish => finish(facts, said, late(Phase::Finish, policy.migration_timeout)),
    }
}

fn migrate(job: &Job, said: &str, late: bool) -> Verdict {
    match job {
        Job::Succeeded { schema } => {
            Verdict::Done(schema.as_ref().map_or_else(String::new, |schema| format!("schema {schema}")))
        }
        Job::Absent | Job::Running { .. } | Job::Failed { .. } => wait_or_fail(job_message(job, said), late),
    }
}

fn start(app: &Rollout, late: bool) -> Verdict {
    match app {
        Rollout::Complete => Verdict::Done(String::new()),
        Rollout::Pending { message } => wait_or_fail(message, late),
    }
}

/// Asks the servers only while all of them are up: a passed check speaks for every pod that gets traffic.
fn check(app: &Rollout, check: &Check, late: bool) -> Verdict {
    match (app, check) {
        (Rollout::Complete, Check::Passed) => Verdict::Done(String::new()),
        (Rollout::Pending { message }, _) | (Rollout::Complete, Check::Failing { message }) => {
            wait_or_fail(message, late)
        }
        (Rollout::Complete, Check::Unknown) => wait_or_fail("asking the servers for their health", late),
    }
}

fn switch(worker: &Rollout, late: bool) -> Verdict {
    match worker {
        Rollout::Complete => Verdict::Done(String::new()),
        Rollout::Pending { message } if late => Verdict::Done(format!("the workers are late: {message}")),
        Rollout::Pending { message } => Verdict::Wait(message.clone()),
    }
}

/// The release serves already: nothing that goes wrong here takes it back.
fn finish(facts: &Facts, said: &str, late: bool) -> Verdict {
    let waits_for = match (&facts.contract, facts.old_pods) {
        (Job::Succeeded { .. }, _) => return Verdict::Done(String::new()),
        (Job::Absent, 1..) => DRAINING,
        (job, _) => job_message(job, said),
    };
    if late {
        Verdict::Done(format!("contract migrations are left to the next release: {waits_for}"))
    } else {
        Verdict::Wait(waits_for.to_owned())
    }
}

fn wait_or_fail(message: &str, late: bool) -> Verdict {
    if late {
        Verdict::Failed(format!("timed out{}{message}", if message.is_empty() { "" } else { ": " }))
    } else {
        Verdict::Wait(message.to_owned())
    }
}

/// The last words of an attempt stand until the next one has some of its own: a trouble that lasts must read the same all along.
fn job_message<'a>(job: &'a Job, said: &'a str) -> &'a str {
    match job {
        Job::Running { message } | Job::Failed { message, .. } if !message.is_empty() => message,
        _ if said.starts_with(PROVISIONING) || said == DRAINING => "",
        Job::Absent | Job::Running { .. } | Job::Failed { .. } | Job::Succeeded { .. } => said,
    }
}

fn late(state: &ReleaseState, since: Phase, limit: Duration, now: Timestamp) -> bool {
    let limit = i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
    state.spent_since(since, now).is_some_and(|spent| spent >= limit)
}

fn start_if_wanted(state: ReleaseState, facts: &Facts, now: Timestamp) -> ReleaseState {
    let asked_again = facts.retry.as_ref() == Some(&facts.wanted.id) && state.retried != facts.retry;
    if state.serves(&facts.wanted.id) || (state.failed.is_some() && !asked_again && !has_rested(&state, now)) {
        return state;
    }
    let retried = if state.failed.is_some() && asked_again { facts.retry.clone() } else { state.retried.clone() };
    begin(ReleaseState { retried, ..state }, &facts.wanted, now)
}

/// Whether a release that failed is tried again by itself: while none serves, nobody is protected by not trying.
fn has_rested(state: &ReleaseState, now: Timestamp) -> bool {
    let Some(failed) = state.failed.as_ref().filter(|_| state.active.is_none()) else { return false };
    let is_same = |past: &&PastRelease| past.id == failed.id && past.outcome == Outcome::Failed;
    let earlier = state.history.iter().take_while(is_same).skip(1);
    let pause = earlier.fold(FIRST_RELEASE_RETRY, |pause, _| (pause * 2).min(FIRST_RELEASE_RETRY_LONGEST));
    let pause = i64::try_from(pause.as_secs()).unwrap_or(i64::MAX);
    now.as_second().saturating_sub(failed.at.0.as_second()) >= pause
}

fn begin(state: ReleaseState, wanted: &Release, now: Timestamp) -> ReleaseState {
    let colour = state.active.as_ref().map_or(Colour::Blue, |active| active.colour);
    let placed = Placed { release: wanted.clone(), colour, schema: None };
    let running = Running { placed, phase: Phase::Migrate, started_at: now };
    ReleaseState { running: Some(running), steps: vec![opened(Phase::Migrate, now)], failed: None, ..state }
}

fn advance(state: ReleaseState, running: Running, message: &str, now: Timestamp) -> ReleaseState {
    let to = match running.phase {
        Phase::Migrate => Phase::Start,
        Phase::Start => Phase::Check,
        Phase::Check => Phase::Switch,
        Phase::Switch => Phase::Finish,
        Phase::Finish => return end(state, running, Outcome::Succeeded, message, now),
    };
    let mut state = close(state, Outcome::Succeeded, message, now);
    if to == Phase::Switch {
        state.active = Some(running.placed.clone());
    }
    state.running = Some(Running { phase: to, ..running });
    state.steps.push(opened(to, now));
    state
}

/// Ends the release under way. Once it is active, being superseded only cuts its tidying short.
fn end(state: ReleaseState, running: Running, outcome: Outcome, message: &str, now: Timestamp) -> ReleaseState {
    let mut state = close(state, outcome, message, now);
    let outcome = if running.phase.before_switch() { outcome } else { Outcome::Succeeded };
    if outcome == Outcome::Failed {
        state.failed = Some(failed(&running, message, now));
    }
    let Placed { release, schema, .. } = running.placed;
    let past = PastRelease {
        id: release.id,
        image: release.image,
        schema,
        started_at: Time(running.started_at),
        finished_at: Time(now),
        outcome,
        message: message.to_owned(),
    };
    state.history.insert(0, past);
    state.history.truncate(HISTORY);
    state.running = None;
    state
}

fn failed(running: &Running, message: &str, now: Timestamp) -> FailedRelease {
    let reason = match running.phase {
        Phase::Migrate => reasons::MIGRATION_TIMED_OUT,
        Phase::Start | Phase::Check | Phase::Switch | Phase::Finish => reasons::CHECK_TIMED_OUT,
    };
    FailedRelease {
        id: running.placed.release.id.clone(),
        at: Time(now),
        phase: running.phase.shown(),
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

fn opened(phase: Phase, now: Timestamp) -> Step {
    let (name, started_at) = (phase.shown(), Time(now));
    Step { name, started_at, finished_at: None, held_seconds: None, outcome: Outcome::Running, message: String::new() }
}

fn close(mut state: ReleaseState, outcome: Outcome, message: &str, now: Timestamp) -> ReleaseState {
    if let Some(step) = state.steps.last_mut() {
        step.finished_at = Some(Time(now));
        step.outcome = outcome;
        message.clone_into(&mut step.message);
    }
    state
}

fn say(mut state: ReleaseState, message: String) -> ReleaseState {
    if let Some(step) = state.steps.last_mut() {
        step.message = message;
    }
    state
}

/// The migration says which schema it reached; nobody else knows it.
fn learn_schema(mut running: Running, facts: &Facts) -> Running {
    if let (Phase::Migrate, Job::Succeeded { schema }) = (running.phase, &facts.expand) {
        running.placed.schema.clone_from(schema);
    }
    running
}
