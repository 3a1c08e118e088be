//! What the operator measures, under names that readers of other controllers' metrics will recognise.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

/// One environment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Environment {
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub name: String,
}

/// What is worth knowing about an environment beside numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Info {
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub name: String,
    /// Tier.
    pub tier: String,
    /// Image that serves, or an empty string.
    pub image: String,
    /// Colour that serves, or an empty string.
    pub active: String,
}

/// The phase that a release is in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PhaseOf {
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub name: String,
    /// Phase.
    pub phase: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepOf {
    step: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Write {
    kind: String,
    verb: &'static str,
}

/// What is known of an environment's backups and drills, times in seconds since 1970; none of it where it is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backups {
    /// What the newest good backup holds was so then.
    pub last_success: Option<i64>,
    /// The same of the newest one after which the repository was checked, and found to be sound.
    pub verified: Option<i64>,
    /// The same of the newest one that the second repository has.
    pub offsite: Option<i64>,
    /// Bytes of what the newest good one holds.
    pub bytes: Option<i64>,
    /// Bytes of them that were new, compressed.
    pub new_bytes: Option<i64>,
    /// How long it took, in seconds.
    pub duration: Option<i64>,
    /// How old the newest good one may be, in seconds.
    pub rpo: Option<i64>,
    /// When the last rehearsed restore came back.
    pub drilled: Option<i64>,
    /// How long it took, in seconds.
    pub drill_duration: Option<i64>,
    /// Rows that came back.
    pub drill_rows: Option<i64>,
    /// How long a restore may take, in seconds.
    pub rto: Option<i64>,
    /// Whether the condition Recoverable is True.
    pub recoverable: Option<i64>,
}

/// A number about backups: its name after `chatbot_`, its meaning, and where it stands.
type OfBackups = (&'static str, &'static str, fn(&Backups) -> Option<i64>);

/// Names without a unit of their own have it written out: a gauge of bytes is called `_bytes`.
const OF_BACKUPS: [OfBackups; 12] = [
    ("backup_last_success_timestamp_seconds", "When what the newest good backup holds was so", |it| it.last_success),
    (
        "backup_verified_timestamp_seconds",
        "The same of the newest one after which the repository was found sound",
        |it| it.verified,
    ),
    ("backup_offsite_timestamp_seconds", "The same of the newest one that the second repository has", |it| it.offsite),
    ("backup_bytes", "Size of what the newest good backup holds", |it| it.bytes),
    ("backup_new_bytes", "Size of what was new of it, compressed", |it| it.new_bytes),
    ("backup_duration_seconds", "Time that the newest good backup took", |it| it.duration),
    ("backup_rpo_seconds", "How old the newest good backup may be: spec.backups.rpo", |it| it.rpo),
    ("drill_last_success_timestamp_seconds", "When a rehearsed restore last came back", |it| it.drilled),
    ("drill_restore_duration_seconds", "Time that it took", |it| it.drill_duration),
    ("drill_rows", "Rows that came back", |it| it.drill_rows),
    ("drill_rto_seconds", "How long a restore may take: spec.backups.rto", |it| it.rto),
    ("drill_recoverable", "1 while the condition Recoverable is True, 0 while it is False", |it| it.recoverable),
];

/// What is shown of an environment until it is next reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The labels of `environment_info`.
    pub info: Info,
    /// Phase that status shows.
    pub phase: Option<String>,
    /// When the last good release ended, in seconds since 1970; none before the first.
    pub last_success: Option<i64>,
    /// Whether the condition Ready is True.
    pub ready: bool,
    /// Backups and drills; what was last known where nobody could look.
    pub backups: Option<Backups>,
}

