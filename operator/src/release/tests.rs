use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{
    Check, Facts, Job, JobRun, Phase, Placed, Policy, Release, ReleaseState, Rollout, Running, facts::JOB_RETRY, hold,
    layout, next, state::HISTORY,
};
use crate::{
    crd::{
        ChatbotEnvironmentStatus, Colour,
        environment_status::{Candidate, Outcome, ReleaseStatus},
    },
    resources::{labels::Component, migration_job::Migration},
};

const POLICY: Policy = Policy { check_timeout: Duration::from_mins(10), migration_timeout: Duration::from_mins(30) };

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

/// Nothing has happened for the wanted release.
fn nothing_yet(wanted: &str) -> Facts {
    Facts {
        wanted: release(wanted),
        retry: None,
        expand: Job::Absent,
        contract: Job::Absent,
        app: pending("0 of 1 pods are available"),
        worker: pending("0 of 1 pods are available"),
        check: Check::Unknown,
        old_pods: 0,
    }
}

/// Everything that a release waits for has happened.
fn all_well(wanted: &str) -> Facts {
    Facts {
        expand: Job::Succeeded { schema: Some("20260101000000".to_owned()) },
        contract: Job::Succeeded { schema: None },
        app: Rollout::Complete,
        worker: Rollout::Complete,
        check: Check::Passed,
        ..nothing_yet(wanted)
    }
}

fn serving(id: &str) -> ReleaseState {
    ReleaseState { active: Some(placed(id)), ..ReleaseState::default() }
}

