//! The Jobs that migrate the schema for a release.

use k8s_openapi::api::batch::v1::{
    Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule,
};
use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::labels::{self, Component};
use super::{Slot, metadata::metadata, names, pod};
use crate::controllers::environment::resolve::Resolved;

/// Retries inside the deadline: a database that restarts should not fail a release, a wrong migration should fail it soon.
const RETRIES: i32 = 2;

/// Which migrations of the release's image run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migration {
    /// Those that leave the running release working.
    Expand,
    /// Those that drop what only an earlier release needed.
    Contract,
}

impl Migration {
    /// Value of the option `--kind`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Contract => "contract",
        }
    }
}

/// Migrates with the slot's image and variables. The operator deletes finished Jobs itself: their outcome belongs to the
/// release's log.
#[must_use]
pub fn build(resolved: &Resolved, slot: &Slot, migration: Migration) -> Job {
    let identity = &resolved.identity;
    let migrate = Container {
        resources: Some(pod::job_resources()),
        ..pod::container(resolved, slot, "migrate", &["migrate", "up", "--kind", migration.as_str()])
    };
    let labels = pod::pod_labels(resolved, Component::Migrate, slot);
    let name = names::migration_job(&identity.name, migration, &slot.release);
    Job {
        metadata: metadata(identity, name, labels.clone()),
        spec: Some(job_spec(labels, pod::spec(resolved, migrate), resolved.migrations.timeout_seconds())),
        status: None,
    }
}

/// A Job of one pod at a time that ends within `deadline` seconds. An evicted pod is no failure.
pub(super) fn job_spec(labels: labels::Labels, spec: PodSpec, deadline: i64) -> JobSpec {
    let spec = PodSpec { restart_policy: Some("Never".to_owned()), ..spec };
    JobSpec {
        backoff_limit: Some(RETRIES),
        active_deadline_seconds: Some(deadline),
        pod_failure_policy: Some(PodFailurePolicy { rules: vec![ignore_disruption()] }),
        template: pod::template(labels, spec),
        ..JobSpec::default()
    }
}

fn ignore_disruption() -> PodFailurePolicyRule {
    let condition =
        PodFailurePolicyOnPodConditionsPattern { type_: "DisruptionTarget".to_owned(), status: "True".to_owned() };
    PodFailurePolicyRule { action: "Ignore".to_owned(), on_pod_conditions: Some(vec![condition]), on_exit_codes: None }
}