/// Every metric of the operator.
pub struct Metrics {
    registry: Registry,
    reconciliations: Family<Outcome, Counter<u64, AtomicU64>>,
    errors: Family<Kind, Counter<u64, AtomicU64>>,
    duration: Histogram,
    writes: Family<Write, Counter<u64, AtomicU64>>,
    info: Family<Info, Gauge<i64, AtomicI64>>,
    ready: Family<Environment, Gauge<i64, AtomicI64>>,
    phase: Family<PhaseOf, Gauge<i64, AtomicI64>>,
    releases: Family<Outcome, Counter<u64, AtomicU64>>,
    rollbacks: Family<Reason, Counter<u64, AtomicU64>>,
    steps_duration: Family<StepOf, Histogram>,
    last_success: Family<Environment, Gauge<i64, AtomicI64>>,
    notifications: Family<Outcome, Counter<u64, AtomicU64>>,
    backups: [Family<Environment, Gauge<i64, AtomicI64>>; OF_BACKUPS.len()],
    restores_duration: Family<Outcome, Histogram>,
    leader: Gauge<i64, AtomicI64>,
    shown: Mutex<Vec<(Environment, Shown)>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self::unregistered();
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn unregistered() -> Self {
        Self {
            registry: Registry::default(),
            reconciliations: Family::default(),
            errors: Family::default(),
            duration: Histogram::new(exponential_buckets(0.005, 2.0, 12)),
            writes: Family::default(),
            info: Family::default(),
            ready: Family::default(),
            phase: Family::default(),
            releases: Family::default(),
            rollbacks: Family::default(),
            steps_duration: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.5, 2.0, 16))),
            last_success: Family::default(),
            notifications: Family::default(),
            backups: Default::default(),
            restores_duration: Family::new_with_constructor(|| Histogram::new(exponential_buckets(4.0, 2.0, 14))),
            leader: Gauge::default(),
            shown: Mutex::default(),
        }
    }

    fn register(&mut self) {
        let Self {
            registry,
            reconciliations,
            errors,
            duration,
            writes,
            info,
            ready,
            phase,
            releases,
            rollbacks,
            steps_duration,
            last_success,
            notifications,
            backups,
            restores_duration,
            leader,
            shown: _,
        } = self;
        register_backups(registry, backups, restores_duration);
        registry.register("chatbot_release", "Releases that ended, by outcome", releases.clone());
        let release = registry.sub_registry_with_prefix("chatbot_release");
        release.register("phase", "1 for the phase that a release is in", phase.clone());
        release.register(
            "rollbacks",
            "Releases that were taken back after they had the traffic, by reason",
            rollbacks.clone(),
        );
        release.register_with_unit(
            "steps_duration",
            "Time that the steps of releases took, by step and outcome",
            Unit::Seconds,
            steps_duration.clone(),
        );
        release.register_with_unit(
            "last_success_timestamp",
            "When the last good release of an environment ended",
            Unit::Seconds,
            last_success.clone(),
        );
        let registry = registry.sub_registry_with_prefix("chatbot_operator");
        registry.register("reconciliations", "Reconciliations by outcome", reconciliations.clone());
        registry.register("reconcile_errors", "Failed reconciliations by kind of error", errors.clone());
        registry.register_with_unit(
            "reconcile_duration",
            "Time one reconciliation took",
            Unit::Seconds,
            duration.clone(),
        );
        registry.register("api_writes", "Writes to the API server by kind and verb", writes.clone());
        registry.register("environment_info", "Each environment: tier, image and colour that serve", info.clone());
        registry.register("environment_ready", "1 while the condition Ready is True", ready.clone());
        registry.register("notifications", "Messages to the webhook by outcome", notifications.clone());
        registry.register("leader", "1 in the process that holds the Lease", leader.clone());
    }

    /// The metrics as text (OpenMetrics 1.0).
    ///
    /// # Errors
    /// When a metric cannot be written as text.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }

    /// Counts one reconciliation; `error` is the label of [`crate::error::Error::handling`].
    pub fn reconciled(&self, took: Duration, error: Option<&'static str>) {
        self.duration.observe(took.as_secs_f64());
        let outcome = if error.is_some() { "error" } else { "success" };
        self.reconciliations.get_or_create(&Outcome { outcome }).inc();
        if let Some(kind) = error {
            self.errors.get_or_create(&Kind { kind }).inc();
        }
    }

    /// Counts a look at a backup or a restore that failed.
    pub fn failed(&self, kind: &'static str) {
        self.errors.get_or_create(&Kind { kind }).inc();
    }

    /// Counts one write.
    pub fn wrote(&self, kind: &str, verb: &'static str) {
        self.writes.get_or_create(&Write { kind: kind.to_owned(), verb }).inc();
    }

    /// Counts the end of a release.
    pub fn release_ended(&self, outcome: &'static str) {
        self.releases.get_or_create(&Outcome { outcome }).inc();
    }

    /// Counts a release that was taken back after it had the traffic; `reason` is one of few: why it was.
    pub fn rolled_back(&self, reason: &str) {
        self.rollbacks.get_or_create(&Reason { reason: reason.to_owned() }).inc();
    }

    /// Records the end of one step of a release.
    pub fn step_ended(&self, step: &str, outcome: &'static str, seconds: f64) {
        self.steps_duration.get_or_create(&StepOf { step: step.to_owned(), outcome }).observe(seconds);
    }

    /// Records the end of a restore.
    pub fn restore_ended(&self, outcome: &'static str, seconds: f64) {
        self.restores_duration.get_or_create(&Outcome { outcome }).observe(seconds);
    }

    /// Counts a message to the webhook: sent, failed or dropped.
    pub fn notified(&self, outcome: &'static str) {
        self.notifications.get_or_create(&Outcome { outcome }).inc();
    }

    /// Says whether this process leads.
    pub fn set_leader(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// Shows an environment as it is now, and removes what was shown of it before; `None` removes it altogether.
    pub fn show(&self, environment: &Environment, now: Option<Shown>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut known_success, mut known_backups) = (None, None);
        if let Some(index) = shown.iter().position(|(known, _)| known == environment) {
            let (_, before) = shown.swap_remove(index);
            self.info.remove(&before.info);
            self.ready.remove(environment);
            self.last_success.remove(environment);
            for family in &self.backups {
                family.remove(environment);
            }
            known_success = before.last_success;
            known_backups = before.backups;
            before.phase.map(|phase| self.phase.remove(&phase_of(environment, phase)));
        }
        if let Some(now) = now {
            // The history forgets after ten releases, however bad they were.
            let last_success = now.last_success.or(known_success);
            let now = Shown { last_success, backups: now.backups.or(known_backups), ..now };
            self.info.get_or_create(&now.info).set(1);
            self.ready.get_or_create(environment).set(i64::from(now.ready));
            if let Some(at) = now.last_success {
                self.last_success.get_or_create(environment).set(at);
            }
            for ((.., number), family) in OF_BACKUPS.iter().zip(&self.backups) {
                if let Some(number) = now.backups.as_ref().and_then(number) {
                    family.get_or_create(environment).set(number);
                }
            }
            if let Some(phase) = now.phase.clone() {
                self.phase.get_or_create(&phase_of(environment, phase)).set(1);
            }
            shown.push((environment.clone(), now));
        }
    }
}

