//! The background workers: size, queues, and how long they may take to stop.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Autoscaling, Duration, Resources, duration, is_default};

/// The background workers, which run jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkerSpec {
    /// Number of worker pods, 0 to 100. Default: 1 in dev and stage, 2 in prod. Ignored while `autoscaling` is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub replicas: Option<i32>,

    /// Lets a HorizontalPodAutoscaler choose the number of worker pods. Default: not set, `replicas` holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,

    /// How many jobs of each queue one worker pod runs at the same time.
    #[serde(skip_serializing_if = "is_default")]
    pub queues: QueueConcurrency,

    /// How long a stopping worker may finish its jobs before it hands them back, 1s to 24h. Default: 10m.
    #[schemars(schema_with = "duration::timeout")]
    pub drain_timeout: Duration,

    /// CPU and memory of each worker pod. Default: requests 100m/128Mi and limits 1/512Mi in dev, 250m/256Mi and 1/1Gi
    /// in stage, 1/512Mi and 2/2Gi in prod. What is not set here keeps its default.
    #[serde(skip_serializing_if = "is_default")]
    pub resources: Resources,
}

impl Default for WorkerSpec {
    fn default() -> Self {
        Self {
            replicas: None,
            autoscaling: None,
            queues: QueueConcurrency::default(),
            drain_timeout: Duration::from_minutes(10),
            resources: Resources::default(),
        }
    }
}

/// Jobs that one worker pod runs at the same time, by queue. 0 leaves the queue to nobody: its jobs wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct QueueConcurrency {
    /// Chat, images, speech and web search: people wait for these. 0 to 100 jobs. Default: 4.
    #[schemars(range(min = 0, max = 100))]
    pub high: u32,

    /// Embeddings and uploads. 0 to 100 jobs. Default: 2.
    #[schemars(range(min = 0, max = 100))]
    pub medium: u32,

    /// E-mail, clean-up and observability. 0 to 100 jobs. Default: 1.
    #[schemars(range(min = 0, max = 100))]
    pub low: u32,
}

impl Default for QueueConcurrency {
    fn default() -> Self {
        Self { high: 4, medium: 2, low: 1 }
    }
}
