//! What there is now, put together for people: pure, from facts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::alarms::{self, Alarm};
use crate::{
    jobs::{QueueName, heartbeat::TIME_TO_LIVE},
    store::jobs::{
        facts::{self, Facts},
        schedules,
    },
};

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// When it was so.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What needs somebody.
    pub alarms: Vec<Alarm>,
    /// high, medium and low, and whatever else has jobs.
    pub queues: Vec<Queue>,
    /// Workers, those that live first.
    pub workers: Vec<Worker>,
    /// Jobs in work, the oldest first; at most 200.
    pub running: Vec<Running>,
    /// Jobs that were given up, by kind.
    pub dead: BTreeMap<String, i64>,
    /// Schedules, the next one first.
    pub schedules: Vec<schedules::Row>,
}

/// A queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Jobs that are due and wait.
    pub waiting: i64,
    /// Jobs that are due later.
    pub later: i64,
    /// Jobs in work.
    pub running: i64,
    /// How long the one that waits longest has been due, in seconds.
    pub oldest_seconds: f64,
    /// Workers that take from it.
    pub workers: usize,
    /// Jobs that these can do at a time; 0 when none says.
    pub slots: u32,
    /// Whether somebody paused it.
    pub is_paused: bool,
}

/// How a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Life {
    /// It takes jobs.
    Working,
    /// It finishes what it has, and goes.
    Leaving,
    /// It gives no sign of life, and is about to be declared dead.
    Silent,
    /// It was declared dead, or left jobs behind.
    Dead,
}

/// A worker.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    /// Its id.
    pub id: String,
    /// Its release.
    pub release_id: String,
    /// How it is.
    pub life: Life,
    /// How long ago its last sign of life was, in seconds.
    pub silent_seconds: f64,
    /// When it started.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// The kinds that it knows.
    pub kinds: Vec<String>,
    /// Jobs at a time by queue; empty when its release does not say.
    pub queues: BTreeMap<String, u32>,
    /// The jobs that it has in hand.
    pub running: Vec<i64>,
}

/// A job in work.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    /// The job.
    pub id: i64,
    /// Its kind.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// Which attempt this is.
    pub attempt: i16,
    /// Who has it.
    pub worker: Option<String>,
    /// For how long, in seconds.
    pub seconds: f64,
    /// How far it is, 0 to 100, where it says so.
    pub progress: Option<u8>,
    /// What it is doing, where it says so.
    pub stage: Option<String>,
    /// Whether it was told to stop.
    pub is_being_cancelled: bool,
}

impl Overview {
    /// The facts of the moment `at`.
    #[must_use]
    pub fn new(facts: &Facts, at: Timestamp) -> Self {
        let workers: Vec<Worker> = facts.workers.iter().map(|worker| Worker::new(worker, &facts.running)).collect();
        Self {
            at,
            alarms: alarms::of(facts, at),
            queues: queues(facts),
            workers,
            running: facts.running.iter().map(Running::from).collect(),
            dead: facts.dead.iter().map(|dead| (dead.kind.clone(), dead.jobs)).collect(),
            schedules: facts.schedules.clone(),
        }
    }

    /// Jobs that were given up.
    #[must_use]
    pub fn dead_letters(&self) -> i64 {
        self.dead.values().sum()
    }
}

fn queues(facts: &Facts) -> Vec<Queue> {
    let known = QueueName::ALL.map(QueueName::as_str);
    let others: BTreeSet<&str> =
        facts.loads.iter().map(|load| load.queue.as_str()).filter(|name| !known.contains(name)).collect();
    known.into_iter().chain(others).map(|name| queue(facts, name)).collect()
}

fn queue(facts: &Facts, name: &str) -> Queue {
    let mut queue = Queue {
        name: name.to_owned(),
        is_paused: facts.paused.iter().any(|paused| paused == name),
        ..Queue::default()
    };
    for load in facts.loads.iter().filter(|load| load.queue == name) {
        queue.waiting += load.waiting;
        queue.later += load.later;
        queue.running += load.running;
        queue.oldest_seconds = queue.oldest_seconds.max(load.oldest_seconds);
    }
    for worker in facts.workers.iter().filter(|worker| takes_from(worker, name)) {
        queue.workers += 1;
        queue.slots += worker.queues.as_ref().and_then(|queues| queues.get(name)).copied().unwrap_or_default();
    }
    queue
}

/// How a worker is.
pub(super) fn life(worker: &facts::Worker) -> Life {
    if worker.dead_at.is_some() {
        Life::Dead
    } else if worker.silent_seconds > TIME_TO_LIVE.as_secs_f64() {
        Life::Silent
    } else if worker.kinds.is_empty() {
        Life::Leaving
    } else {
        Life::Working
    }
}

/// Whether it works, and on this queue. One whose release does not say is taken to serve those that every release has.
pub(super) fn takes_from(worker: &facts::Worker, queue: &str) -> bool {
    let serves = || match &worker.queues {
        Some(queues) => queues.contains_key(queue),
        None => QueueName::ALL.iter().any(|name| name.as_str() == queue),
    };
    life(worker) == Life::Working && serves()
}

impl Worker {
    fn new(worker: &facts::Worker, running: &[facts::Running]) -> Self {
        let in_hand = running.iter().filter(|job| job.worker.as_deref() == Some(&worker.id)).map(|job| job.id);
        Self {
            id: worker.id.clone(),
            release_id: worker.release_id.clone(),
            life: life(worker),
            silent_seconds: worker.silent_seconds,
            started_at: worker.started_at,
            kinds: worker.kinds.clone(),
            queues: worker.queues.clone().unwrap_or_default(),
            running: in_hand.collect(),
        }
    }
}

impl From<&facts::Running> for Running {
    fn from(job: &facts::Running) -> Self {
        Self {
            id: job.id,
            kind: job.kind.clone(),
            queue: job.queue.clone(),
            attempt: job.attempt,
            worker: job.worker.clone(),
            seconds: job.seconds,
            progress: job.progress.as_ref().and_then(percent),
            stage: job.stage.as_ref().and_then(|stage| stage.as_str()).map(str::to_owned),
            is_being_cancelled: job.is_being_cancelled,
        }
    }
}

/// What a job says of its progress, where that is a number; jobs of other clients may say anything.
pub(super) fn percent(value: &serde_json::Value) -> Option<u8> {
    value.as_u64().map(|percent| u8::try_from(percent.min(100)).unwrap_or(100))
}