fn register_backups(
    registry: &mut Registry,
    backups: &[Family<Environment, Gauge<i64, AtomicI64>>],
    restores_duration: &Family<Outcome, Histogram>,
) {
    for ((name, help, _), family) in OF_BACKUPS.iter().zip(backups) {
        registry.register(format!("chatbot_{name}"), *help, family.clone());
    }
    registry.register_with_unit(
        "chatbot_restore_duration",
        "Time that restores took from their first step to their end, by outcome",
        Unit::Seconds,
        restores_duration.clone(),
    );
}

fn phase_of(environment: &Environment, phase: String) -> PhaseOf {
    PhaseOf { namespace: environment.namespace.clone(), name: environment.name.clone(), phase }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(image: &str, ready: bool) -> Shown {
        let [namespace, name, tier, image] = ["chat", "dev", "dev", image].map(str::to_owned);
        Shown {
            info: Info { namespace, name, tier, image, active: "blue".to_owned() },
            phase: None,
            last_success: None,
            ready,
            backups: Some(Backups { last_success: Some(1), bytes: Some(2), ..Backups::default() }),
        }
    }

    #[test]
    fn an_environment_is_shown_once_whatever_it_was_before() {
        let metrics = Metrics::default();
        let environment = Environment { namespace: "chat".to_owned(), name: "dev".to_owned() };
        metrics.show(&environment, Some(shown("old:1", false)));
        metrics.show(&environment, Some(shown("new:2", true)));
        let text = metrics.encode().unwrap();
        assert!(text.contains("image=\"new:2\"") && !text.contains("old:1"), "{text}");
        assert!(text.contains("chatbot_operator_environment_ready{namespace=\"chat\",name=\"dev\"} 1"), "{text}");
        assert!(text.contains("chatbot_backup_bytes{namespace=\"chat\",name=\"dev\"} 2"), "{text}");
        assert!(!text.contains("chatbot_drill_rows{"), "what is not known is not shown: {text}");
        metrics.show(&environment, None);
        assert!(!metrics.encode().unwrap().contains("name=\"dev\""));
    }

    #[test]
    fn names_are_those_that_dashboards_know() {
        let metrics = Metrics::default();
        metrics.reconciled(Duration::from_millis(7), Some("api"));
        metrics.wrote("Deployment", "apply");
        metrics.set_leader(true);
        metrics.release_ended("succeeded");
        metrics.rolled_back("person");
        metrics.step_ended("Bake", "failed", 60.0);
        metrics.restore_ended("succeeded", 60.0);
        let text = metrics.encode().unwrap();
        for line in [
            "chatbot_operator_reconciliations_total{outcome=\"error\"} 1",
            "chatbot_operator_reconcile_errors_total{kind=\"api\"} 1",
            "chatbot_operator_reconcile_duration_seconds_count 1",
            "chatbot_operator_api_writes_total{kind=\"Deployment\",verb=\"apply\"} 1",
            "chatbot_operator_leader 1",
            "chatbot_release_total{outcome=\"succeeded\"} 1",
            "chatbot_release_rollbacks_total{reason=\"person\"} 1",
            "chatbot_restore_duration_seconds_count{outcome=\"succeeded\"} 1",
            "chatbot_release_steps_duration_seconds_count{step=\"Bake\",outcome=\"failed\"} 1",
        ] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
    }
}
