//! Releases that replace the pods of the one colour, and what every release has in common with them.

use super::*;
use crate::{
    release::{JobRun, facts::JOB_RETRY, hold, layout, state::HISTORY},
    resources::{labels::Component, release_job::Task},
};

/// Every phase of a Rolling release.
const PHASES: [Phase; 6] = [Phase::Backup, Phase::Migrate, Phase::Start, Phase::Check, Phase::Switch, Phase::Finish];

#[test]
fn the_first_release_takes_the_same_road() {
    let (road, state) = road(&ROLLING, &ReleaseState::default());
    assert_eq!(road, PHASES);
    assert_eq!(active(&state), Some("new"));
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
        assert_eq!(told(&next(&releasing(&ROLLING, phase), &facts, &ROLLING, at(1))), expected, "{name}");
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
    for (waits_in, limit, expected_active, outcome) in cases {
        let waiting = releasing(&ROLLING, waits_in);
        let before = next(&waiting, &nothing_yet("new"), &ROLLING, at(limit - 1));
        assert_eq!(phase(&before), Some(waits_in), "it ended too soon");
        let after = settled(next(&waiting, &nothing_yet("new"), &ROLLING, at(limit)), "new", &ROLLING, limit);
        assert_eq!((active(&after), after.history[0].outcome), (expected_active, outcome), "{waits_in:?}");
        assert_eq!(after.failed.is_some(), outcome == Outcome::Failed, "{waits_in:?}");
    }
    let late_workers = next(&releasing(&ROLLING, Phase::Switch), &nothing_yet("new"), &ROLLING, at(600));
    assert_eq!(told(&late_workers), (Some(Phase::Finish), Some("new"), Outcome::Running));
}

#[test]
fn start_and_check_share_one_deadline() {
    let started = releasing(&ROLLING, Phase::Start);
    let checking = next(&started, &all_well("new"), &ROLLING, at(500));
    let failing = Facts { check: Check::Failing { message: "redis is down".to_owned() }, ..all_well("new") };
    let failed = settled(next(&checking, &failing, &ROLLING, at(600)), "new", &ROLLING, 600);
    assert_eq!(failed.failed.unwrap().message, "timed out: redis is down; schema: reverted 1 migration");
}

#[test]
fn time_in_which_a_release_is_not_advanced_counts_for_no_deadline() {
    let cases = [(Phase::Migrate, 1800), (Phase::Start, 600), (Phase::Check, 600), (Phase::Finish, 1800)];
    for (phase, limit) in cases {
        let held = hold(&hold(&releasing(&ROLLING, phase), at(100)), at(5000));
        let resumed = next(&held, &nothing_yet("new"), &ROLLING, at(10_100));
        assert_eq!(resumed.held_since, None, "{phase:?}");
        assert_eq!(resumed.steps.last().unwrap().held_seconds, Some(10_000), "{phase:?}");
        let soon = next(&resumed, &nothing_yet("new"), &ROLLING, at(10_000 + limit - 1));
        assert_eq!(self::phase(&soon), Some(phase), "{phase:?} ended too soon");
        let late = next(&resumed, &nothing_yet("new"), &ROLLING, at(10_000 + limit));
        assert_ne!(self::phase(&late), Some(phase));
    }
    let held = hold(&releasing(&ROLLING, Phase::Start), at(100));
    let checking = next(&held, &all_well("new"), &ROLLING, at(1100));
    assert_eq!(phase(&next(&checking, &nothing_yet("new"), &ROLLING, at(1599))), Some(Phase::Check), "held in Start");
    assert_eq!(hold(&serving("old"), at(5)), serving("old"), "nothing is under way");
}

#[test]
fn a_first_release_that_failed_is_tried_again_after_pauses_that_grow() {
    let policy = Policy { backup: Backup::No, ..ROLLING };
    let (mut state, mut now) = (ReleaseState::default(), 0);
    for minutes in [5, 10, 20, 30, 30] {
        state = next(&state, &nothing_yet("one"), &policy, at(now));
        assert_eq!(phase(&state), Some(Phase::Migrate), "before a pause of {minutes} minutes");
        now += 1800;
        state = next(&state, &nothing_yet("one"), &policy, at(now));
        assert!(state.failed.is_some());
        now += minutes * 60;
        assert_eq!(next(&state, &nothing_yet("one"), &policy, at(now - 1)), state, "within {minutes} minutes");
    }
    let other = next(&state, &nothing_yet("two"), &policy, at(now - 1));
    assert_eq!(phase(&other), Some(Phase::Migrate), "another release need not wait");
}

