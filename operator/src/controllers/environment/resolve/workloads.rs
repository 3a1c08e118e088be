//! Size and resources of app, worker and task monitor.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource;

use super::Endpoints;
use crate::crd::app::Amounts;
use crate::crd::tier::ResourceDefaults;
use crate::crd::{AppSpec, Autoscaling, Duration, MonitorSpec, QueueConcurrency, Resources, TierDefaults, WorkerSpec};

/// How many pods run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// That many.
    Fixed(i32),
    /// As many as a HorizontalPodAutoscaler finds right.
    Automatic {
        /// Fewest pods.
        min: i32,
        /// Most pods.
        max: i32,
        /// CPU use that it aims at, in percent of the request.
        target_cpu: i32,
    },
}

impl Scale {
    /// The number of pods to write into a Deployment; nothing where an autoscaler has taken the number over.
    ///
    /// Until it has, the operator still owns the field under server-side apply. To leave it out would reset it to one pod in
    /// the middle of the traffic, so the number in the cluster is written again. `manager` is the operator's own name.
    #[must_use]
    pub fn replicas(self, live: Option<&Deployment>, manager: &str) -> Option<i32> {
        match self {
            Self::Fixed(replicas) => Some(replicas),
            Self::Automatic { min, max, .. } => match live {
                Some(live) if !owns_replicas(live, manager) => None,
                Some(_) | None => Some(live.and_then(replicas_of).unwrap_or(min).clamp(min, max.max(min))),
            },
        }
    }

    /// The number of pods to start with, beside a Deployment of the same kind that may be there.
    #[must_use]
    pub fn like(self, other: Option<&Deployment>) -> i32 {
        match self {
            Self::Fixed(replicas) => replicas,
            Self::Automatic { min, max, .. } => other.and_then(replicas_of).unwrap_or(min).clamp(min, max.max(min)),
        }
    }

    /// The fewest pods that are meant to run.
    #[must_use]
    pub fn minimum(self) -> i32 {
        match self {
            Self::Fixed(replicas) => replicas,
            Self::Automatic { min, .. } => min,
        }
    }
}

fn replicas_of(deployment: &Deployment) -> Option<i32> {
    deployment.spec.as_ref().and_then(|spec| spec.replicas)
}

fn owns_replicas(deployment: &Deployment, manager: &str) -> bool {
    let entries = deployment.metadata.managed_fields.iter().flatten();
    let mut own = entries.filter(|entry| entry.manager.as_deref() == Some(manager) && entry.subresource.is_none());
    own.any(|entry| entry.fields_v1.as_ref().is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some()))
}

/// The HTTP servers.
#[derive(Clone, Debug, PartialEq)]
pub struct App {
    /// How many pods.
    pub scale: Scale,
    /// Server threads in each.
    pub workers: u32,
    /// CPU and memory of each.
    pub resources: ResourceRequirements,
}

/// The background workers.
#[derive(Clone, Debug, PartialEq)]
pub struct Worker {
    /// How many pods.
    pub scale: Scale,
    /// Jobs at a time, by queue, in each.
    pub queues: QueueConcurrency,
    /// How long a stopping worker may finish its jobs.
    pub drain_timeout: Duration,
    /// CPU and memory of each.
    pub resources: ResourceRequirements,
}

impl Worker {
    /// [`Self::drain_timeout`] in whole seconds.
    #[must_use]
    pub fn drain_seconds(&self) -> i64 {
        seconds(self.drain_timeout)
    }
}

/// The task monitor.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskMonitor {
    /// How many pods: one, or none while everything is at zero.
    pub replicas: i32,
    /// CPU and memory of the pod.
    pub resources: ResourceRequirements,
    /// What it connects to.
    pub endpoints: Endpoints,
}

pub(super) fn app(spec: &AppSpec, defaults: &TierDefaults, suspend: bool) -> App {
    App {
        scale: scale(spec.replicas, spec.autoscaling.as_ref(), defaults.app_replicas, suspend),
        workers: spec.workers.unwrap_or(defaults.app_workers),
        resources: requirements(&spec.resources, defaults.app_resources),
    }
}

pub(super) fn worker(spec: &WorkerSpec, defaults: &TierDefaults, suspend: bool) -> Worker {
    Worker {
        scale: scale(spec.replicas, spec.autoscaling.as_ref(), defaults.worker_replicas, suspend),
        queues: spec.queues.clone(),
        drain_timeout: spec.drain_timeout,
        resources: requirements(&spec.resources, defaults.worker_resources),
    }
}

/// None where it is not wanted.
pub(super) fn monitor(
    spec: &MonitorSpec,
    defaults: &TierDefaults,
    suspend: bool,
    endpoints: Endpoints,
) -> Option<TaskMonitor> {
    let resources = requirements(&Resources::default(), defaults.monitor_resources);
    spec.enabled.then(|| TaskMonitor { replicas: i32::from(!suspend), resources, endpoints })
}

fn scale(replicas: Option<i32>, autoscaling: Option<&Autoscaling>, default: i32, suspend: bool) -> Scale {
    match autoscaling {
        _ if suspend => Scale::Fixed(0),
        None => Scale::Fixed(replicas.unwrap_or(default)),
        Some(auto) => Scale::Automatic {
            min: auto.min.unwrap_or(default.min(auto.max)),
            max: auto.max,
            target_cpu: auto.target_cpu,
        },
    }
}

fn requirements(given: &Resources, defaults: ResourceDefaults) -> ResourceRequirements {
    ResourceRequirements {
        requests: Some(amounts(&given.requests, defaults.cpu_request, defaults.memory_request)),
        limits: Some(amounts(&given.limits, defaults.cpu_limit, defaults.memory_limit)),
        claims: None,
    }
}

fn amounts(given: &Amounts, cpu: &str, memory: &str) -> BTreeMap<String, resource::Quantity> {
    let amount = |given: &Option<crate::crd::quantity::Quantity>, default: &str| {
        given.clone().map_or_else(|| resource::Quantity(default.to_owned()), Into::into)
    };
    BTreeMap::from([("cpu".to_owned(), amount(&given.cpu, cpu)), ("memory".to_owned(), amount(&given.memory, memory))])
}

/// Whole seconds, rounded up: no deadline becomes zero.
pub(super) fn seconds(duration: impl Into<std::time::Duration>) -> i64 {
    i64::try_from(duration.into().as_millis().div_ceil(1000)).unwrap_or(i64::MAX)
}
