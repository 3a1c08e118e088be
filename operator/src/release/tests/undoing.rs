//! What begins and ends a release beside its pods: the backup before it, and what becomes of its schema when it is undone.

use super::*;
use crate::release::{JobRun, layout};
use crate::resources::release_job::Task;

fn backup(policy: Backup, job: Job, second: i64) -> ReleaseState {
    let policy = Policy { backup: policy, ..BLUE_GREEN };
    next(&releasing(&policy, Phase::Backup), &Facts { backup: job, ..nothing_yet("new") }, &policy, at(second))
}

#[test]
fn a_backup_that_cannot_be_made_blocks_a_release_only_where_it_is_required() {
    use Backup::{IfPossible, Required};
    let skipped = || Job::Succeeded(Report { skipped: true, message: "no store".to_owned(), ..Report::default() });
    let table = [
        (Required, succeeded("", "12 MiB"), 5, Some(Phase::Migrate), Outcome::Succeeded, "12 MiB"),
        (Required, failed_job(0), 5, Some(Phase::Backup), Outcome::Running, "relation users exists"),
        (Required, failed_job(0), 1800, None, Outcome::Failed, "there is no release without a backup: timed out"),
        (
            Required,
            succeeded("", ""),
            5,
            None,
            Outcome::Failed,
            "there is no release without a backup: its Job said nothing",
        ),
        (Required, skipped(), 5, None, Outcome::Failed, "there is no release without a backup: no store"),
        (IfPossible, succeeded("", "12 MiB"), 5, Some(Phase::Migrate), Outcome::Succeeded, "12 MiB"),
        (IfPossible, failed_job(0), 5, Some(Phase::Migrate), Outcome::Skipped, "no backup was made: relation"),
        (IfPossible, skipped(), 5, Some(Phase::Migrate), Outcome::Skipped, "no store"),
        (IfPossible, Job::Running { message: String::new() }, 1799, Some(Phase::Backup), Outcome::Running, ""),
        (
            IfPossible,
            Job::Running { message: String::new() },
            1800,
            Some(Phase::Migrate),
            Outcome::Skipped,
            "timed out",
        ),
    ];
    for (policy, job, second, expected, outcome, words) in table {
        let name = format!("{policy:?} {job:?} {second}");
        let state = backup(policy, job, second);
        let step = state.steps.iter().find(|step| step.name == Phase::Backup.shown()).unwrap();
        assert_eq!((phase(&state), step.outcome), (expected, outcome), "{name}");
        assert!(step.message.starts_with(words), "{name}: {}", step.message);
    }
}

#[test]
fn a_release_without_its_backup_touched_nothing() {
    let failed = backup(Backup::Required, failed_job(0), 1800);
    assert_eq!(active(&failed), Some("old"));
    assert_eq!(failed.failed.as_ref().unwrap().reason, "BackupFailed");
    assert!(failed.steps.iter().all(|step| step.name == Phase::Backup.shown()), "nothing is to be undone");
}

/// The release has failed in Check, and its candidate is being discarded since second 600.
fn discarding() -> ReleaseState {
    next(&releasing(&BLUE_GREEN, Phase::Check), &nothing_yet("new"), &BLUE_GREEN, at(600))
}

#[test]
fn what_still_migrates_is_gone_before_it_is_taken_back() {
    let migrating = Facts { expand: Job::Running { message: String::new() }, ..nothing_yet("new") };
    assert_eq!(layout(&discarding(), &migrating, at(601)).job, None);
}

#[test]
fn a_release_whose_image_is_nowhere_fails_as_soon_as_one_whose_servers_do_not_start() {
    let nowhere = Facts { cannot_start: Some("image chatbot:new cannot be pulled".to_owned()), ..nothing_yet("new") };
    for waits_in in [Phase::Backup, Phase::Migrate] {
        let waiting = releasing(&BLUE_GREEN, waits_in);
        assert_eq!(phase(&next(&waiting, &nowhere, &BLUE_GREEN, at(599))), Some(waits_in));
        let failed = settled(next(&waiting, &nowhere, &BLUE_GREEN, at(600)), "new", &BLUE_GREEN, 601);
        assert!(failed.history[0].message.starts_with("timed out: image chatbot:new cannot be pulled"));
    }
    let hurried = Policy { migration_timeout: Duration::from_mins(1), ..BLUE_GREEN };
    let failed = next(&releasing(&hurried, Phase::Backup), &nowhere, &hurried, at(60));
    assert_eq!(failed.history[0].message, "timed out: image chatbot:new cannot be pulled", "nothing is to be undone");
}

