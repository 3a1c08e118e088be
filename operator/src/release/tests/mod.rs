//! The state machine, without a cluster: each state and fact in a table, and what holds for every order of facts.

mod blue_green;
mod clock;
mod properties;
mod returning;
mod rolling;
mod undoing;

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Backup, Check, Facts, Job, Phase, Placed, Policy, Release, ReleaseState, Report, Requests, Rollout, Watch, Wishes,
    next,
};
use crate::crd::{Colour, OnFailure, OnRollback, Promotion, Strategy, environment_status::Outcome};

const ROLLING: Policy = Policy {
    strategy: Strategy::Rolling,
    promotion: Promotion::Automatic,
    bake: Duration::from_hours(1),
    on_failure: OnFailure::Rollback,
    backup: Backup::IfPossible,
    on_rollback: OnRollback::WhenLossless,
    check_timeout: Duration::from_mins(10),
    migration_timeout: Duration::from_mins(30),
    drain_timeout: Duration::from_mins(10),
};

const BLUE_GREEN: Policy = Policy { strategy: Strategy::BlueGreen, ..ROLLING };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn release(id: &str) -> Release {
    Release { id: id.to_owned(), image: format!("chatbot:{id}") }
}

fn placed(id: &str) -> Placed {
    Placed { release: release(id), colour: Colour::Blue, schema: None }
}

fn pending(message: &str) -> Rollout {
    Rollout::Pending { message: message.to_owned() }
}

fn failed_job(at_second: i64) -> Job {
    Job::Failed { at: at(at_second), message: "relation users exists".to_owned() }
}

fn succeeded(schema: &str, message: &str) -> Job {
    let schema = Some(schema.to_owned()).filter(|schema| !schema.is_empty());
    Job::Succeeded(Report { schema, message: message.to_owned(), ..Report::default() })
}

/// Nothing has happened for the wanted release.
fn nothing_yet(wanted: &str) -> Facts {
    Facts {
        wanted: release(wanted),
        wishes: Wishes::default(),
        past: Vec::new(),
        backup: Job::Absent,
        restored: false,
        expand: Job::Absent,
        contract: Job::Absent,
        downgrade: Job::Absent,
        cannot_start: None,
        app: pending("0 of 1 pods are available"),
        worker: pending("0 of 1 pods are available"),
        check: Check::Unknown,
        watch: Watch::Unknown,
        requests: Some(Requests::default()),
        serving: pending("0 of 1 servers are up"),
        previous: pending("0 of 1 servers are up"),
        active: pending("0 of 1 pods are available"),
        old_pods: 0,
        own_pods: 0,
    }
}

/// Everything that a release waits for has happened.
fn all_well(wanted: &str) -> Facts {
    Facts {
        backup: succeeded("", "12 MiB"),
        expand: succeeded("20260101000000", ""),
        contract: succeeded("", ""),
        downgrade: succeeded("20250101000000", "reverted 1 migration"),
        app: Rollout::Complete,
        worker: Rollout::Complete,
        check: Check::Passed,
        watch: Watch::Well { message: "1000 requests".to_owned() },
        serving: Rollout::Complete,
        previous: Rollout::Complete,
        active: Rollout::Complete,
        ..nothing_yet(wanted)
    }
}

fn serving(id: &str) -> ReleaseState {
    let schema = Some("20250101000000".to_owned());
    ReleaseState { active: Some(Placed { schema, ..placed(id) }), ..ReleaseState::default() }
}

/// `new` is released over `old`, and has just entered the phase at second 0.
fn releasing(policy: &Policy, phase: Phase) -> ReleaseState {
    let mut state = next(&serving("old"), &nothing_yet("new"), policy, at(0));
    while state.running.as_ref().unwrap().phase != phase {
        state = next(&state, &all_well("new"), policy, at(0));
    }
    state
}

/// The state in which nothing is under way any more, once everything else went well.
fn settled(mut state: ReleaseState, wanted: &str, policy: &Policy, now: i64) -> ReleaseState {
    while state.running.is_some() {
        state = next(&state, &all_well(wanted), policy, at(now));
    }
    state
}

/// The phases that a release passes when all is well, each look a second after the one before.
fn road(policy: &Policy, from: &ReleaseState) -> (Vec<Phase>, ReleaseState) {
    let mut state = next(from, &nothing_yet("new"), policy, at(0));
    let mut road = Vec::new();
    while let Some(phase) = phase(&state) {
        road.push(phase);
        state = next(&state, &all_well("new"), policy, at(i64::try_from(road.len()).unwrap()));
    }
    (road, state)
}

fn phase(state: &ReleaseState) -> Option<Phase> {
    state.running.as_ref().map(|running| running.phase)
}

fn active(state: &ReleaseState) -> Option<&str> {
    state.active.as_ref().map(|active| active.release.id.as_str())
}

/// What a test says about the state after one step: phase, active release, and how the log's last step ended.
fn told(state: &ReleaseState) -> (Option<Phase>, Option<&str>, Outcome) {
    (phase(state), active(state), state.steps.last().unwrap().outcome)
}
