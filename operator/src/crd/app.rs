//! The HTTP app: its size, and how it scales.

#![expect(unreachable_pub, reason = "KubeSchema copies each struct, with its visibility, into a function")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{is_default, quantity::Quantity};

/// The HTTP app: API, web chat and health endpoints.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppSpec {
    /// Number of app pods, 0 to 100. Default: 1 in dev, 2 in stage, 3 in prod; prod takes no fewer than 2. Ignored
    /// while `autoscaling` is set. `kubectl scale` writes this field.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub replicas: Option<i32>,

    /// Server threads of each app pod (the variable WORKERS), 1 to 64. Default: 1 in dev, 2 in stage, 4 in prod.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub workers: Option<u32>,

    /// Lets a HorizontalPodAutoscaler choose the number of app pods. Default: not set, `replicas` holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,

    /// CPU and memory of each app pod. Default: requests 100m/128Mi and limits 1/512Mi in dev, 250m/256Mi and 1/1Gi in
    /// stage, 1/1Gi and 2/2Gi in prod. What is not set here keeps its default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub resources: Resources,
}

/// Bounds between which a HorizontalPodAutoscaler chooses the number of pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.min) || self.min <= self.max")
    .message("min must not be above max: raise autoscaling.max or lower autoscaling.min")
    .field_path(".min"))]
pub struct Autoscaling {
    /// Fewest pods, 1 to 100. Default: the tier's number of replicas, but never above `max`. In prod no fewer than 2
    /// app pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub min: Option<i32>,

    /// Most pods, 1 to 100. Required.
    #[schemars(range(min = 1, max = 100))]
    pub max: i32,

    /// CPU use that the autoscaler aims at, in percent of the requested CPU, 1 to 100. Default: 70.
    #[serde(rename = "targetCPU", default = "default_target_cpu")]
    #[schemars(range(min = 1, max = 100))]
    pub target_cpu: i32,
}

const fn default_target_cpu() -> i32 {
    70
}

/// CPU and memory of one container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// What the scheduler sets aside for the container. Default: the tier's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub requests: Amounts,

    /// What the container may use at most; above the memory limit it is killed. Default: the tier's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: Amounts,
}

/// An amount of CPU and one of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Amounts {
    /// CPU in cores (`2`) or thousandths of a core (`250m`). Default: the tier's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Quantity>,

    /// Memory in bytes, with a unit: `512Mi`, `2Gi`. Default: the tier's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Quantity>,
}
