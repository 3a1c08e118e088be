//! Metrics under the platform's names, in Prometheus' text format.
//!
//! Labels have few values by construction: paths are route patterns, never what a client sent.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use sqlx::PgPool;

use crate::llm::Usage;

/// A histogram per label set.
pub type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// For gauges that have no value, and do not appear, until they are set.
pub type NoLabels = [(&'static str, &'static str); 0];

/// Labels of a served request.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct RequestLabels {
    /// HTTP method.
    pub method: String,
    /// Route pattern, such as `/api/v1/conversations/{id}`.
    pub path: String,
    /// Status code.
    pub status: u16,
}

/// Labels of a request's duration.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct RouteLabels {
    /// HTTP method.
    pub method: String,
    /// Route pattern.
    pub path: String,
}

/// Labels of a finished job attempt.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct TaskLabels {
    /// Kind of job.
    pub kind: String,
    /// Queue it ran in.
    pub queue: String,
    /// completed, retried, discarded, snoozed or interrupted.
    pub outcome: String,
}

/// Labels of a job's duration.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct TaskKindLabels {
    /// Kind of job.
    pub kind: String,
    /// Queue it ran in.
    pub queue: String,
}

/// Labels of a queue.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct QueueLabels {
    /// The queue.
    pub queue: String,
}

/// Labels of an answer.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ChatLabels {
    /// ok, degraded, unavailable, cancelled, stopped or error.
    pub outcome: String,
}

/// Labels of tokens used.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct TokenLabels {
    /// prompt or completion.
    pub direction: String,
}

/// Labels of a login.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct LoginLabels {
    /// ok, wrong, limited or error.
    pub outcome: String,
}

/// Labels of a request that was sent away for its number.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct LimitLabels {
    /// caller (a key or a person) or address.
    pub by: String,
}

/// Every metric of the process.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// `http_requests_total`.
    pub http_requests: Family<RequestLabels, Counter>,
    /// `http_request_duration_seconds`.
    pub http_duration: Histograms<RouteLabels>,
    /// `http_requests_active`.
    pub http_active: Gauge,
    /// `tasks_total`.
    pub tasks: Family<TaskLabels, Counter>,
    /// `tasks_duration_seconds`.
    pub task_duration: Histograms<TaskKindLabels>,
    /// `tasks_active`.
    pub tasks_active: Gauge,
    /// `tasks_handed_back_total`: jobs taken from workers that stopped answering.
    pub tasks_handed_back: Counter,
    /// `tasks_waiting`: jobs that are due; like the following ones set by the task monitor alone.
    pub tasks_waiting: Family<QueueLabels, Gauge>,
    /// `tasks_oldest_seconds`: how long the one that waits longest has been due.
    pub tasks_oldest: Family<QueueLabels, Gauge<f64, AtomicU64>>,
    /// `tasks_dead`: jobs that were given up and are still kept.
    pub tasks_dead: Family<NoLabels, Gauge>,
    /// `tasks_alarms`: what needs somebody.
    pub tasks_alarms: Family<NoLabels, Gauge>,
    /// `tasks_workers`: workers that take jobs.
    pub tasks_workers: Family<NoLabels, Gauge>,
    /// `chat_answers_total`.
    pub chat_answers: Family<ChatLabels, Counter>,
    /// `chat_answer_duration_seconds`.
    pub chat_duration: Histograms<ChatLabels>,
    /// `chat_first_token_seconds`.
    pub chat_first_token: Histogram,
    /// `chat_tokens_total`.
    pub chat_tokens: Family<TokenLabels, Counter>,
    /// `logins_total`.
    pub logins: Family<LoginLabels, Counter>,
    /// `refresh_tokens_reused_total`: sessions that were ended because an old token came again.
    pub refresh_tokens_reused: Counter,
    /// `requests_limited_total`.
    pub requests_limited: Family<LimitLabels, Counter>,
    db_active: Gauge,
    db_queries: Counter<u64, AtomicU64>,
}