#[test]
fn the_schema_goes_back_when_no_pod_of_the_release_is_left() {
    let state = discarding();
    assert_eq!((phase(&state), active(&state)), (Some(Phase::Discard), Some("old")));
    let draining = Facts { own_pods: 1, ..nothing_yet("new") };
    assert_eq!(layout(&state, &draining, at(601)).job, None);
    assert_eq!(next(&state, &draining, &BLUE_GREEN, at(601)).steps.last().unwrap().message, "its pods still drain");
    let gone = layout(&state, &nothing_yet("new"), at(601));
    assert!(matches!(gone.job, Some(JobRun::Ensure(Task::Downgrade, slot)) if slot.release == "new"));
    let ended = next(&state, &all_well("new"), &BLUE_GREEN, at(602));
    assert_eq!(ended.history[0].outcome, Outcome::Failed);
    assert_eq!(ended.history[0].message, "timed out: 0 of 1 pods are available; schema: reverted 1 migration");
    assert_eq!(ended.failed.unwrap().phase, Phase::Check.shown());
}

#[test]
fn a_schema_that_cannot_go_back_is_said_and_keeps_nobody_waiting() {
    let stuck = Facts { downgrade: failed_job(0), ..nothing_yet("new") };
    let waits = next(&discarding(), &stuck, &BLUE_GREEN, at(899));
    assert_eq!(phase(&waits), Some(Phase::Discard));
    let ended = next(&waits, &stuck, &BLUE_GREEN, at(900));
    assert_eq!(phase(&ended), None);
    assert!(ended.history[0].message.ends_with("; the schema stays as it is: relation users exists"));
}

#[test]
fn workers_have_their_time_to_drain_and_a_downgrade_at_work_is_not_cut_off() {
    let draining = Facts { own_pods: 1, ..nothing_yet("new") };
    let gone = || nothing_yet("new");
    let at_work = Facts { downgrade: Job::Running { message: String::new() }, ..nothing_yet("new") };
    for (name, facts, lasts, over) in [
        ("its workers drain", draining, 1499, 1500),
        ("its pods are gone", gone(), 1499, 1500),
        ("its schema goes back", at_work, 3419, 3420),
    ] {
        assert_eq!(phase(&next(&discarding(), &facts, &BLUE_GREEN, at(lasts))), Some(Phase::Discard), "{name}");
        assert_eq!(phase(&next(&discarding(), &facts, &BLUE_GREEN, at(over))), None, "{name}");
    }
}

#[test]
fn nothing_goes_back_where_the_policy_says_so_or_nobody_serves() {
    let never = Policy { on_rollback: OnRollback::Never, ..BLUE_GREEN };
    let failed = next(&releasing(&never, Phase::Check), &nothing_yet("new"), &never, at(600));
    assert_eq!((phase(&failed), failed.history[0].outcome), (None, Outcome::Failed), "before the switch");
    let ill = Facts { watch: Watch::Ill { message: "9 %".to_owned() }, ..all_well("new") };
    let back = next(&releasing(&never, Phase::Bake), &ill, &never, at(5));
    let ended = next(&back, &ill, &never, at(6));
    assert_eq!((phase(&ended), ended.history[0].outcome), (None, Outcome::RolledBack), "after it");
    let first = (0..3)
        .fold(ReleaseState::default(), |state, look| next(&state, &nothing_yet("new"), &BLUE_GREEN, at(look * 1800)));
    assert_eq!((phase(&first), first.history[0].outcome), (None, Outcome::Failed), "the first release");
    assert!(first.steps.iter().all(|step| step.name != Phase::Discard.shown()));
}

#[test]
fn what_is_being_undone_is_undone_to_its_end_before_another_release_begins() {
    for wanted in ["newer", "old"] {
        let draining = Facts { own_pods: 1, ..nothing_yet(wanted) };
        assert_eq!(phase(&next(&discarding(), &draining, &BLUE_GREEN, at(601))), Some(Phase::Discard), "{wanted}");
    }
}

#[test]
fn contract_migrations_are_remembered_because_older_releases_do_not_survive_them() {
    let done = |migrations| Job::Succeeded(Report { migrations, ..Report::default() });
    let lost = Job::Succeeded(Report { lost: true, ..Report::default() });
    for (contract, expected) in
        [(done(0), false), (done(2), true), (lost, true), (failed_job(0), true), (Job::Absent, false)]
    {
        let facts = Facts { contract, ..all_well("new") };
        let ended = next(&releasing(&ROLLING, Phase::Finish), &facts, &ROLLING, at(1800));
        assert_eq!(ended.history[0].contracted, expected, "{:?}", facts.contract);
    }
}
