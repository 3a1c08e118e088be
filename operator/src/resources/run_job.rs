//! A single run of a backup, or of a step of a restore: a Job from the recipe of one of the environment's CronJobs.

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::EnvVar;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::labels;

/// How long a finished Job of a single run is kept for its log, in seconds: what it came to is in the object that asked for it.
const KEPT: i32 = 24 * 3600;

/// What tells a single run from the scheduled one.
#[derive(Clone, Debug, PartialEq)]
pub struct Single<'a> {
    /// Name of the Job.
    pub name: String,
    /// Uid of the object that asks for it.
    pub asked_by: String,
    /// With what it goes. A Job that must come to its end goes with nothing, but for its age.
    pub owner: Option<OwnerReference>,
    /// Value of [`labels::BACKUP`].
    pub run: &'a str,
    /// The chatbot's command.
    pub args: Vec<String>,
    /// Variables beside those of the recipe.
    pub variables: Vec<EnvVar>,
}

/// The Job; nothing where the CronJob has no recipe.
#[must_use]
pub fn build(cron_job: &CronJob, single: Single<'_>) -> Option<Job> {
    let template = &cron_job.spec.as_ref()?.job_template;
    let mut spec = template.spec.clone()?;
    let own = |labels: Option<labels::Labels>| {
        let labels = labels::with(labels.unwrap_or_default(), labels::BACKUP, single.run);
        Some(labels::with(labels, labels::FOR, &single.asked_by))
    };
    spec.ttl_seconds_after_finished = Some(KEPT);
    let pod = spec.template.metadata.get_or_insert_default();
    pod.labels = own(pod.labels.take());
    let container = spec.template.spec.as_mut()?.containers.first_mut()?;
    container.args = Some(single.args);
    container.env.get_or_insert_default().extend(single.variables);
    Some(Job {
        metadata: ObjectMeta {
            name: Some(single.name),
            namespace: cron_job.metadata.namespace.clone(),
            labels: own(template.metadata.as_ref().and_then(|metadata| metadata.labels.clone())),
            owner_references: single.owner.map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        spec: Some(spec),
        status: None,
    })
}