#[test]
fn a_new_spec_discards_the_candidate_before_it_starts_anew() {
    for phase in PHASES {
        let discarded =
            settled(next(&releasing(&ROLLING, phase), &all_well("newer"), &ROLLING, at(5)), "newer", &ROLLING, 5);
        assert_eq!(discarded.running, None, "{phase:?}");
        assert_eq!(discarded.failed, None, "{phase:?}");
        let outcome = if phase == Phase::Finish { Outcome::Succeeded } else { Outcome::Superseded };
        let serves = if phase.before_switch() { "old" } else { "new" };
        assert_eq!((discarded.history[0].outcome, active(&discarded)), (outcome, Some(serves)), "{phase:?}");
        let begun = next(&discarded, &all_well("newer"), &ROLLING, at(6));
        assert_eq!(begun.running.unwrap().placed.release.id, "newer", "{phase:?}");
    }
}

#[test]
fn a_failed_release_is_tried_again_only_when_it_is_asked_for() {
    let late = next(&releasing(&ROLLING, Phase::Start), &nothing_yet("new"), &ROLLING, at(600));
    let failed = settled(late, "new", &ROLLING, 600);
    let asked =
        |id: &str| Facts { wishes: Wishes { retry: Some(id.to_owned()), ..Wishes::default() }, ..nothing_yet("new") };
    assert_eq!(phase(&next(&failed, &nothing_yet("new"), &ROLLING, at(9999))), None, "by itself");
    assert_eq!(phase(&next(&failed, &asked("other"), &ROLLING, at(9999))), None, "by a stale wish");
    let again = next(&failed, &asked("new"), &ROLLING, at(9999));
    assert_eq!((phase(&again), again.failed.clone()), (Some(Phase::Backup), None), "by a wish");
    let stuck = Facts { wishes: Wishes { retry: Some("new".to_owned()), ..Wishes::default() }, ..nothing_yet("new") };
    let mut failed_again = again;
    for second in 1..9 {
        failed_again = next(&failed_again, &stuck, &ROLLING, at(second * 99_999));
    }
    assert_eq!(phase(&failed_again), None, "a wish counts once");
    let withdrawn = next(&failed_again, &nothing_yet("new"), &ROLLING, at(900_001));
    assert_eq!(phase(&next(&withdrawn, &stuck, &ROLLING, at(900_002))), Some(Phase::Backup), "a wish made anew");
    let back = next(&failed, &nothing_yet("old"), &ROLLING, at(9999));
    assert_eq!((phase(&back), back.failed.clone()), (None, None), "the old spec is back");
    assert_eq!(phase(&next(&back, &nothing_yet("new"), &ROLLING, at(9999))), Some(Phase::Backup), "a changed spec");
}

#[test]
fn history_is_bounded() {
    let mut state = ReleaseState::default();
    for number in 0..2 * HISTORY {
        let wanted = format!("r{number}");
        state = next(&state, &nothing_yet(&wanted), &ROLLING, at(0));
        while state.running.is_some() {
            state = next(&state, &all_well(&wanted), &ROLLING, at(0));
        }
    }
    assert_eq!(state.history.len(), HISTORY);
    assert_eq!(state.history[0].id, format!("r{}", 2 * HISTORY - 1));
}

#[test]
fn the_last_words_of_a_failed_attempt_stand_until_the_next_has_some() {
    let message = |state: &ReleaseState| state.steps.last().unwrap().message.clone();
    let seen = |state: &ReleaseState, expand| next(state, &Facts { expand, ..nothing_yet("new") }, &ROLLING, at(9));
    let failed = seen(&releasing(&ROLLING, Phase::Migrate), failed_job(5));
    assert_eq!(message(&failed), "relation users exists");
    let removed = seen(&failed, Job::Absent);
    let again = seen(&removed, Job::Running { message: String::new() });
    assert_eq!((removed, again), (failed.clone(), failed));
}

