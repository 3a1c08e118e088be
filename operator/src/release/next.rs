//! The state machine of a release.
//!
//! ```text
//!              wanted ≠ active, and it has not failed (or a person asks to retry it, or none serves yet and it rested);
//!              or a person returns to a past release
//!   ┌──────┐ ──────────────────────────▶ ┌────────┐ backed up, or   ┌─────────┐ Job        ┌───────┐
//!   │ idle │                             │ Backup │ ──────────────▶ │ Migrate │ ─────────▶ │ Start │
//!   └──────┘                             └───┬────┘ not possible    └────┬────┘ succeeded  └───┬───┘
//!      ▲                                     │                           │                     │ every server is of
//!      │ nothing was touched                 │                           │                     ▼ this release, available
//!      ├─────────────────────────────────────┘                           │                 ┌───────┐
//!      │                 timeout, a person's word, another is wanted     │                 │ Check │
//!      │               ┌─────────────────────────────────────────────────┴──────┬──────────┴───┬───┘
//!      │               ▼                                                        │              │ passed
//!      │         ┌─────────┐                                               ┌────┴────┐  Manual │
//!      ├──────── │ Discard │  the candidate's pods go; then its schema,    │ Promote │ ◀───────┤
//!      │         └─────────┘  where that loses nothing                     └────┬────┘         │ Automatic, or Rolling
//!      │               ▲                                          a person's    │              ▼
//!      │               │ servers and workers of the release       word          └────────▶ ┌────────┐ active = candidate
//!      │               │ before are up, or timeout                                         │ Switch │ previous = active
//!      │         ┌─────┴────┐                                                              └───┬────┘ (BlueGreen)
//!      │         │ Rollback │ ◀────────────────────────────────────────────────────────────────┤
//!      │         └──────────┘  active = previous, at once;                                     │ workers are up
//!      │               ▲       ill, a person's word, another is wanted                         │
//!      │               │                                                                       ▼ with a previous and a bake
//!      │               │ a person's word        ┌──────┐  ill, and onFailure is Hold       ┌──────┐
//!      │               ├─────────────────────── │ Held │ ◀──────────────────────────────── │ Bake │
//!      │               │                        └──┬───┘                                   └───┬──┘
//!      │               └───────────────────────────│───────────────────────────────────────────┤ ill, and it is Rollback
//!      │         ┌────────┐  a person's word       │                                           │
//!      └──────── │ Finish │ ◀──────────────────────┴───────────────────────────────────────────┘ in time, and well
//!                └────────┘  no old pod is left and the contract Job succeeded, or timeout: it has succeeded
//! ```
//!
//! Each phase is one step of the log. What a phase makes of its facts stands in `verdict`, what the log keeps in `record`, and
//! which release begins in `begin`; here is how one phase follows another, and where the traffic goes.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    begin::begin_if_wanted,
    facts::{Facts, Job, Policy, Rollout, Watch},
    hold::resume,
    record::{close, opened, released, say, undone},
    state::{Phase, ReleaseState, Requests, Running},
    verdict::{OUTAGE, Verdict, Wish, can_return, late, verdict},
};
use crate::crd::{OnFailure, OnRollback, Promotion, environment_status::Outcome};

/// The state that follows from `state` when `facts` are seen at `now`.
///
/// At most one phase ends in one call, so that each is written down before the next begins.
#[must_use]
pub fn next(state: &ReleaseState, facts: &Facts, policy: &Policy, now: Timestamp) -> ReleaseState {
    let state = discount(forget(resume(wind(state.clone(), now), now), facts), facts);
    let Some(running) = state.running.clone() else { return begin_if_wanted(state, facts, policy, now) };
    if is_superseded(&state, &running, facts) {
        let message = format!("release {} was asked for instead", facts.wanted.id);
        if let Some(why) = keeps_way_back(&state, &running, facts, policy, now) {
            return say(state, format!("{message}; {why}"));
        }
        return leave(state, running, facts, policy, (Outcome::Superseded, &message), now);
    }
    match verdict(&state, &running, facts, policy, now) {
        Verdict::Wait(message) => say(state, message),
        Verdict::Done(message) => {
            let state = close(count_promotion(state, &running, facts), Outcome::Succeeded, &message, now);
            advance(learn_schema(state, &running, facts), running, facts, policy, now)
        }
        Verdict::Skipped(message) => {
            advance(close(state, Outcome::Skipped, &message, now), running, facts, policy, now)
        }
        Verdict::Failed(message) if running.phase.is_watched() && policy.on_failure == OnFailure::Hold => {
            enter(close(state, Outcome::Failed, &message, now), running, Phase::Held, now)
        }
        Verdict::Failed(message) => leave(state, running, facts, policy, (Outcome::Failed, &message), now),
        Verdict::TakenBack(message) => {
            let state = ReleaseState { rolled_back: facts.wishes.rollback.clone(), ..state };
            leave(state, running, facts, policy, (Outcome::Failed, &message), now)
        }
    }
}

