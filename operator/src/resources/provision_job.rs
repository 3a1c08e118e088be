//! The Job that makes database, role, bucket and collections on shared services.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Container;

use super::labels::Component;
use super::release_job::job_spec;
use super::{Slot, metadata::metadata, names, pod};
use crate::controllers::environment::resolve::{Provision, Resolved};

/// Prefix of the administrator's variables.
const ADMIN_PREFIX: &str = "ADMIN_";
/// Creating empty things takes seconds.
const DEADLINE_SECONDS: i64 = 600;

/// Provisions with the image and variables of the slot's release; nothing where the environment asks for no provisioning.
/// The name holds a hash of what the Job works with, so that a change makes a new Job.
#[must_use]
pub fn build(resolved: &Resolved, slot: &Slot) -> Option<Job> {
    let provision = resolved.provision.as_ref()?;
    let identity = &resolved.identity;
    let labels = pod::pod_labels(resolved, Component::Provision, slot);
    let spec = pod::spec(resolved, container(resolved, slot, provision));
    Some(Job {
        metadata: metadata(identity, names::provision_job(&identity.name, &provision.hash), labels.clone()),
        spec: Some(job_spec(labels, spec, DEADLINE_SECONDS)),
        status: None,
    })
}

fn container(resolved: &Resolved, slot: &Slot, provision: &Provision) -> Container {
    let mut container = pod::container(resolved, slot, "provision", &["provision"]);
    let admin = pod::env_from(provision.admin_secret.clone(), Some(ADMIN_PREFIX));
    container.env_from.get_or_insert_default().push(admin);
    Container { resources: Some(pod::job_resources()), ..container }
}
