//! The state machine of a release.
//!
//! ```text
//!            wanted ≠ active, and it has not failed
//!                (or a person asks to retry it,
//!                 or none serves yet and it rested)
//!   ┌──────┐ ────────────────────────────▶ ┌─────────┐  Job succeeded        ┌───────┐
//!   │ idle │                               │ Migrate │ ────────────────────▶ │ Start │
//!   └──────┘ ◀───────┐                     └────┬────┘                       └───┬───┘
//!      ▲             │ timeout: the release     │                                │ every server is of
//!      │             │ has failed; or another   ▼                                ▼ this release, available
//!      │             ├──────────────── discard candidate ◀─────────────────── ┌───────┐
//!      │             │                 (the active release   ▲                │ Check │
//!      │             │                  never noticed)       │                └───┬───┘
//!      │             │                                       │ another is wanted  │ passed
//!      │             │                                   ┌───┴─────┐  Manual      │
//!      │             │                                   │ Promote │ ◀────────────┤
//!      │             │                                   └───┬─────┘              │ Automatic, or Rolling
//!      │             │                            a person's │                    ▼
//!      │             │                            word       └───────────────▶ ┌────────┐  active = candidate
//!      │             │ another is wanted                                       │ Switch │  previous = active
//!      │         ┌───┴────┐     workers of this release are up, or timeout     └───┬────┘  (BlueGreen)
//!      ├──────── │ Finish │ ◀───────────────────────────────────────────────────┤ with a previous
//!      │         └────────┘ ◀───────────────┐ in time, and well                 ▼ release and a bake
//!      │   no old pod is left and the       ├───────────────────────────────┌──────┐
//!      │   contract Job succeeded, or       │                               │ Bake │
//!      │   timeout: it has succeeded        │ a person's word     ill, Hold └──┬───┘
//!      │                                 ┌──┴───┐ ◀────────────────────────────┤
//!      │                                 │ Held │                              │ ill; a person's word;
//!      │                                 └──┬───┘                              │ another is wanted
//!      │         ┌──────────┐               │ a person's word                  │ (from Switch on)
//!      └──────── │ Rollback │ ◀─────────────┴──────────────────────────────────┘
//!                └──────────┘  active = previous, at once
//!   servers and workers of the release before are up, or timeout: the release was taken back
//! ```
//!
//! Each phase is one step of the log. A phase looks only at its own facts, so it can be decided again at any time.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    facts::{
        Check, FIRST_RELEASE_RETRY, FIRST_RELEASE_RETRY_LONGEST, Facts, Job, PROVISIONING, Policy, Rollout, Watch,
        Wishes,
    },
    hold::resume,
    state::{HISTORY, Phase, Placed, Release, ReleaseState, Running},
};
use crate::crd::{
    Colour, OnFailure, Promotion, Strategy,
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
    /// A person takes the release back.
    TakenBack(String),
}

/// The state that follows from `state` when `facts` are seen at `now`.
///
/// At most one phase ends in one call, so that each is written down before the next begins.
#[must_use]
pub fn next(state: &ReleaseState, facts: &Facts, policy: &Policy, now: Timestamp) -> ReleaseState {
    let mut state = resume(state.clone(), now);
    state.failed = state.failed.filter(|failed| failed.id == facts.wanted.id);
    state.retried = state.retried.filter(|id| facts.wishes.retry.as_ref() == Some(id));
    state.promoted = state.promoted.filter(|id| facts.wishes.promote.as_ref() == Some(id));
    let Some(running) = state.running.clone() else { return start_if_wanted(state, facts, policy, now) };
    if running.placed.release.id != facts.wanted.id && running.phase != Phase::Rollback {
        let message = format!("release {} was asked for instead", facts.wanted.id);
        return leave(state, running, Outcome::Superseded, &message, now);
    }
    match verdict(&state, &running, facts, policy, now) {
        Verdict::Wait(message) => say(state, message),
        Verdict::Done(message) => {
            let promoted = Wish::of(&state, &running, &facts.wishes) == Wish::Promote;
            let promoted = if promoted { facts.wishes.promote.clone() } else { state.promoted.clone() };
            advance(ReleaseState { promoted, ..state }, learn_schema(running, facts), policy, &message, now)
        }
        Verdict::Failed(message) if running.phase == Phase::Bake && policy.on_failure == OnFailure::Hold => {
            enter(close(state, Outcome::Failed, &message, now), running, Phase::Held, now)
        }
        Verdict::Failed(message) | Verdict::TakenBack(message) => leave(state, running, Outcome::Failed, &message, now),
    }
}