/// A mark holds for as long as the spec asks for the release, and a wish that was fulfilled is remembered while it stands written.
fn forget(mut state: ReleaseState, facts: &Facts) -> ReleaseState {
    let wishes = &facts.wishes;
    // What serves, with nothing on its way, has not failed: a person came back to it.
    let serves = |id: &str| state.running.is_none() && state.active.as_ref().is_some_and(|it| it.release.id == id);
    state.failed = state.failed.take().filter(|failed| failed.id == facts.wanted.id && !serves(&failed.id));
    state.retried = state.retried.filter(|id| wishes.retry.as_ref() == Some(id));
    state.promoted = state.promoted.filter(|id| wishes.promote.as_ref() == Some(id));
    state.rolled_back = state.rolled_back.filter(|id| wishes.rollback.as_ref() == Some(id));
    state.returned = state.returned.filter(|id| wishes.rollback_to.as_ref() == Some(id));
    state
}

/// What was answered before the release had the traffic, and in an outage that both releases see, up to the first look after it,
/// speaks neither for it nor against it.
fn discount(mut state: ReleaseState, facts: &Facts) -> ReleaseState {
    let is_watched = state.running.as_ref().is_some_and(|running| running.phase.is_watched());
    // Where a server could not be asked, its part of the sum is missing.
    let Some(seen) = facts.requests.filter(|_| is_watched) else { return state };
    let was_out = state.step().is_some_and(|step| step.message.starts_with(OUTAGE));
    state.discounted = Some(match state.discounted {
        _ if was_out || matches!(facts.watch, Watch::Outage { .. }) => Requests { in_outage: true, ..seen },
        // Servers that ended take their counts with them.
        Some(known) => Requests { all: known.all.min(seen.all), failed: known.failed.min(seen.failed), ..known },
        None => seen,
    });
    state
}

/// What began in the future was begun by a clock that was wrong: it begins now.
fn wind(mut state: ReleaseState, now: Timestamp) -> ReleaseState {
    for step in state.steps.iter_mut().filter(|step| step.started_at.0 > now) {
        step.started_at = Time(now);
    }
    state
}

/// Why a release that another is wanted for keeps the traffic for now: the release before is about to be ready again, and could be
/// given up for ever. No longer than that may take after the switch.
fn keeps_way_back(
    state: &ReleaseState,
    running: &Running,
    facts: &Facts,
    policy: &Policy,
    now: Timestamp,
) -> Option<String> {
    let is_watched = running.phase.is_watched() && state.previous.is_some();
    let Rollout::Pending { message } = &facts.previous else { return None };
    let lasts = !late(state, Phase::Switch, policy.check_timeout, now);
    (is_watched && lasts).then(|| format!("it begins when the release before can be gone back to: {message}"))
}

/// Another release is wanted. What is being undone is undone to its end first, and what a person returns to is not what the
/// spec asks for.
fn is_superseded(state: &ReleaseState, running: &Running, facts: &Facts) -> bool {
    let is_undone = matches!(running.phase, Phase::Rollback | Phase::Discard);
    running.placed.release.id != facts.wanted.id && !is_undone && !state.is_returning()
}

/// The word that let a release go on must not end its bake too.
fn count_promotion(state: ReleaseState, running: &Running, facts: &Facts) -> ReleaseState {
    let waits_for_it = matches!(running.phase, Phase::Promote | Phase::Bake | Phase::Held);
    let promoted = waits_for_it && Wish::of(&state, running, facts) == Wish::Promote;
    let promoted = if promoted { facts.wishes.promote.clone() } else { state.promoted.clone() };
    ReleaseState { promoted, ..state }
}

/// The migration says which schema it reached; nobody else knows it.
fn learn_schema(mut state: ReleaseState, running: &Running, facts: &Facts) -> ReleaseState {
    if let (Phase::Migrate, Job::Succeeded(report), Some(running)) = (running.phase, &facts.expand, &mut state.running)
    {
        running.placed.schema.clone_from(&report.schema);
    }
    state
}