/// `new` is released over `old`, and has just entered the phase at second 0.
fn releasing(phase: Phase) -> ReleaseState {
    let mut state = next(&serving("old"), &nothing_yet("new"), &POLICY, at(0));
    while state.running.as_ref().unwrap().phase != phase {
        state = next(&state, &all_well("new"), &POLICY, at(0));
    }
    state
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

#[test]
fn the_first_release_takes_the_same_road() {
    let mut state = next(&ReleaseState::default(), &nothing_yet("one"), &POLICY, at(0));
    let mut road = Vec::new();
    while let Some(phase) = phase(&state) {
        road.push(phase);
        state = next(&state, &all_well("one"), &POLICY, at(i64::try_from(road.len()).unwrap()));
    }
    assert_eq!(road, Phase::ALL);
    assert_eq!(active(&state), Some("one"));
    assert_eq!(state.active.as_ref().unwrap().schema.as_deref(), Some("20260101000000"));
    assert!(state.steps.iter().all(|step| step.outcome == Outcome::Succeeded && step.finished_at.is_some()));
    assert_eq!(state.history[0].outcome, Outcome::Succeeded);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn every_phase_moves_only_by_its_own_fact() {
    use Outcome::{Running as Open, Succeeded};
    use Phase::{Check as Checking, Finish, Migrate, Start, Switch};
    let well = || all_well("new");
    let failing = || Check::Failing { message: "redis is down".to_owned() };
    let running = || Job::Running { message: String::new() };
    let cases = [
        ("no Job yet", Migrate, Facts { expand: Job::Absent, ..well() }, (Some(Migrate), Some("old"), Open)),
        ("the Job runs", Migrate, Facts { expand: running(), ..well() }, (Some(Migrate), Some("old"), Open)),
        ("the Job failed", Migrate, Facts { expand: failed_job(0), ..well() }, (Some(Migrate), Some("old"), Open)),
        (
            "the Job succeeded",
            Migrate,
            Facts { expand: well().expand, ..nothing_yet("new") },
            (Some(Start), Some("old"), Open),
        ),
        ("servers start", Start, Facts { app: pending(""), ..well() }, (Some(Start), Some("old"), Open)),
        (
            "servers are up",
            Start,
            Facts { app: Rollout::Complete, ..nothing_yet("new") },
            (Some(Checking), Some("old"), Open),
        ),
        ("nobody was asked", Checking, Facts { check: Check::Unknown, ..well() }, (Some(Checking), Some("old"), Open)),
        ("a server is ill", Checking, Facts { check: failing(), ..well() }, (Some(Checking), Some("old"), Open)),
        ("a server is gone", Checking, Facts { app: pending(""), ..well() }, (Some(Checking), Some("old"), Open)),
        (
            "the check passed",
            Checking,
            Facts { app: Rollout::Complete, check: Check::Passed, ..nothing_yet("new") },
            (Some(Switch), Some("new"), Open),
        ),
        ("workers start", Switch, Facts { worker: pending(""), ..well() }, (Some(Switch), Some("new"), Open)),
        (
            "servers fall ill",
            Switch,
            Facts { check: failing(), app: pending(""), ..well() },
            (Some(Finish), Some("new"), Open),
        ),
        (
            "workers are up",
            Switch,
            Facts { worker: Rollout::Complete, ..nothing_yet("new") },
            (Some(Finish), Some("new"), Open),
        ),
        (
            "old pods drain",
            Finish,
            Facts { contract: Job::Absent, old_pods: 2, ..well() },
            (Some(Finish), Some("new"), Open),
        ),
        ("contract not begun", Finish, Facts { contract: Job::Absent, ..well() }, (Some(Finish), Some("new"), Open)),
        ("contract runs", Finish, Facts { contract: running(), ..well() }, (Some(Finish), Some("new"), Open)),
        ("contract failed", Finish, Facts { contract: failed_job(0), ..well() }, (Some(Finish), Some("new"), Open)),
        (
            "contract succeeded",
            Finish,
            Facts { contract: well().contract, ..nothing_yet("new") },
            (None, Some("new"), Succeeded),
        ),
    ];
    for (name, phase, facts, expected) in cases {
        assert_eq!(told(&next(&releasing(phase), &facts, &POLICY, at(1))), expected, "{name}");
    }
}

#[test]
fn a_deadline_before_switch_discards_the_candidate_and_one_after_it_only_says_so() {
    let cases = [
        (Phase::Migrate, 1800, Some("old"), Outcome::Failed),
        (Phase::Start, 600, Some("old"), Outcome::Failed),
        (Phase::Check, 600, Some("old"), Outcome::Failed),
        (Phase::Finish, 1800, Some("new"), Outcome::Succeeded),
    ];
    for (phase, limit, expected_active, outcome) in cases {
        let waiting = releasing(phase);
        let before = next(&waiting, &nothing_yet("new"), &POLICY, at(limit - 1));
        assert!(before.running.is_some(), "{phase:?} ended too soon");
        let after = next(&waiting, &nothing_yet("new"), &POLICY, at(limit));
        assert_eq!(told(&after), (None, expected_active, outcome), "{phase:?}");
        assert_eq!(after.failed.is_some(), outcome == Outcome::Failed, "{phase:?}");
    }
    let late_workers = next(&releasing(Phase::Switch), &nothing_yet("new"), &POLICY, at(600));
    assert_eq!(told(&late_workers), (Some(Phase::Finish), Some("new"), Outcome::Running));
}

#[test]
fn start_and_check_share_one_deadline() {
    let started = releasing(Phase::Start);
    let checking = next(&started, &all_well("new"), &POLICY, at(500));
    let failing = Facts { check: Check::Failing { message: "redis is down".to_owned() }, ..all_well("new") };
    let failed = next(&checking, &failing, &POLICY, at(600));
    assert_eq!(failed.failed.unwrap().message, "timed out: redis is down");
}

#[test]
fn time_in_which_a_release_is_not_advanced_counts_for_no_deadline() {
    let cases = [(Phase::Migrate, 1800), (Phase::Start, 600), (Phase::Check, 600), (Phase::Finish, 1800)];
    for (phase, limit) in cases {
        let held = hold(&hold(&releasing(phase), at(100)), at(5000));
        let resumed = next(&held, &nothing_yet("new"), &POLICY, at(10_100));
        assert_eq!(resumed.held_since, None, "{phase:?}");
        assert_eq!(resumed.steps.last().unwrap().held_seconds, Some(10_000), "{phase:?}");
        let soon = next(&resumed, &nothing_yet("new"), &POLICY, at(10_000 + limit - 1));
        assert!(soon.running.is_some(), "{phase:?} ended too soon");
        let late = next(&resumed, &nothing_yet("new"), &POLICY, at(10_000 + limit));
        assert_eq!(late.running, None, "{phase:?}");
    }
    let held = hold(&releasing(Phase::Start), at(100));
    let checking = next(&held, &all_well("new"), &POLICY, at(1100));
    assert_eq!(phase(&next(&checking, &nothing_yet("new"), &POLICY, at(1599))), Some(Phase::Check), "held in Start");
    assert_eq!(hold(&serving("old"), at(5)), serving("old"), "nothing is under way");
}

#[test]
fn a_first_release_that_failed_is_tried_again_after_pauses_that_grow() {
    let (mut state, mut now) = (ReleaseState::default(), 0);
    for minutes in [5, 10, 20, 30, 30] {
        state = next(&state, &nothing_yet("one"), &POLICY, at(now));
        assert_eq!(phase(&state), Some(Phase::Migrate), "before a pause of {minutes} minutes");
        now += 1800;
        state = next(&state, &nothing_yet("one"), &POLICY, at(now));
        assert!(state.failed.is_some());
        now += minutes * 60;
        assert_eq!(next(&state, &nothing_yet("one"), &POLICY, at(now - 1)), state, "within {minutes} minutes");
    }
    let other = next(&state, &nothing_yet("two"), &POLICY, at(now - 1));
    assert_eq!(phase(&other), Some(Phase::Migrate), "another release need not wait");
}

#[test]
fn a_new_spec_discards_the_candidate_before_it_starts_anew() {
    for phase in Phase::ALL {
        let discarded = next(&releasing(phase), &all_well("newer"), &POLICY, at(5));
        assert_eq!(discarded.running, None, "{phase:?}");
        assert_eq!(discarded.failed, None, "{phase:?}");
        let (outcome, serves) =
            if phase.before_switch() { (Outcome::Superseded, "old") } else { (Outcome::Succeeded, "new") };
        assert_eq!((discarded.history[0].outcome, active(&discarded)), (outcome, Some(serves)), "{phase:?}");
        let begun = next(&discarded, &all_well("newer"), &POLICY, at(6));
        assert_eq!(begun.running.unwrap().placed.release.id, "newer", "{phase:?}");
    }
}

#[test]
fn a_failed_release_is_tried_again_only_when_it_is_asked_for() {
    let failed = next(&releasing(Phase::Start), &nothing_yet("new"), &POLICY, at(600));
    let asked = |id: &str| Facts { retry: Some(id.to_owned()), ..nothing_yet("new") };
    assert_eq!(phase(&next(&failed, &nothing_yet("new"), &POLICY, at(9999))), None, "by itself");
    assert_eq!(phase(&next(&failed, &asked("other"), &POLICY, at(9999))), None, "by a stale wish");
    let again = next(&failed, &asked("new"), &POLICY, at(9999));
    assert_eq!((phase(&again), again.failed.clone()), (Some(Phase::Migrate), None), "by a wish");
    let stuck = Facts { retry: Some("new".to_owned()), ..nothing_yet("new") };
    let failed_again = next(&again, &stuck, &POLICY, at(99_999));
    assert_eq!(phase(&next(&failed_again, &stuck, &POLICY, at(100_000))), None, "a wish counts once");
    let withdrawn = next(&failed_again, &nothing_yet("new"), &POLICY, at(100_001));
    assert_eq!(phase(&next(&withdrawn, &stuck, &POLICY, at(100_002))), Some(Phase::Migrate), "a wish made anew");
    let back = next(&failed, &nothing_yet("old"), &POLICY, at(9999));
    assert_eq!((phase(&back), back.failed.clone()), (None, None), "the old spec is back");
    assert_eq!(phase(&next(&back, &nothing_yet("new"), &POLICY, at(9999))), Some(Phase::Migrate), "a changed spec");
}

#[test]
fn history_is_bounded() {
    let mut state = ReleaseState::default();
    for number in 0..2 * HISTORY {
        let wanted = format!("r{number}");
        state = next(&state, &nothing_yet(&wanted), &POLICY, at(0));
        while state.running.is_some() {
            state = next(&state, &all_well(&wanted), &POLICY, at(0));
        }
    }
    assert_eq!(state.history.len(), HISTORY);
    assert_eq!(state.history[0].id, format!("r{}", 2 * HISTORY - 1));
}

#[test]
fn the_last_words_of_a_failed_attempt_stand_until_the_next_has_some() {
    let message = |state: &ReleaseState| state.steps.last().unwrap().message.clone();
    let seen = |state: &ReleaseState, expand| next(state, &Facts { expand, ..nothing_yet("new") }, &POLICY, at(9));
    let failed = seen(&releasing(Phase::Migrate), failed_job(5));
    assert_eq!(message(&failed), "relation users exists");
    let removed = seen(&failed, Job::Absent);
    let again = seen(&removed, Job::Running { message: String::new() });
    assert_eq!((removed, again), (failed.clone(), failed));
}

#[test]
fn each_phase_runs_what_it_needs_and_nothing_else() {
    let shape = |phase, facts: &Facts| {
        let layout = layout(&releasing(phase), facts, at(1));
        let workloads: Vec<_> = layout.workloads.into_iter().map(|it| (it.component, it.slot.release)).collect();
        (workloads, layout.job.is_some(), layout.preview.is_some())
    };
    let run = |app: &str, worker: &str| vec![(Component::App, app.to_owned()), (Component::Worker, worker.to_owned())];
    let facts = nothing_yet("new");
    assert_eq!(shape(Phase::Migrate, &facts), (run("old", "old"), true, false));
    assert_eq!(shape(Phase::Start, &facts), (run("new", "old"), false, true));
    assert_eq!(shape(Phase::Check, &facts), (run("new", "old"), false, true));
    assert_eq!(shape(Phase::Switch, &facts), (run("new", "new"), false, false));
    assert_eq!(shape(Phase::Finish, &facts), (run("new", "new"), true, false));
    let draining = Facts { old_pods: 1, ..facts };
    assert_eq!(shape(Phase::Finish, &draining), (run("new", "new"), false, false));
}

#[test]
fn before_the_first_switch_nothing_gets_traffic_and_no_worker_runs() {
    let mut state = next(&ReleaseState::default(), &nothing_yet("one"), &POLICY, at(0));
    while phase(&state) != Some(Phase::Switch) {
        let layout = layout(&state, &nothing_yet("one"), at(0));
        assert_eq!(layout.traffic, None, "{:?}", phase(&state));
        assert!(layout.workloads.iter().all(|workload| workload.component == Component::App));
        state = next(&state, &all_well("one"), &POLICY, at(0));
    }
    assert_eq!(layout(&state, &nothing_yet("one"), at(0)).traffic, Some(Colour::Blue));
}

#[test]
fn a_failed_job_rests_before_it_is_made_anew() {
    let rest = i64::try_from(JOB_RETRY.as_secs()).unwrap();
    let facts = Facts { expand: failed_job(100), ..nothing_yet("new") };
    let job = |second| layout(&releasing(Phase::Migrate), &facts, at(second)).job;
    let slot = placed("new").slot();
    assert_eq!(job(100 + rest - 1), Some(JobRun::Ensure(Migration::Expand, slot.clone())));
    assert_eq!(job(100 + rest), Some(JobRun::Replace(Migration::Expand, slot)));
}

/// The status as the operator writes it for a state.
fn written(state: &ReleaseState) -> ChatbotEnvironmentStatus {
    let active = state.active.as_ref();
    let running = state.running.as_ref();
    ChatbotEnvironmentStatus {
        release: Some(ReleaseStatus {
            active: active.map(|active| active.colour),
            id: active.map(|active| active.release.id.clone()),
            image: active.map(|active| active.release.image.clone()),
            schema: active.and_then(|active| active.schema.clone()),
            candidate: running.map(|Running { placed, .. }| Candidate {
                id: placed.release.id.clone(),
                colour: placed.colour,
                image: placed.release.image.clone(),
                schema: placed.schema.clone(),
            }),
            started_at: running.map(|running| k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(running.started_at)),
            held_since: state.held_since.map(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time),
            steps: state.steps.clone(),
            ..ReleaseStatus::default()
        }),
        history: state.history.clone(),
        failed_releases: state.failed.iter().cloned().collect(),
        ..ChatbotEnvironmentStatus::default()
    }
}

fn any_job() -> impl Strategy<Value = Job> {
    prop_oneof![
        Just(Job::Absent),
        Just(Job::Running { message: String::new() }),
        Just(Job::Succeeded { schema: Some("2".to_owned()) }),
        (0..5000_i64).prop_map(failed_job),
    ]
}

fn any_rollout() -> impl Strategy<Value = Rollout> {
    prop_oneof![Just(Rollout::Complete), Just(pending("waiting"))]
}

fn any_check() -> impl Strategy<Value = Check> {
    prop_oneof![Just(Check::Unknown), Just(Check::Passed), Just(Check::Failing { message: "ill".to_owned() })]
}

fn any_facts(wanted: impl Strategy<Value = &'static str>) -> impl Strategy<Value = Facts> {
    let work = (any_job(), any_job(), any_rollout(), any_rollout(), any_check(), 0..3_usize);
    (wanted, work).prop_map(|(wanted, (expand, contract, app, worker, check, old_pods))| Facts {
        wanted: release(wanted),
        retry: None,
        expand,
        contract,
        app,
        worker,
        check,
        old_pods,
    })
}

/// A life of an environment: facts, each seen some seconds after the one before.
fn any_life() -> impl Strategy<Value = Vec<(Facts, i64)>> {
    let wanted = prop_oneof![Just("a"), Just("a"), Just("a"), Just("b"), Just("c")];
    prop::collection::vec((any_facts(wanted), 0..400_i64), 1..60)
}

proptest! {
    #[test]
    fn only_a_checked_release_becomes_active(life in any_life()) {
        let (mut state, mut now) = (ReleaseState::default(), 0);
        for (facts, later) in life {
            now += later;
            let after = next(&state, &facts, &POLICY, at(now));
            if active(&after) != active(&state) {
                prop_assert_eq!(phase(&state), Some(Phase::Check));
                prop_assert_eq!(&facts.check, &Check::Passed);
                prop_assert_eq!(&facts.app, &Rollout::Complete);
                prop_assert_eq!(active(&after), Some(facts.wanted.id.as_str()));
            }
            state = after;
        }
    }

    #[test]
    fn a_failure_leaves_the_active_release_alone(life in any_life()) {
        let (mut state, mut now) = (serving("old"), 0);
        for (facts, later) in life {
            now += later;
            let after = next(&state, &facts, &POLICY, at(now));
            if after.history.first().is_some_and(|past| past.outcome != Outcome::Succeeded) && after.history != state.history {
                prop_assert_eq!(&after.active, &state.active);
                prop_assert_eq!(&after.running, &None);
                prop_assert!(layout(&after, &facts, at(now)).workloads.iter().all(|it| Some(it.slot.release.as_str()) == active(&state)));
            }
            state = after;
        }
    }

    #[test]
    fn a_release_always_ends(facts in any_facts(Just("new"))) {
        let (mut state, mut looks) = (next(&serving("old"), &facts, &POLICY, at(0)), 0);
        while state.running.is_some() {
            looks += 1;
            prop_assert!(looks <= 10, "still in {:?}", phase(&state));
            state = next(&state, &facts, &POLICY, at(looks * 1800));
        }
    }

    #[test]
    fn a_failed_release_is_not_retried_by_itself_where_another_serves(facts in prop::collection::vec(any_facts(Just("new")), 1..20)) {
        let failed = next(&releasing(Phase::Check), &nothing_yet("new"), &POLICY, at(600));
        let last = facts.iter().fold(failed.clone(), |state, facts| next(&state, facts, &POLICY, at(99_999)));
        prop_assert_eq!(last, failed);
    }

    #[test]
    fn a_release_ends_as_if_it_had_never_been_held(life in any_life(), holds in prop::collection::vec(0..5000_i64, 60)) {
        let (mut state, mut now) = (serving("old"), 0);
        let (mut held, mut held_now) = (serving("old"), 0);
        for ((facts, later), stands_still) in life.into_iter().zip(holds) {
            (now, held_now) = (now + later, held_now + later);
            state = next(&state, &facts, &POLICY, at(now));
            held = hold(&held, at(held_now));
            held_now += stands_still;
            held = next(&held, &facts, &POLICY, at(held_now));
            prop_assert_eq!(phase(&held), phase(&state));
            prop_assert_eq!(active(&held), active(&state));
            prop_assert_eq!(held.failed.is_some(), state.failed.is_some());
        }
    }

    #[test]
    fn what_is_seen_again_at_the_same_time_changes_nothing_once_it_waits(life in any_life()) {
        let (mut state, mut now) = (ReleaseState::default(), 0);
        for (facts, later) in life {
            now += later;
            for _ in 0..12 {
                state = next(&state, &facts, &POLICY, at(now));
            }
            prop_assert_eq!(&next(&state, &facts, &POLICY, at(now)), &state);
        }
    }

    #[test]
    fn an_operator_that_was_killed_goes_on_from_the_status_it_wrote(life in any_life()) {
        let (mut state, mut now) = (ReleaseState::default(), 0);
        for (facts, later) in life {
            now += later;
            state = next(&state, &facts, &POLICY, at(now));
            prop_assert_eq!(&ReleaseState::read(&written(&state)), &state);
            let held = hold(&state, at(now));
            prop_assert_eq!(&ReleaseState::read(&written(&held)), &held);
        }
    }
}
