use std::collections::BTreeMap;

use super::*;
use crate::store::jobs::facts::Running;

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

fn worker(queues: &[&str], kinds: &[&str]) -> Worker {
    Worker {
        id: "worker-1".to_owned(),
        release_id: "r1".to_owned(),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        queues: Some(queues.iter().map(|queue| ((*queue).to_owned(), 1)).collect::<BTreeMap<_, _>>()),
        started_at: now(),
        silent_seconds: 1.0,
        dead_at: None,
    }
}

fn load(queue: &str, kind: &str, waiting: i64) -> Load {
    Load { queue: queue.to_owned(), kind: kind.to_owned(), waiting, later: 0, running: 0, oldest_seconds: 1.0 }
}

fn running(seconds: f64) -> Running {
    Running {
        id: 7,
        kind: "ingest_document".to_owned(),
        queue: "medium".to_owned(),
        attempt: 1,
        worker: Some("worker-1".to_owned()),
        seconds,
        progress: None,
        stage: None,
        is_being_cancelled: false,
    }
}

/// What is well: one worker, one job that it can do.
fn calm() -> Facts {
    Facts {
        loads: vec![load("medium", "ingest_document", 1)],
        workers: vec![worker(&["high", "medium"], &["ingest_document"])],
        running: vec![running(60.0)],
        ..Facts::default()
    }
}

fn codes(facts: &Facts) -> Vec<Code> {
    of(facts, now()).into_iter().map(|alarm| alarm.code).collect()
}

/// What makes calm facts ring.
type Change = fn(&mut Facts);

#[test]
fn each_alarm_rings_for_its_own_reason_and_not_while_all_is_well() {
    assert_eq!(codes(&calm()), []);
    let table: [(Change, &[Code]); 10] = [
        (|facts| facts.workers.clear(), &[Code::NoWorker]),
        (|facts| facts.workers[0].dead_at = Some(now()), &[Code::NoWorker]),
        (|facts| facts.workers[0].kinds.clear(), &[Code::NoWorker]),
        (|facts| facts.loads[0].queue = "low".to_owned(), &[Code::QueueUnserved]),
        (|facts| facts.loads[0].kind = "of_another_release".to_owned(), &[Code::KindUnknown]),
        (|facts| facts.paused = vec!["medium".to_owned()], &[Code::QueuePaused]),
        (|facts| facts.loads[0].oldest_seconds = 901.0, &[Code::QueueSlow]),
        (|facts| facts.workers.push(Worker { silent_seconds: 31.0, ..worker(&[], &["x"]) }), &[Code::WorkerSilent]),
        (|facts| facts.running[0].seconds = 1801.0, &[Code::TaskEndless]),
        (|facts| facts.loads[0].waiting = 0, &[]),
    ];
    for (change, expected) in table {
        let mut facts = calm();
        change(&mut facts);
        assert_eq!(codes(&facts), expected, "{facts:?}");
    }
}

#[test]
fn a_worker_of_a_release_that_names_no_queues_is_taken_to_serve_the_three() {
    let mut facts = calm();
    facts.workers[0].queues = None;
    assert_eq!(codes(&facts), []);
    facts.loads[0].queue = "other".to_owned();
    assert_eq!(codes(&facts), [Code::QueueUnserved]);
}

#[test]
fn a_schedule_is_late_after_two_minutes() {
    let schedule = |due: &str| schedules::Row {
        name: "tidy".to_owned(),
        cron: "0 * * * *".to_owned(),
        kind: "tidy".to_owned(),
        queue: "low".to_owned(),
        next_run_at: due.parse().unwrap(),
        last_run_at: None,
        last_job_id: None,
        last_state: None,
    };
    for (due, expected) in [("2026-01-01T11:58:30Z", &[][..]), ("2026-01-01T11:57:00Z", &[Code::ScheduleLate])] {
        assert_eq!(codes(&Facts { schedules: vec![schedule(due)], ..calm() }), expected, "{due}");
    }
}

#[test]
fn alarms_say_what_to_do() {
    let mut facts = calm();
    facts.loads = vec![load("low", "of_another_release", 2), load("medium", "ingest_document", 1)];
    facts.running[0].seconds = 3600.0;
    insta::assert_yaml_snapshot!(of(&facts, now()));
}