#[test]
fn migrations_that_are_cut_off_before_their_last_words_are_told_with_what_to_do() {
    let running = Facts { expand: Job::Running { message: String::new() }, ..nothing_yet("new") };
    let late = next(&releasing(&ROLLING, Phase::Migrate), &running, &ROLLING, at(1800));
    let told = &late.cause().expect("it failed").message;
    assert!(
        told.starts_with("timed out: its migrations had not ended") && told.contains("migrations.timeout"),
        "{told}"
    );
}

#[test]
fn each_phase_runs_what_it_needs_and_nothing_else() {
    let shape = |phase, facts: &Facts| {
        let layout = layout(&releasing(&ROLLING, phase), facts, at(1));
        let workloads: Vec<_> = layout.workloads.into_iter().map(|it| (it.component, it.slot.release)).collect();
        (workloads, layout.job.is_some(), layout.preview.is_some())
    };
    let run = |app: &str, worker: &str| vec![(Component::App, app.to_owned()), (Component::Worker, worker.to_owned())];
    let facts = nothing_yet("new");
    assert_eq!(shape(Phase::Backup, &facts), (run("old", "old"), true, false));
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
    let mut state = next(&ReleaseState::default(), &nothing_yet("one"), &ROLLING, at(0));
    while phase(&state) != Some(Phase::Switch) {
        let layout = layout(&state, &nothing_yet("one"), at(0));
        assert_eq!(layout.traffic, None, "{:?}", phase(&state));
        assert!(layout.workloads.iter().all(|workload| workload.component == Component::App));
        assert_eq!(layout.monitor, None, "{:?}", phase(&state));
        state = next(&state, &all_well("one"), &ROLLING, at(0));
    }
    let layout = layout(&state, &nothing_yet("one"), at(0));
    assert_eq!((layout.traffic, layout.monitor), (Some(Colour::Blue), Some(placed("one").slot())));
}

#[test]
fn a_failed_job_rests_before_it_is_made_anew() {
    let rest = i64::try_from(JOB_RETRY.as_secs()).unwrap();
    let facts = Facts { expand: failed_job(100), ..nothing_yet("new") };
    let job = |second| layout(&releasing(&ROLLING, Phase::Migrate), &facts, at(second)).job;
    let slot = placed("new").slot();
    assert_eq!(job(100 + rest - 1), Some(JobRun::Ensure(Task::Expand, slot.clone())));
    assert_eq!(job(100 + rest), Some(JobRun::Replace(Task::Expand, slot)));
}

#[test]
fn a_database_that_is_empty_although_there_are_backups_is_left_alone_until_a_person_says_what_is_meant() {
    let question = Report { question: true, message: "the database is empty".to_owned(), ..Report::default() };
    let asked = Facts { backup: Job::Succeeded(question), ..nothing_yet("new") };
    let state = next(&ReleaseState::default(), &nothing_yet("new"), &ROLLING, at(0));
    let waits = next(&state, &asked, &ROLLING, at(100_000));
    assert_eq!(phase(&waits), Some(Phase::Backup), "for as long as it takes");
    assert_eq!(waits.step().unwrap().message, "restore or start empty? the database is empty");
    assert!(matches!(layout(&waits, &asked, at(100_000)).job, Some(JobRun::Ensure(..))));

    let of_another = Wishes { start_empty: Some("old".to_owned()), ..Wishes::default() };
    assert_eq!(
        phase(&next(&waits, &Facts { wishes: of_another, ..asked.clone() }, &ROLLING, at(100_001))),
        Some(Phase::Backup)
    );
    let empty = Wishes { start_empty: Some("new".to_owned()), ..Wishes::default() };
    let begun = next(&waits, &Facts { wishes: empty, ..asked.clone() }, &ROLLING, at(100_001));
    assert_eq!(phase(&begun), Some(Phase::Migrate));

    let restored = Facts { restored: true, ..asked };
    assert!(matches!(layout(&waits, &restored, at(100_002)).job, Some(JobRun::Replace(..))), "it looks again");
}
