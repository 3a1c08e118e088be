//! The Jobs that work on the database for a release: back it up, widen the schema, narrow it, take back what was widened.

use k8s_openapi::api::batch::v1::{
    Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule,
};
use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::labels::{self, Component};
use super::{Slot, backup_cron_job, metadata::metadata, names, pod};
use crate::{controllers::environment::resolve::Resolved, crd::OnRollback};

/// Retries inside the deadline: a database that restarts should not fail a release, a wrong migration should fail it soon.
const RETRIES: i32 = 2;

/// What is done to the database, with the release's image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A backup is made, and read back.
    Backup,
    /// The migrations run that leave the release before working.
    Expand,
    /// The migrations run that drop what only an earlier release needed.
    Contract,
    /// What the release's own expand did is reverted: only where that loses nothing, or in any case.
    Downgrade,
}

impl Task {
    /// Every task.
    pub const ALL: [Self; 4] = [Self::Backup, Self::Expand, Self::Contract, Self::Downgrade];

    /// The part of the environment that does it: it decides what the pod may reach.
    fn component(self) -> Component {
        match self {
            Self::Backup => Component::Backup,
            Self::Expand | Self::Contract | Self::Downgrade => Component::Migrate,
        }
    }

    /// The chatbot's command.
    fn command(self, resolved: &Resolved, release: &str, serving: Option<Serving<'_>>) -> Vec<String> {
        let words = match self {
            Self::Backup => vec!["backup", "--unless-empty"],
            Self::Expand => vec!["migrate", "up", "--kind", "expand"],
            Self::Contract => vec!["migrate", "up", "--kind", "contract"],
            Self::Downgrade => {
                let lossless = (resolved.migrations.on_rollback != OnRollback::Always).then_some("--lossless");
                let above = serving.and_then(|serving| serving.schema).map(|schema| ["--above", schema]);
                ["migrate", "down", "--of-release", release]
                    .into_iter()
                    .chain(above.into_iter().flatten())
                    .chain(lossless)
                    .collect()
            }
        };
        words.into_iter().map(str::to_owned).collect()
    }
}

/// The release that serves while another one is undone.
#[derive(Clone, Copy, Debug)]
pub struct Serving<'a> {
    /// Its id.
    pub release: &'a str,
    /// The schema that it needs. Nothing up to that is taken back: a release that comes again may have migrated long ago.
    pub schema: Option<&'a str>,
}

/// Works with the slot's image, and with its variables; but the way back is gone in the database of the release that serves, since
/// it is that one's schema, and what was wrong may have been the variables. The operator deletes finished Jobs itself: their outcome belongs to the
/// release's log.
#[must_use]
pub fn build(resolved: &Resolved, slot: &Slot, task: Task, serving: Option<Serving<'_>>) -> Job {
    let identity = &resolved.identity;
    let work = Container {
        args: Some(task.command(resolved, &slot.release, serving)),
        env: (task == Task::Backup)
            .then(|| backup_cron_job::variables(resolved, &slot.release))
            .filter(|it| !it.is_empty()),
        resources: Some(pod::job_resources()),
        ..pod::container(resolved, slot, task.component().as_str(), &[])
    };
    let work = match serving.filter(|_| task == Task::Downgrade) {
        None => work,
        Some(serving) => {
            let variables = pod::env_from(names::release_secret(&identity.name, serving.release), None);
            Container { env_from: Some(vec![variables]), ..work }
        }
    };
    let labels = pod::pod_labels(resolved, task.component(), slot);
    let name = names::release_job(&identity.name, task, &slot.release);
    Job {
        metadata: metadata(identity, name, labels.clone()),
        spec: Some(job_spec(labels, pod::spec(resolved, work), resolved.migrations.timeout_seconds())),
        status: None,
    }
}

/// The operator ends a Job that takes too long, and says so. Only where no operator is left, the Job ends itself, so much later.
const LAST_RESORT: i64 = 60;

/// A Job of one pod at a time that may take `limit` seconds. An evicted pod is no failure.
pub(super) fn job_spec(labels: labels::Labels, spec: PodSpec, limit: i64) -> JobSpec {
    let spec = PodSpec { restart_policy: Some("Never".to_owned()), ..spec };
    JobSpec {
        backoff_limit: Some(RETRIES),
        active_deadline_seconds: Some(limit.saturating_add(LAST_RESORT)),
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
