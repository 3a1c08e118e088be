//! While a release is not advanced, its clock stands still: time in which nobody worked on it counts for no deadline.

use jiff::Timestamp;

use super::state::ReleaseState;
use crate::crd::environment_status::Outcome;

/// The state of an environment in which nothing is advanced at `now`, because it is suspended, paused or lacks something.
#[must_use]
pub fn hold(state: &ReleaseState, now: Timestamp) -> ReleaseState {
    let held_since = state.running.as_ref().map(|_| state.held_since.unwrap_or(now));
    ReleaseState { held_since, ..state.clone() }
}

/// The state that goes on at `now`; the open step remembers how long it stood still.
pub(super) fn resume(mut state: ReleaseState, now: Timestamp) -> ReleaseState {
    let Some(since) = state.held_since.take() else { return state };
    let seconds = now.as_second().saturating_sub(since.as_second()).max(0);
    if let Some(step) = state.steps.last_mut().filter(|step| step.outcome == Outcome::Running) {
        step.held_seconds = Some(step.held_seconds.unwrap_or(0).saturating_add(seconds)).filter(|held| *held > 0);
    }
    state
}