fn verdict(state: &ReleaseState, running: &Running, facts: &Facts, policy: &Policy, now: Timestamp) -> Verdict {
    let late = |since: Phase, limit: Duration| late(state, since, limit, now);
    let said = state.step().map(|step| step.message.as_str()).unwrap_or_default();
    let wish = Wish::of(state, running, &facts.wishes);
    match running.phase {
        Phase::Migrate => migrate(&facts.expand, said, late(Phase::Migrate, policy.migration_timeout)),
        Phase::Start => start(&facts.app, late(Phase::Start, policy.check_timeout)),
        Phase::Check => check(&facts.app, &facts.check, late(Phase::Start, policy.check_timeout)),
        Phase::Promote => promote(&facts.app, &facts.check, wish),
        Phase::Switch => switch(&facts.worker, late(Phase::Switch, policy.check_timeout)),
        Phase::Bake => bake(&facts.watch, wish, late(Phase::Bake, policy.bake)),
        Phase::Held => held(failure(state), wish),
        Phase::Finish => finish(facts, said, late(Phase::Finish, policy.migration_timeout)),
        Phase::Rollback => switch(&facts.active, late(Phase::Rollback, policy.check_timeout)),
    }
}

/// What a person wishes for the release under way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    None,
    Promote,
    Rollback,
}

