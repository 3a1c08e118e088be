//! The Deployments of one colour, app and worker, and that of the task monitor.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{Container, ContainerPort, HTTPGetAction, PodSpec, Probe, TopologySpreadConstraint};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::labels::{self, Component, Labels};
use super::{Slot, metadata::metadata, names, pod};
use crate::controllers::environment::resolve::Resolved;

/// What a worker gets beyond its drain timeout to hand its jobs back, in seconds.
const WORKER_MARGIN_SECONDS: i64 = 30;
/// How long a start may take before the kubelet restarts the container, in seconds. Generous: a pod that waits for its
/// database is not mended by a restart; the release's own deadline is shorter.
const STARTUP_SECONDS: i32 = 600;
const READY: &str = "/health/ready";
const MONITOR_READY: &str = "/healthcheck";
const LIVE: &str = "/health/live";

/// Deployment of the HTTP servers. `replicas` is unset where an autoscaler owns the number.
#[must_use]
pub fn app(resolved: &Resolved, slot: &Slot, replicas: Option<i32>) -> Deployment {
    let server = Container {
        env: Some(vec![pod::variable("PORT", pod::PORT), pod::variable("WORKERS", resolved.app.workers)]),
        resources: Some(resolved.app.resources.clone()),
        ..serving(pod::container(resolved, slot, "app", &["serve"]), pod::PORT, READY)
    };
    let spec = with_grace(pod::spec(resolved, server), resolved.graces.seconds(&slot.release));
    deployment(resolved, slot, Component::App, replicas, spec)
}

/// Deployment of the background workers. `replicas` is unset where an autoscaler owns the number.
#[must_use]
pub fn worker(resolved: &Resolved, slot: &Slot, replicas: Option<i32>) -> Deployment {
    let (queues, drain) = (&resolved.worker.queues, resolved.worker.drain_seconds());
    let worker = Container {
        env: Some(vec![
            pod::variable("PORT", pod::PORT),
            pod::variable("QUEUE_HIGH", queues.high),
            pod::variable("QUEUE_MEDIUM", queues.medium),
            pod::variable("QUEUE_LOW", queues.low),
            pod::variable("DRAIN_TIMEOUT", drain),
        ]),
        resources: Some(resolved.worker.resources.clone()),
        ..serving(pod::container(resolved, slot, "worker", &["worker"]), pod::PORT, READY)
    };
    let spec = with_grace(pod::spec(resolved, worker), drain.saturating_add(WORKER_MARGIN_SECONDS));
    deployment(resolved, slot, Component::Worker, replicas, spec)
}

/// Deployment of the task monitor; none where it is switched off. It has no colour: there is one, which goes from release to release.
#[must_use]
pub fn monitor(resolved: &Resolved, slot: &Slot) -> Option<Deployment> {
    let (identity, monitor) = (&resolved.identity, resolved.monitor.as_ref()?);
    let container = Container {
        env: Some(vec![pod::variable("MONITOR_PORT", pod::MONITOR_PORT)]),
        resources: Some(monitor.resources.clone()),
        ..serving(pod::container(resolved, slot, "monitor", &["monitor"]), pod::MONITOR_PORT, MONITOR_READY)
    };
    let labels = pod::pod_labels(resolved, Component::Monitor, slot);
    Some(Deployment {
        metadata: metadata(identity, names::component(&identity.name, Component::Monitor), labels.clone()),
        spec: Some(DeploymentSpec {
            replicas: Some(monitor.replicas),
            selector: match_labels(labels::component_selector(&identity.name, Component::Monitor)),
            template: pod::template(labels, pod::spec(resolved, container)),
            strategy: Some(old_first()),
            progress_deadline_seconds: Some(resolved.release.progress_deadline_seconds()),
            revision_history_limit: Some(2),
            ..DeploymentSpec::default()
        }),
        status: None,
    })
}

fn deployment(
    resolved: &Resolved,
    slot: &Slot,
    component: Component,
    replicas: Option<i32>,
    spec: PodSpec,
) -> Deployment {
    let identity = &resolved.identity;
    let selector = labels::selector(&identity.name, component, Some(slot.colour));
    let labels = labels::with(pod::pod_labels(resolved, component, slot), labels::COLOUR, slot.colour.as_str());
    let spec = with_spread(resolved, spec, &selector);
    Deployment {
        metadata: metadata(identity, names::deployment(&identity.name, component, slot.colour), labels.clone()),
        spec: Some(DeploymentSpec {
            replicas,
            selector: match_labels(selector),
            template: pod::template(labels, spec),
            strategy: Some(surge_first()),
            progress_deadline_seconds: Some(resolved.release.progress_deadline_seconds()),
            revision_history_limit: Some(2),
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

/// A new pod is ready before an old one goes.
fn surge_first() -> DeploymentStrategy {
    let rolling =
        RollingUpdateDeployment { max_surge: Some(IntOrString::Int(1)), max_unavailable: Some(IntOrString::Int(0)) };
    DeploymentStrategy { type_: Some("RollingUpdate".to_owned()), rolling_update: Some(rolling) }
}

/// The old pod goes before a new one is ready, and although none may ever be: an image without a task monitor must not keep a pod of
/// the release before, for whose end that release's schema waits.
fn old_first() -> DeploymentStrategy {
    DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None }
}

fn with_grace(spec: PodSpec, seconds: i64) -> PodSpec {
    PodSpec { termination_grace_period_seconds: Some(seconds), ..spec }
}

/// Spread over nodes and zones where the cluster has several; on a single node nothing is left unscheduled.
fn with_spread(resolved: &Resolved, spec: PodSpec, selector: &Labels) -> PodSpec {
    if !resolved.topology_spread {
        return spec;
    }
    let constraint = |key: &str| TopologySpreadConstraint {
        max_skew: 1,
        topology_key: key.to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(match_labels(selector.clone())),
        ..TopologySpreadConstraint::default()
    };
    let constraints = vec![constraint("kubernetes.io/hostname"), constraint("topology.kubernetes.io/zone")];
    PodSpec { topology_spread_constraints: Some(constraints), ..spec }
}

/// Adds port and probes to a container that answers under `ready` whether it can work.
fn serving(container: Container, port: i32, ready: &str) -> Container {
    let port = ContainerPort {
        name: Some(pod::PORT_NAME.to_owned()),
        container_port: port,
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    };
    Container {
        ports: Some(vec![port]),
        startup_probe: Some(probe(ready, 1, STARTUP_SECONDS)),
        readiness_probe: Some(probe(ready, 5, 2)),
        liveness_probe: Some(probe(LIVE, 10, 3)),
        ..container
    }
}

fn probe(path: &str, period_seconds: i32, failure_threshold: i32) -> Probe {
    let port = IntOrString::String(pod::PORT_NAME.to_owned());
    Probe {
        http_get: Some(HTTPGetAction { path: Some(path.to_owned()), port, ..HTTPGetAction::default() }),
        period_seconds: Some(period_seconds),
        timeout_seconds: Some(3),
        failure_threshold: Some(failure_threshold),
        ..Probe::default()
    }
}

fn match_labels(labels: Labels) -> LabelSelector {
    LabelSelector { match_labels: Some(labels), match_expressions: None }
}
