//! tasks_* gauges out of the last look, for alerts.

use crate::metrics::{Metrics, QueueLabels};

use super::overview::{Life, Overview};

/// Sets them. What is not there any more is forgotten.
pub(super) fn set(metrics: &Metrics, overview: &Overview) {
    metrics.tasks_waiting.clear();
    metrics.tasks_oldest.clear();
    for queue in &overview.queues {
        let labels = QueueLabels { queue: queue.name.clone() };
        metrics.tasks_waiting.get_or_create(&labels).set(queue.waiting);
        metrics.tasks_oldest.get_or_create(&labels).set(queue.oldest_seconds);
    }
    metrics.tasks_dead.get_or_create(&[]).set(overview.dead_letters());
    metrics.tasks_alarms.get_or_create(&[]).set(count(overview.alarms.len()));
    let working = overview.workers.iter().filter(|worker| worker.life == Life::Working);
    metrics.tasks_workers.get_or_create(&[]).set(count(working.count()));
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
