//! What the spec says and has no effect: accepted, validated, and named in a condition.

use std::fmt;

use super::{Apis, Backups, Monitoring};
use crate::crd::{
    BackupsSpec, ChatbotEnvironmentSpec, MonitoringLevel, OnFailure, Promotion, ReleaseSpec, Strategy, TierDefaults,
};

/// A part of the spec that has no effect, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotActedOn {
    /// The field, as a path in the spec.
    pub field: String,
    /// Why it has no effect, and what to do about it, if anything.
    pub message: String,
}

impl NotActedOn {
    /// A field and the reason why it has no effect.
    #[must_use]
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl fmt::Display for NotActedOn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.message)
    }
}

/// Fields that another field of the same spec, or its absence, deprives of their effect.
pub(super) fn by_other_fields(spec: &ChatbotEnvironmentSpec, backups: &Backups) -> Vec<NotActedOn> {
    let (given, none) = (&spec.backups, BackupsSpec::default());
    let unscheduled = "no backup is scheduled: write backups.schedules, or remove it";
    let idle = !backups.has_schedule();
    let autoscaled = "autoscaling decides the number of pods: remove it, or remove autoscaling";
    let checks = [
        (idle && given.suspend, "backups.suspend", unscheduled),
        (idle && given.rpo != none.rpo, "backups.rpo", unscheduled),
        (idle && given.rto != none.rto, "backups.rto", unscheduled),
        (spec.app.autoscaling.is_some() && spec.app.replicas.is_some(), "app.replicas", autoscaled),
        (spec.worker.autoscaling.is_some() && spec.worker.replicas.is_some(), "worker.replicas", autoscaled),
        (
            !spec.network.policies && !spec.network.allow_from.is_empty(),
            "network.allowFrom",
            "network.policies is false, so everybody is let in: remove it, or remove network.policies",
        ),
    ];
    checks.into_iter().filter_map(named).collect()
}

/// What only a release beside the active one can do, written for one that replaces it. A tier's default is nobody's wish here.
pub(super) fn of_release(release: &ReleaseSpec, defaults: &TierDefaults) -> Vec<NotActedOn> {
    let is_rolling = release.strategy.unwrap_or(defaults.strategy) == Strategy::Rolling;
    let bake = release.bake.unwrap_or(defaults.bake).to_std();
    let in_place = "a Rolling release replaces the pods in place: write strategy BlueGreen, or remove it";
    let unwatched = "nothing is watched without a bake: write release.bake, or remove it";
    let has_analysis = release.analysis != crate::crd::Analysis::default();
    let holds = release.on_failure == OnFailure::Hold;
    let checks = [
        (is_rolling && release.promotion == Promotion::Manual, "release.promotion", in_place),
        (is_rolling && !bake.is_zero(), "release.bake", in_place),
        (is_rolling && has_analysis, "release.analysis", in_place),
        (is_rolling && holds, "release.onFailure", in_place),
        (!is_rolling && bake.is_zero() && has_analysis, "release.analysis", unwatched),
        (!is_rolling && bake.is_zero() && holds, "release.onFailure", unwatched),
    ];
    checks.into_iter().filter_map(named).collect()
}

/// Monitoring that the cluster, or this version, cannot set up.
pub(super) fn monitoring(monitoring: &Monitoring, apis: Apis) -> Option<NotActedOn> {
    let without_operator = "the cluster lacks ServiceMonitor or PodMonitor, so app or workers are not scraped: install the \
         Prometheus operator's CRDs, or set monitoring.level to None";
    let without_rules = "the cluster lacks PrometheusRule, so nobody is called: install the Prometheus operator's CRDs, or set \
         monitoring.level to Basic";
    let (field, message) = match (monitoring.level, apis.service_monitor && apis.pod_monitor) {
        (MonitoringLevel::None, _) if !monitoring.labels.is_empty() => {
            ("monitoring.labels", "monitoring.level is None, so nothing has them: write Basic, or remove them")
        }
        (MonitoringLevel::Basic | MonitoringLevel::Full, false) => ("monitoring.level", without_operator),
        (MonitoringLevel::Full, true) if !apis.prometheus_rule => ("monitoring.level", without_rules),
        (MonitoringLevel::None, _) | (MonitoringLevel::Basic | MonitoringLevel::Full, true) => return None,
    };
    Some(NotActedOn::new(field, message))
}

fn named((holds, field, message): (bool, &str, &str)) -> Option<NotActedOn> {
    holds.then(|| NotActedOn::new(field, message))
}