const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Arc::new(Registry::default()),
            http_requests: Family::default(),
            http_duration: Family::new_with_constructor(seconds),
            http_active: Gauge::default(),
            tasks: Family::default(),
            task_duration: Family::new_with_constructor(seconds),
            tasks_active: Gauge::default(),
            tasks_handed_back: Counter::default(),
            tasks_waiting: Family::default(),
            tasks_oldest: Family::default(),
            tasks_dead: Family::default(),
            tasks_alarms: Family::default(),
            tasks_workers: Family::default(),
            chat_answers: Family::default(),
            chat_duration: Family::new_with_constructor(seconds),
            chat_first_token: seconds(),
            chat_tokens: Family::default(),
            logins: Family::default(),
            refresh_tokens_reused: Counter::default(),
            requests_limited: Family::default(),
            db_active: Gauge::default(),
            db_queries: Counter::default(),
        };
        metrics.registry = Arc::new(metrics.register());
        metrics
    }

    fn register(&self) -> Registry {
        let mut registry = Registry::default();
        registry.register("http_requests", "Requests answered", self.http_requests.clone());
        registry.register("http_request_duration_seconds", "Time to answer a request", self.http_duration.clone());
        registry.register("http_requests_active", "Requests in work", self.http_active.clone());
        registry.register("db_connections_active", "Connections to PostgreSQL in use", self.db_active.clone());
        registry.register("db_queries", "Statements sent to PostgreSQL", self.db_queries.clone());
        registry.register("tasks", "Job attempts finished", self.tasks.clone());
        registry.register("tasks_duration_seconds", "Time that a job attempt took", self.task_duration.clone());
        registry.register("tasks_active", "Jobs in work", self.tasks_active.clone());
        registry.register("tasks_handed_back", "Jobs taken back from dead workers", self.tasks_handed_back.clone());
        self.register_queues(&mut registry);
        registry.register("chat_answers", "Answers given", self.chat_answers.clone());
        registry.register("chat_answer_duration_seconds", "Time to a whole answer", self.chat_duration.clone());
        registry.register("chat_first_token_seconds", "Time to an answer's first token", self.chat_first_token.clone());
        registry.register("chat_tokens", "Tokens read and written by the model", self.chat_tokens.clone());
        registry.register("logins", "Attempts to log in", self.logins.clone());
        let reused = self.refresh_tokens_reused.clone();
        registry.register("refresh_tokens_reused", "Sessions ended because an old token came again", reused);
        registry.register("requests_limited", "Requests sent away for their number", self.requests_limited.clone());
        registry
    }

    /// Counts the tokens of an answer.
    pub fn count_tokens(&self, usage: Usage) {
        for (direction, count) in [("prompt", usage.prompt_tokens), ("completion", usage.completion_tokens)] {
            self.chat_tokens.get_or_create(&TokenLabels { direction: direction.to_owned() }).inc_by(count.into());
        }
    }

    /// What the task monitor alone knows: elsewhere these have no value, and do not appear.
    fn register_queues(&self, registry: &mut Registry) {
        registry.register("tasks_waiting", "Jobs that are due and wait", self.tasks_waiting.clone());
        registry.register("tasks_oldest_seconds", "How long the oldest of them waits", self.tasks_oldest.clone());
        registry.register("tasks_dead", "Jobs that were given up and are kept", self.tasks_dead.clone());
        registry.register("tasks_alarms", "What needs somebody", self.tasks_alarms.clone());
        registry.register("tasks_workers", "Workers that take jobs", self.tasks_workers.clone());
    }

    /// The text of `/metrics`, with the pool's state as of now.
    #[must_use]
    pub fn encode(&self, pool: &PgPool) -> String {
        let busy = usize::try_from(pool.size()).unwrap_or_default().saturating_sub(pool.num_idle());
        self.db_active.set(i64::try_from(busy).unwrap_or(i64::MAX));
        self.db_queries.inner().store(crate::telemetry::statements(), Ordering::Relaxed);
        let mut text = String::new();
        match text::encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(std::fmt::Error) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dashboards and alerts are written against these names.
    #[tokio::test]
    async fn the_metrics_have_the_platform_s_names_and_labels() {
        let metrics = Metrics::new();
        let text = || "x".to_owned();
        let (method, path, kind, queue) = (text(), text(), text(), text());
        metrics.http_requests.get_or_create(&RequestLabels { method: text(), path: text(), status: 200 }).inc();
        metrics.http_duration.get_or_create(&RouteLabels { method, path }).observe(0.1);
        metrics.tasks.get_or_create(&TaskLabels { kind: text(), queue: text(), outcome: text() }).inc();
        metrics.task_duration.get_or_create(&TaskKindLabels { kind, queue }).observe(0.1);
        metrics.tasks_waiting.get_or_create(&QueueLabels { queue: text() }).set(1);
        metrics.tasks_oldest.get_or_create(&QueueLabels { queue: text() }).set(0.1);
        for gauge in [&metrics.tasks_dead, &metrics.tasks_alarms, &metrics.tasks_workers] {
            gauge.get_or_create(&[]).set(1);
        }
        metrics.chat_answers.get_or_create(&ChatLabels { outcome: text() }).inc();
        metrics.chat_duration.get_or_create(&ChatLabels { outcome: text() }).observe(0.1);
        metrics.chat_tokens.get_or_create(&TokenLabels { direction: text() }).inc();
        metrics.logins.get_or_create(&LoginLabels { outcome: text() }).inc();
        metrics.requests_limited.get_or_create(&LimitLabels { by: text() }).inc();
        let pool = sqlx::PgPool::connect_lazy("postgresql://nobody@127.0.0.1:1/nothing").unwrap();
        let samples: std::collections::BTreeSet<String> = metrics.encode(&pool).lines().filter_map(name).collect();
        insta::assert_snapshot!(samples.into_iter().collect::<Vec<_>>().join("\n"));
    }

    /// A sample's name with the names of its labels; buckets stand for one histogram.
    fn name(line: &str) -> Option<String> {
        let (sample, _value) = line.rsplit_once(' ').filter(|_| !line.starts_with('#'))?;
        let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
        let labels = labels.split(',').filter_map(|pair| pair.split_once('=')).map(|(label, _)| label);
        let labels: Vec<&str> = labels.collect();
        (!name.ends_with("_sum") && !name.ends_with("_count")).then(|| format!("{name} {}", labels.join(" ")))
    }
}
