//! What the operator reports about an environment.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::release_status::{
    Candidate, Colour, Discounted, FailedRelease, Outcome, PastRelease, Phase, ReleaseStatus, Step,
};

/// What the operator observed and did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChatbotEnvironmentStatus {
    /// The `metadata.generation` that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready, and while they hold Reconciling and Stalled (after kstatus); ServicesHealthy, BackupsHealthy, Recoverable,
    /// MonitorHealthy, SpecSupported.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// Where users reach the environment: the host's URL, else the Service inside the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// Number of app pods of the active colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,

    /// Label selector of the active colour's app pods, for autoscalers and `kubectl scale`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,

    /// The active release, and the one on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseStatus>,

    /// Releases that are over, the newest first, at most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub history: Vec<PastRelease>,

    /// Releases that failed: not tried again until the spec changes or the annotation chatbot.platform/retry names them; where
    /// no release serves yet, tried again by themselves after a pause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub failed_releases: Vec<FailedRelease>,

    /// The services that the chatbot uses, as its own pods find them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub services: Vec<ServiceStatus>,

    /// Backups and drills.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backups: Option<BackupsStatus>,
}

/// A service that the chatbot uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// postgresql, redis, qdrant, objects, llm or embedding.
    pub name: String,
    /// Whether the chatbot's pods find it healthy.
    pub healthy: bool,
    /// What they find, without addresses' passwords.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// Backups and drills.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BackupsStatus {
    /// When the newest good backup was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Time>,
    /// When the newest good full backup was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_full: Option<Time>,
    /// When the newest backup was made that the second repository has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_offsite: Option<Time>,
    /// The last rehearsed restore that came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_drill: Option<DrillStatus>,
    /// When the next backup is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Time>,
    /// Number of good backups that are known: those that releases and people asked for are among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// Bytes that they added to the repository, compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<i64>,
}

/// A rehearsed restore.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DrillStatus {
    /// When it ended.
    pub at: Time,
    /// How long the restore took, in seconds.
    pub restore_seconds: i64,
    /// Rows in all tables of the restored database.
    pub rows: i64,
}