impl Wish {
    /// Where both stand written, the one that is safe counts. A promotion that counted already must not end the bake too.
    fn of(state: &ReleaseState, running: &Running, wishes: &Wishes) -> Self {
        let names = |wish: &Option<String>| wish.as_ref() == Some(&running.placed.release.id);
        if names(&wishes.rollback) {
            Self::Rollback
        } else if names(&wishes.promote) && state.promoted != wishes.promote {
            Self::Promote
        } else {
            Self::None
        }
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

/// It waits as long as the person takes, and goes on only if it is well then.
fn promote(app: &Rollout, check: &Check, wish: Wish) -> Verdict {
    const WAITS: &str = "waits for the annotation chatbot.platform/promote with its release id";
    match (wish, self::check(app, check, false)) {
        (Wish::Rollback, _) => Verdict::TakenBack("a person took it back".to_owned()),
        (Wish::Promote, Verdict::Done(_)) => Verdict::Done("a person promoted it".to_owned()),
        (Wish::Promote, Verdict::Wait(message)) => Verdict::Wait(format!("promoted, but not well: {message}")),
        _ => Verdict::Wait(WAITS.to_owned()),
    }
}

fn bake(watch: &Watch, wish: Wish, over: bool) -> Verdict {
    const UNKNOWN: &str = "inconclusive: no server could be asked";
    match (wish, watch) {
        (Wish::Rollback, _) => Verdict::TakenBack("a person took it back".to_owned()),
        (_, Watch::Ill { message }) => Verdict::Failed(message.clone()),
        (Wish::Promote, Watch::Well { .. } | Watch::Unknown) => Verdict::Done("a person ended the bake".to_owned()),
        (Wish::None, Watch::Well { message }) if over => Verdict::Done(message.clone()),
        (Wish::None, Watch::Unknown) if over => Verdict::Done(UNKNOWN.to_owned()),
        (Wish::None, Watch::Well { message }) => Verdict::Wait(message.clone()),
        (Wish::None, Watch::Unknown) => Verdict::Wait(UNKNOWN.to_owned()),
    }
}

/// It failed, and serves all the same: onFailure is Hold.
fn held(failure: &str, wish: Wish) -> Verdict {
    match wish {
        Wish::Rollback => Verdict::TakenBack(failure.to_owned()),
        Wish::Promote => Verdict::Done("a person kept it".to_owned()),
        Wish::None => Verdict::Wait(failure.to_owned()),
    }
}

/// What the step before the open one ended with.
fn failure(state: &ReleaseState) -> &str {
    state.steps.iter().rev().nth(1).map(|step| step.message.as_str()).unwrap_or_default()
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

fn start_if_wanted(state: ReleaseState, facts: &Facts, policy: &Policy, now: Timestamp) -> ReleaseState {
    let retry = &facts.wishes.retry;
    let asked_again = retry.as_ref() == Some(&facts.wanted.id) && state.retried != *retry;
    if state.serves(&facts.wanted.id) || (state.failed.is_some() && !asked_again && !has_rested(&state, now)) {
        return state;
    }
    let retried = if state.failed.is_some() && asked_again { retry.clone() } else { state.retried.clone() };
    begin(ReleaseState { retried, ..state }, &facts.wanted, policy.strategy, now)
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

fn begin(state: ReleaseState, wanted: &Release, strategy: Strategy, now: Timestamp) -> ReleaseState {
    let colour = match (state.active.as_ref().map(|active| active.colour), strategy) {
        (None, _) => Colour::Blue,
        (Some(colour), Strategy::Rolling) => colour,
        (Some(colour), Strategy::BlueGreen) => colour.other(),
    };
    let placed = Placed { release: wanted.clone(), colour, schema: None };
    let running = Running { placed, phase: Phase::Migrate, started_at: now };
    ReleaseState { running: Some(running), steps: vec![opened(Phase::Migrate, now)], failed: None, ..state }
}

fn advance(state: ReleaseState, running: Running, policy: &Policy, message: &str, now: Timestamp) -> ReleaseState {
    let to = match running.phase {
        Phase::Migrate => Phase::Start,
        Phase::Start => Phase::Check,
        Phase::Check if waits_for_promotion(&state, &running, policy) => Phase::Promote,
        Phase::Check | Phase::Promote => Phase::Switch,
        Phase::Switch if state.previous.is_some() && !policy.bake.is_zero() => Phase::Bake,
        Phase::Switch | Phase::Bake | Phase::Held => Phase::Finish,
        Phase::Finish => return end(state, running, Outcome::Succeeded, message, now),
        Phase::Rollback => return taken_back(state, running, message, now),
    };
    enter(close(state, Outcome::Succeeded, message, now), running, to, now)
}

/// A Rolling release has replaced the active one's pods by the time it is checked: nothing is left to wait for.
fn waits_for_promotion(state: &ReleaseState, running: &Running, policy: &Policy) -> bool {
    let is_beside = state.active.as_ref().is_none_or(|active| active.colour != running.placed.colour);
    policy.promotion == Promotion::Manual && is_beside
}

/// Begins a phase, and moves the traffic where that is what the phase does.
fn enter(state: ReleaseState, running: Running, to: Phase, now: Timestamp) -> ReleaseState {
    let ReleaseState { active, previous, mut steps, .. } = state.clone();
    let (active, previous) = match to {
        Phase::Switch => {
            let beside = active.filter(|active| active.colour != running.placed.colour);
            (Some(running.placed.clone()), beside)
        }
        // The schema is as the release left it, and the one before works with it.
        Phase::Rollback => {
            let schema = running.placed.schema.clone();
            (previous.map(|previous| Placed { schema: schema.or(previous.schema.clone()), ..previous }), None)
        }
        Phase::Finish => (active, None),
        Phase::Migrate | Phase::Start | Phase::Check | Phase::Promote | Phase::Bake | Phase::Held => (active, previous),
    };
    steps.push(opened(to, now));
    ReleaseState { active, previous, steps, running: Some(Running { phase: to, ..running }), ..state }
}

/// Leaves the release under way unfinished: it is discarded before it got the traffic, and taken back after, as long as the
/// release before is ready to serve. Where that is gone, being left only cuts the tidying short.
fn leave(state: ReleaseState, running: Running, outcome: Outcome, message: &str, now: Timestamp) -> ReleaseState {
    if running.phase.before_switch() {
        return end(state, running, outcome, message, now);
    }
    if state.previous.is_some() {
        return enter(close(state, outcome, message, now), running, Phase::Rollback, now);
    }
    remember(close(state, outcome, message, now), running, Outcome::Succeeded, message, now)
}

/// Ends a release that was taken back, with the words of the step that it failed in.
fn taken_back(state: ReleaseState, running: Running, message: &str, now: Timestamp) -> ReleaseState {
    let cause = state.steps.iter().rev().nth(1).cloned();
    let (outcome, why) = match cause {
        Some(Step { outcome: Outcome::Superseded, message, .. }) => (Outcome::Superseded, message),
        Some(Step { message, .. }) => (Outcome::RolledBack, message),
        None => (Outcome::RolledBack, String::new()),
    };
    let failed_in = state.steps.iter().rev().nth(1).map_or(running.phase.shown(), |step| step.name);
    let state = close(state, Outcome::Succeeded, message, now);
    let failed = (outcome == Outcome::RolledBack).then(|| FailedRelease {
        id: running.placed.release.id.clone(),
        at: Time(now),
        phase: failed_in,
        reason: reasons::ROLLED_BACK.to_owned(),
        message: why.clone(),
    });
    remember(ReleaseState { failed, ..state }, running, outcome, &why, now)
}

/// Ends a release in the step that is under way.
fn end(state: ReleaseState, running: Running, outcome: Outcome, message: &str, now: Timestamp) -> ReleaseState {
    let state = close(state, outcome, message, now);
    let failed = (outcome == Outcome::Failed).then(|| failed(&running, message, now)).or(state.failed.clone());
    remember(ReleaseState { failed, ..state }, running, outcome, message, now)
}

fn remember(
    mut state: ReleaseState,
    running: Running,
    outcome: Outcome,
    message: &str,
    now: Timestamp,
) -> ReleaseState {
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
        Phase::Promote => reasons::ROLLED_BACK,
        Phase::Start | Phase::Check | Phase::Switch | Phase::Bake | Phase::Held | Phase::Finish | Phase::Rollback => {
            reasons::CHECK_TIMED_OUT
        }
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
