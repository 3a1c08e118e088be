//! What the spec says and this version does not do: accepted, validated, and named in a condition.

use std::fmt;

use super::{Apis, Backups};
use crate::crd::{
    ChatbotEnvironmentSpec, MonitoringLevel, OnFailure, OnRollback, Promotion, ReleaseSpec, Strategy, TierDefaults,
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

/// Fields whose machinery this version does not have. A tier's default counts like a field that was written.
pub(super) fn by_this_version(
    spec: &ChatbotEnvironmentSpec,
    defaults: &TierDefaults,
    backups: &Backups,
) -> Vec<NotActedOn> {
    let migrations = &spec.migrations;
    let checks = [
        (backups.are_wanted(), "backups", "no backups are made yet: back the database up by other means"),
        (
            migrations.backup_first.unwrap_or(defaults.backup_first),
            "migrations.backupFirst",
            "no backup is made before migrating",
        ),
        (
            migrations.on_rollback != OnRollback::WhenLossless,
            "migrations.onRollback",
            "the schema stays expanded after a rollback",
        ),
        (spec.monitor.enabled, "monitor", "the task monitor is not run yet"),
    ];
    let mut fields: Vec<_> = checks.into_iter().filter_map(named).collect();
    fields.extend(of_release(&spec.release, defaults));
    fields
}

fn of_release(release: &ReleaseSpec, defaults: &TierDefaults) -> Vec<NotActedOn> {
    let blue_green = release.strategy.unwrap_or(defaults.strategy) == Strategy::BlueGreen;
    let bake = !release.bake.unwrap_or(defaults.bake).to_std().is_zero();
    let checks = [
        (blue_green, "release.strategy", "BlueGreen is released as Rolling"),
        (release.promotion == Promotion::Manual, "release.promotion", "a checked release is promoted without a person"),
        (bake, "release.bake", "a release is not watched after its checks"),
        (
            release.analysis != crate::crd::Analysis::default(),
            "release.analysis",
            "a release is not watched after its checks",
        ),
        (release.on_failure == OnFailure::Hold, "release.onFailure", "a release that fails is never held"),
    ];
    checks.into_iter().filter_map(named).collect()
}

/// Monitoring that the cluster, or this version, cannot set up.
pub(super) fn monitoring(level: MonitoringLevel, apis: Apis) -> Option<NotActedOn> {
    let without_operator =
        "the cluster has no ServiceMonitor: install the Prometheus operator's CRDs, or set monitoring.level to None";
    let message = match (level, apis.service_monitor) {
        (MonitoringLevel::None, _) | (MonitoringLevel::Basic, true) => return None,
        (MonitoringLevel::Basic | MonitoringLevel::Full, false) => without_operator,
        (MonitoringLevel::Full, true) => "Full is set up as Basic: no alerts are made yet",
    };
    Some(NotActedOn::new("monitoring.level", message))
}

fn named((holds, field, message): (bool, &str, &str)) -> Option<NotActedOn> {
    holds.then(|| NotActedOn::new(field, message))
}
