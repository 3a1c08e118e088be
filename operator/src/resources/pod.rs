//! The pod that app, worker, task monitor and jobs share: restricted by Pod Security, read-only, without a token.
//!
//! Only what an environment or its release says may enter here; anything else would restart every workload when the operator
//! is upgraded.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Capabilities, Container, EmptyDirVolumeSource, EnvFromSource, EnvVar, LocalObjectReference, PodSecurityContext,
    PodSpec, PodTemplateSpec, ResourceRequirements, SeccompProfile, SecretEnvSource, SecurityContext, Volume,
    VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::labels::{self, Component, Labels};
use super::{Slot, names};
use crate::controllers::environment::resolve::{Resolved, image};

/// Port of the HTTP server in app and worker pods.
pub(super) const PORT: i32 = 8000;
/// Port of the HTTP server in the task monitor's pod.
pub(super) const MONITOR_PORT: i32 = 5555;
/// Name of either port.
pub(super) const PORT_NAME: &str = "http";
/// User and group of every container.
const UID: i64 = 65532;
const TMP: &str = "tmp";
const TMP_SIZE: &str = "1Gi";

/// A pod with one container of the release's image.
pub(super) fn template(labels: Labels, spec: PodSpec) -> PodTemplateSpec {
    let metadata = ObjectMeta { labels: Some(labels), ..ObjectMeta::default() };
    PodTemplateSpec { metadata: Some(metadata), spec: Some(spec) }
}

/// Labels of a pod of one release.
pub(super) fn pod_labels(resolved: &Resolved, component: Component, slot: &Slot) -> Labels {
    let labels = labels::of_component(&resolved.identity, component);
    let labels = labels::with(labels, labels::VERSION, &image::version(&slot.image));
    labels::with(labels, labels::RELEASE, &slot.release)
}

/// What every pod has in common, around its container.
pub(super) fn spec(resolved: &Resolved, container: Container) -> PodSpec {
    let pull_secrets: Vec<_> = resolved.image.pull_secrets.iter().cloned().map(local_reference).collect();
    PodSpec {
        containers: vec![container],
        service_account_name: Some(names::environment(&resolved.identity.name)),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        image_pull_secrets: (!pull_secrets.is_empty()).then_some(pull_secrets),
        security_context: Some(pod_security()),
        volumes: Some(vec![tmp_volume()]),
        ..PodSpec::default()
    }
}

/// A hardened container of the slot's image with every variable of its release.
pub(super) fn container(resolved: &Resolved, slot: &Slot, name: &str, args: &[&str]) -> Container {
    Container {
        name: name.to_owned(),
        image: Some(slot.image.clone()),
        image_pull_policy: resolved.image.pull_policy.clone(),
        args: Some(args.iter().map(|arg| (*arg).to_owned()).collect()),
        env_from: Some(vec![env_from(names::release_secret(&resolved.identity.name, &slot.release), None)]),
        security_context: Some(container_security()),
        volume_mounts: Some(vec![tmp_mount()]),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    }
}

/// Every key of a Secret as a variable, its name after `prefix`.
pub(super) fn env_from(secret: String, prefix: Option<&str>) -> EnvFromSource {
    let secret_ref = SecretEnvSource { name: secret, optional: None };
    EnvFromSource { secret_ref: Some(secret_ref), prefix: prefix.map(str::to_owned), config_map_ref: None }
}

/// One variable with a number.
pub(super) fn variable(name: &str, value: impl Into<i64>) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value.into().to_string()), value_from: None }
}

/// Requests and limits of the short-lived pods of jobs.
pub(super) fn job_resources() -> ResourceRequirements {
    let amounts = |cpu: &str, memory: &str| {
        let pair = [("cpu", cpu), ("memory", memory)];
        Some(
            pair.map(|(name, amount)| (name.to_owned(), Quantity(amount.to_owned())))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
        )
    };
    ResourceRequirements { requests: amounts("100m", "128Mi"), limits: amounts("1", "512Mi"), claims: None }
}

fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(UID),
        run_as_group: Some(UID),
        fs_group: Some(UID),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
        ..PodSecurityContext::default()
    }
}

fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        run_as_non_root: Some(true),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
        ..SecurityContext::default()
    }
}

fn tmp_volume() -> Volume {
    let directory = EmptyDirVolumeSource { size_limit: Some(Quantity(TMP_SIZE.to_owned())), medium: None };
    Volume { name: TMP.to_owned(), empty_dir: Some(directory), ..Volume::default() }
}

fn tmp_mount() -> VolumeMount {
    VolumeMount { name: TMP.to_owned(), mount_path: "/tmp".to_owned(), ..VolumeMount::default() }
}

fn local_reference(name: String) -> LocalObjectReference {
    LocalObjectReference { name }
}