fn advance(state: ReleaseState, running: Running, facts: &Facts, policy: &Policy, now: Timestamp) -> ReleaseState {
    let running = state.running.clone().unwrap_or(running);
    let to = match running.phase {
        Phase::Backup => Phase::Migrate,
        Phase::Migrate => Phase::Start,
        Phase::Start => Phase::Check,
        Phase::Check if waits_for_promotion(&state, &running, policy) => Phase::Promote,
        Phase::Check | Phase::Promote => Phase::Switch,
        Phase::Switch if state.previous.is_some() && !policy.bake.is_zero() => Phase::Bake,
        Phase::Switch | Phase::Bake | Phase::Held => Phase::Finish,
        Phase::Finish => return finished(state, running, facts, now),
        Phase::Rollback if schema_goes_back(&state, policy) => Phase::Discard,
        Phase::Rollback | Phase::Discard => return undone(state, running, now),
    };
    enter(state, running, to, now)
}

/// A Rolling release has replaced the active one's pods by the time it is checked: nothing is left to wait for.
fn waits_for_promotion(state: &ReleaseState, running: &Running, policy: &Policy) -> bool {
    let is_beside = state.active.as_ref().is_none_or(|active| active.colour != running.placed.colour);
    policy.promotion == Promotion::Manual && is_beside
}

fn finished(state: ReleaseState, running: Running, facts: &Facts, now: Timestamp) -> ReleaseState {
    let message = state.steps.last().map(|step| step.message.clone()).unwrap_or_default();
    released(state, running, Outcome::Succeeded, may_have_contracted(facts), &message, now)
}

/// Of a Job that has not ended well nobody knows what it did.
fn may_have_contracted(facts: &Facts) -> bool {
    match &facts.contract {
        Job::Absent => false,
        Job::Succeeded(report) => report.lost || report.migrations > 0,
        Job::Running { .. } | Job::Failed { .. } => true,
    }
}

/// Begins a phase, and moves the traffic where that is what the phase does.
fn enter(state: ReleaseState, running: Running, to: Phase, now: Timestamp) -> ReleaseState {
    let ReleaseState { active, previous, mut steps, .. } = state.clone();
    let (active, previous) = match to {
        Phase::Switch => {
            let beside = active.filter(|active| active.colour != running.placed.colour);
            (Some(running.placed.clone()), beside)
        }
        // The schema that the release before needs is its own, whatever else there is by now.
        Phase::Rollback => (previous, None),
        Phase::Finish => (active, None),
        Phase::Backup
        | Phase::Migrate
        | Phase::Start
        | Phase::Check
        | Phase::Promote
        | Phase::Bake
        | Phase::Held
        | Phase::Discard => (active, previous),
    };
    steps.push(opened(to, now));
    ReleaseState { active, previous, steps, running: Some(Running { phase: to, ..running }), ..state }
}

/// Leaves the release under way unfinished: it is discarded before it got the traffic, and taken back after, as long as the
/// release before is ready to serve. Where that is gone, being left only cuts the tidying short.
fn leave(
    state: ReleaseState,
    running: Running,
    facts: &Facts,
    policy: &Policy,
    (outcome, message): (Outcome, &str),
    now: Timestamp,
) -> ReleaseState {
    let state = close(state, outcome, message, now);
    if running.phase.before_switch() && leaves_no_trace(&state, &running, policy) {
        undone(state, running, now)
    } else if running.phase.before_switch() {
        enter(state, running, Phase::Discard, now)
    } else if can_return(&state, facts) {
        enter(state, running, Phase::Rollback, now)
    } else {
        // In Finish it had proved itself; before that nobody can say.
        let outcome = if running.phase == Phase::Finish { Outcome::Succeeded } else { outcome };
        released(state, running, outcome, may_have_contracted(facts), message, now)
    }
}

/// Nothing was migrated yet, or the schema stays, or nobody serves who could mind what became of it.
fn leaves_no_trace(state: &ReleaseState, running: &Running, policy: &Policy) -> bool {
    running.phase == Phase::Backup || !schema_goes_back(state, policy)
}

/// Of a release whose schema is not known nobody can say what it needs.
fn schema_goes_back(state: &ReleaseState, policy: &Policy) -> bool {
    policy.on_rollback != OnRollback::Never && state.active.as_ref().is_some_and(|active| active.schema.is_some())
}
