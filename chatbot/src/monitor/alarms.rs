//! What needs somebody: each with its reason, and the way out.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::overview::{Life, life, takes_from};
use crate::store::jobs::{
    facts::{Facts, Load, Worker},
    schedules,
};

/// So long a job may wait before somebody should look.
const LONG_WAIT_SECONDS: f64 = 900.0;
/// So long a job may be in work: longer than every deadline of ours.
pub(super) const LONG_RUN_SECONDS: f64 = 1800.0;
/// So late a schedule may be: workers look every ten seconds.
const LATE: SignedDuration = SignedDuration::from_mins(2);

/// What kind of alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// No worker lives, and jobs wait.
    NoWorker,
    /// Jobs wait in a queue that no worker takes from.
    QueueUnserved,
    /// Jobs wait of a kind that no worker knows.
    KindUnknown,
    /// Jobs wait in a queue that somebody paused.
    QueuePaused,
    /// Jobs wait for long.
    QueueSlow,
    /// A worker gives no sign of life.
    WorkerSilent,
    /// A job is in work for very long.
    TaskEndless,
    /// A schedule was not run when it was due.
    ScheduleLate,
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    /// What kind.
    pub code: Code,
    /// What it is about: a queue, a kind, a worker, a job's id, a schedule.
    pub subject: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub way_out: String,
}

fn alarm(code: Code, subject: impl Into<String>, reason: String, way_out: &str) -> Alarm {
    Alarm { code, subject: subject.into(), reason, way_out: way_out.to_owned() }
}

/// Every alarm, the gravest kind first.
#[must_use]
pub fn of(facts: &Facts, now: Timestamp) -> Vec<Alarm> {
    let checks = [no_worker, unserved, unknown_kinds, paused, slow, silent_workers, endless];
    let mut alarms: Vec<Alarm> = checks.iter().flat_map(|check| check(facts)).collect();
    alarms.extend(facts.schedules.iter().filter_map(|schedule| late(schedule, now)));
    alarms
}

fn waiting(facts: &Facts) -> impl Iterator<Item = &Load> {
    facts.loads.iter().filter(|load| load.waiting > 0)
}

/// Queues with jobs that are due, each with how many.
fn waiting_queues(facts: &Facts) -> Vec<(&str, i64)> {
    let names: BTreeSet<&str> = waiting(facts).map(|load| load.queue.as_str()).collect();
    let jobs = |name| waiting(facts).filter(|load| load.queue == name).map(|load| load.waiting).sum();
    names.into_iter().map(|name| (name, jobs(name))).collect()
}

fn has_worker(facts: &Facts) -> bool {
    facts.workers.iter().any(|worker| life(worker) == Life::Working)
}

fn is_paused(facts: &Facts, queue: &str) -> bool {
    facts.paused.iter().any(|paused| paused == queue)
}

fn no_worker(facts: &Facts) -> Vec<Alarm> {
    let jobs: i64 = waiting(facts).map(|load| load.waiting).sum();
    if jobs == 0 || has_worker(facts) {
        return Vec::new();
    }
    let reason = format!("{} and no worker lives", waits(jobs));
    vec![alarm(Code::NoWorker, "workers", reason, "start a worker, or see in its log why it does not come up")]
}

fn unserved(facts: &Facts) -> Vec<Alarm> {
    let is_unserved = |queue: &str| !facts.workers.iter().any(|worker| takes_from(worker, queue));
    let found = waiting_queues(facts).into_iter().filter(|(queue, _)| has_worker(facts) && is_unserved(queue));
    let told = found.map(|(queue, jobs)| {
        let reason = format!("{} in the queue {queue}, and no worker takes from it", waits(jobs));
        let way_out = "give this queue a concurrency above 0 (spec.worker.queues, QUEUE_HIGH, QUEUE_MEDIUM, QUEUE_LOW)";
        alarm(Code::QueueUnserved, queue, reason, way_out)
    });
    told.collect()
}

fn unknown_kinds(facts: &Facts) -> Vec<Alarm> {
    let knows =
        |worker: &Worker, kind: &str| life(worker) == Life::Working && worker.kinds.iter().any(|own| own == kind);
    let is_known = |kind: &str| facts.workers.iter().any(|worker| knows(worker, kind));
    let found = waiting(facts).filter(|load| has_worker(facts) && !is_known(&load.kind));
    let told = found.map(|load| {
        let reason = format!("{} of the kind {}, and no worker knows it", waits(load.waiting), load.kind);
        let way_out = "they wait for a release that knows the kind: bring it back, or cancel them";
        alarm(Code::KindUnknown, load.kind.clone(), reason, way_out)
    });
    told.collect()
}

fn paused(facts: &Facts) -> Vec<Alarm> {
    let found = waiting_queues(facts).into_iter().filter(|(queue, _)| is_paused(facts, queue));
    let told = found.map(|(queue, jobs)| {
        let reason = format!("{} in the queue {queue}, which is paused", waits(jobs));
        alarm(Code::QueuePaused, queue, reason, "resume it")
    });
    told.collect()
}

fn slow(facts: &Facts) -> Vec<Alarm> {
    let is_slow = |load: &&Load| load.oldest_seconds > LONG_WAIT_SECONDS && !is_paused(facts, &load.queue);
    let queues: BTreeSet<&str> = waiting(facts).filter(is_slow).map(|load| load.queue.as_str()).collect();
    let told = queues.into_iter().filter(|_| has_worker(facts)).map(|queue| {
        let reason = format!("jobs in the queue {queue} wait longer than 15 minutes");
        let way_out = "add workers or concurrency, or look whether something that the jobs need is down";
        alarm(Code::QueueSlow, queue, reason, way_out)
    });
    told.collect()
}

fn silent_workers(facts: &Facts) -> Vec<Alarm> {
    let found = facts.workers.iter().filter(|worker| life(worker) == Life::Silent);
    let told = found.map(|worker| {
        let reason = format!("the worker {} has given no sign of life for {:.0} s", worker.id, worker.silent_seconds);
        let way_out = "its jobs go to others within half a minute, if one lives; see why it hangs or died";
        alarm(Code::WorkerSilent, worker.id.clone(), reason, way_out)
    });
    told.collect()
}

fn endless(facts: &Facts) -> Vec<Alarm> {
    let found = facts.running.iter().filter(|job| job.seconds > LONG_RUN_SECONDS);
    let told = found.map(|job| {
        let reason = format!("the task {} ({}) has been in work for {:.0} min", job.id, job.kind, job.seconds / 60.0);
        let way_out = "cancel it; if it does not stop, restart its worker: after an hour it is taken back by itself";
        alarm(Code::TaskEndless, job.id.to_string(), reason, way_out)
    });
    told.collect()
}

fn late(schedule: &schedules::Row, now: Timestamp) -> Option<Alarm> {
    let is_late = now.duration_since(schedule.next_run_at) > LATE;
    let reason = || format!("the schedule {} was due at {} and did not run", schedule.name, schedule.next_run_at);
    let way_out = "workers run it: see whether one of a release lives that knows it";
    is_late.then(|| alarm(Code::ScheduleLate, schedule.name.clone(), reason(), way_out))
}

fn waits(jobs: i64) -> String {
    if jobs == 1 { "1 job waits".to_owned() } else { format!("{jobs} jobs wait") }
}

#[cfg(test)]
mod tests;
