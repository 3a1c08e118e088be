//! Which release begins when none is under way: the one that the spec asks for, or a past one at a person's wish.

use jiff::Timestamp;

use super::{
    facts::{Backup, FIRST_RELEASE_RETRY, FIRST_RELEASE_RETRY_LONGEST, Facts, Policy},
    record::{left, opened},
    state::{Phase, Placed, Release, ReleaseState, Running},
};
use crate::crd::{
    Colour, Strategy,
    environment_status::{Outcome, PastRelease},
    reasons,
};

pub(super) fn begin_if_wanted(state: ReleaseState, facts: &Facts, policy: &Policy, now: Timestamp) -> ReleaseState {
    let state = count_what_is_so(state, facts);
    if let Some(target) = to_return_to(&state, facts) {
        return begin_return(state, target, facts, policy, now);
    }
    let retry = &facts.wishes.retry;
    let asked_again = retry.as_ref() == Some(&facts.wanted.id) && state.retried != *retry;
    if state.serves(&facts.wanted.id) || (state.failed.is_some() && !asked_again && !has_rested(&state, now)) {
        return state;
    }
    let retried = if state.failed.is_some() && asked_again { retry.clone() } else { state.retried.clone() };
    // A word that stands written since before it began does not mean it.
    let rollback = facts.wishes.rollback.as_ref().filter(|id| **id == facts.wanted.id);
    let rolled_back = rollback.cloned().or(state.rolled_back.clone());
    begin(ReleaseState { retried, rolled_back, failed: None, ..state }, &facts.wanted, policy, now)
}

/// A wish for the release that serves already is fulfilled.
fn count_what_is_so(state: ReleaseState, facts: &Facts) -> ReleaseState {
    match &facts.wishes.rollback_to {
        Some(to) if state.serves(to) => ReleaseState { returned: Some(to.clone()), ..state },
        _ => state,
    }
}

/// The past release that a person asks for by its id, or by taking back the one that serves.
fn to_return_to<'a>(state: &ReleaseState, facts: &'a Facts) -> Option<&'a Release> {
    let wishes = &facts.wishes;
    let to = wishes.rollback_to.as_ref().filter(|to| state.returned.as_ref() != Some(to));
    if let Some(past) = to.and_then(|to| facts.past.iter().find(|past| past.id == *to)) {
        return Some(past);
    }
    let leaves = wishes.rollback.as_ref().filter(|id| state.serves(id) && state.rolled_back.as_ref() != Some(id));
    leaves.and_then(|_| facts.past.first())
}

/// The spec stays as it is: what it asks for is marked, and does not come back until it changes or a person retries it.
fn begin_return(state: ReleaseState, target: &Release, facts: &Facts, policy: &Policy, now: Timestamp) -> ReleaseState {
    let is_wanted = target.id == facts.wanted.id;
    let failed = if is_wanted { None } else { state.failed.clone().or_else(|| Some(left(&facts.wanted.id, now))) };
    let (rolled_back, returned) = (facts.wishes.rollback.clone(), facts.wishes.rollback_to.clone());
    begin(ReleaseState { failed, rolled_back, returned, ..state }, target, policy, now)
}

/// Whether a release that failed is tried again by itself: while none serves, nobody is protected by not trying.
fn has_rested(state: &ReleaseState, now: Timestamp) -> bool {
    let none_serves = state.active.is_none();
    let Some(failed) = state.failed.as_ref().filter(|failed| none_serves && failed.reason != reasons::ROLLED_BACK)
    else {
        return false;
    };
    let is_same = |past: &&PastRelease| past.id == failed.id && past.outcome == Outcome::Failed;
    let earlier = state.history.iter().take_while(is_same).skip(1);
    let pause = earlier.fold(FIRST_RELEASE_RETRY, |pause, _| (pause * 2).min(FIRST_RELEASE_RETRY_LONGEST));
    let pause = i64::try_from(pause.as_secs()).unwrap_or(i64::MAX);
    now.as_second().saturating_sub(failed.at.0.as_second()) >= pause
}

fn begin(state: ReleaseState, release: &Release, policy: &Policy, now: Timestamp) -> ReleaseState {
    let colour = match (state.active.as_ref().map(|active| active.colour), policy.strategy) {
        (None, _) => Colour::Blue,
        (Some(colour), Strategy::Rolling) => colour,
        (Some(colour), Strategy::BlueGreen) => colour.other(),
    };
    let phase = if policy.backup == Backup::No { Phase::Migrate } else { Phase::Backup };
    let placed = Placed { release: release.clone(), colour, schema: None };
    let running = Running { placed, phase, started_at: now };
    ReleaseState { running: Some(running), steps: vec![opened(phase, now)], discounted: None, ..state }
}
