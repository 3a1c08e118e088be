//! ChatbotRestore: brings a backup back, beside what runs first, and then in its place.

#![expect(unreachable_pub, reason = "KubeSchema copies each struct, with its visibility, into a function")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema, core::Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LocalRef, Repository};

/// Which backup comes back, and where. It is done once, and never again by a sync.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "chatbot.platform",
    version = "v1alpha1",
    kind = "ChatbotRestore",
    plural = "chatbotrestores",
    shortname = "cbr",
    namespaced,
    derive = "PartialEq",
    status = "ChatbotRestoreStatus",
    doc = "Restores a backup of a chatbot environment: filled and checked beside the live database, then put in its place; the replaced one is kept for a day.",
    validation = name_length(),
    printcolumn(name = "Environment", type_ = "string", json_path = ".spec.environmentRef.name", description = "What is restored"),
    printcolumn(name = "Backup", type_ = "string", json_path = ".status.backup", description = "Which backup came back", priority = 1),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase", description = "Where the restore stands"),
    printcolumn(name = "Undo until", type_ = "string", json_path = ".status.undoUntil", description = "How long the replaced database is kept"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = immutable(), validation = one_repository())]
pub struct ChatbotRestoreSpec {
    /// The environment, in the same namespace. Required.
    pub environment_ref: LocalRef,

    /// Which backup: the latest, one by its name, or the newest of a time.
    #[serde(default)]
    pub from: RestoreFrom,

    /// Reads the second repository (backups.offsite): the first one may be gone. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offsite: bool,

    /// Another environment, whose backup comes here without what is personal. Default: none, it is the environment's own backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<RestoreSource>,
}

/// Another environment, such as prod for stage, and what makes its data fit to be shown here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.repository.secretRef) && has(self.repository.prefix)")
    .message("name in source.repository the folder (prefix) of the other environment, and in its secretRef a Secret here with MINIO_URL, MINIO_ROOT_USER, MINIO_ROOT_PASSWORD and BACKUP_KEY"))]
pub struct RestoreSource {
    /// The other environment's resourcePrefix, such as prod_. Required.
    #[schemars(length(min = 2, max = 41))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z][a-z0-9_]*_$')")
        .message("write lower-case letters, digits and underscores, with an underscore at the end, such as prod_"))]
    pub resource_prefix: String,

    /// Its backup repository; access that may only read suffices. Required, with prefix and secretRef.
    pub repository: Repository,

    /// The SQL that removes what is personal. It runs before anybody is served from the data; if it fails, nothing is restored and
    /// the data is dropped again. Keys, logins and jobs of the other environment are removed in any case. Required.
    pub scrub: ScrubRef,
}

/// A key of a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScrubRef {
    /// Name of a ConfigMap in the namespace. Required.
    #[schemars(length(min = 1, max = 253))]
    pub config_map: String,

    /// Its key. Default: scrub.sql.
    #[serde(default = "scrub_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

fn scrub_key() -> String {
    "scrub.sql".to_owned()
}

fn name_length() -> Rule {
    Rule::new("self.metadata.name.size() <= 45")
        .message("metadata.name: write at most 45 characters, because names of Jobs are made from it")
}

fn one_repository() -> Rule {
    Rule::new("!(has(self.source) && has(self.offsite) && self.offsite)")
        .message("write source or offsite: name the other environment's second repository in source.repository")
}

fn immutable() -> Rule {
    Rule::new("self == oldSelf").message("a restore is done once and cannot be changed: create another ChatbotRestore")
}

/// Which backup. At most one of the fields; none means the latest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.latest) && self.latest, has(self.backup), has(self.at)].filter(given, given).size() <= 1")
    .message("write one of latest, backup and at"))]
pub struct RestoreFrom {
    /// The newest good backup. Default: true, unless another field is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<bool>,

    /// The name of a ChatbotBackup of the environment, or at least four digits of a backup's name in the repository.
    /// Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')")
        .message("write the name of a ChatbotBackup, or of a backup as `kubectl chatbot backups` shows it"))]
    pub backup: Option<String>,

    /// A time (RFC 3339): the newest backup that is not younger. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
}

/// Where a restore stands. It runs from Prepare to Start in this order; Undo is a way back from its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = super::without_description)]
pub enum RestorePhase {
    /// It waits for its turn.
    #[default]
    Pending,
    /// A database beside the live one is filled, checked and migrated.
    Prepare,
    /// Servers and workers end.
    Stop,
    /// The restored database takes the live one's name.
    Swap,
    /// Documents that the object store lacks are put back.
    Documents,
    /// Servers and workers start, and answer.
    Start,
    /// The backup is what is served.
    Succeeded,
    /// It ended before the swap: what ran goes on running.
    Failed,
    /// Servers and workers end once more, and the replaced database comes back.
    Undo,
    /// Servers and workers start on the database that was live before.
    StartAgain,
    /// What was live before the restore is live again.
    Undone,
}

impl RestorePhase {
    /// Whether servers and workers must not run.
    #[must_use]
    pub const fn stops_everything(self) -> bool {
        matches!(self, Self::Stop | Self::Swap | Self::Documents | Self::Undo)
    }

    /// How it ended, if it did.
    #[must_use]
    pub const fn end(self) -> Option<RestoreEnd> {
        match self {
            Self::Succeeded => Some(RestoreEnd::Succeeded),
            Self::Failed => Some(RestoreEnd::Failed),
            Self::Undone => Some(RestoreEnd::Undone),
            Self::Pending
            | Self::Prepare
            | Self::Stop
            | Self::Swap
            | Self::Documents
            | Self::Start
            | Self::Undo
            | Self::StartAgain => None,
        }
    }

    /// Whether it is under way.
    #[must_use]
    pub fn is_under_way(self) -> bool {
        self != Self::Pending && self.end().is_none()
    }

    /// The name as written in status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Prepare => "Prepare",
            Self::Stop => "Stop",
            Self::Swap => "Swap",
            Self::Documents => "Documents",
            Self::Start => "Start",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Undo => "Undo",
            Self::StartAgain => "StartAgain",
            Self::Undone => "Undone",
        }
    }
}

impl std::fmt::Display for RestorePhase {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

/// How a restore ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreEnd {
    /// The backup is what is served.
    Succeeded,
    /// What ran before it runs.
    Failed,
    /// What was live before it is live again.
    Undone,
}

/// One step of a restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreStep {
    /// The phase.
    pub name: RestorePhase,
    /// When it began.
    pub started_at: Time,
    /// When it ended; absent while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// What it did, waits for, or failed with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// What became of the restore.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChatbotRestoreStatus {
    /// The `metadata.generation` that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready; while they hold Reconciling, and Stalled for a restore that failed (after kstatus).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// Where it stands.
    pub phase: RestorePhase,

    /// The backup's name in the repository, once it is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,

    /// Its steps, in the order in which they began.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub steps: Vec<RestoreStep>,

    /// Until when the database is kept that the swap left without a name of its own, and so until when an undo is possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo_until: Option<Time>,

    /// Why the last undo failed: what was restored is served. Remove the annotation and set it anew to try once more.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub undo_failed: String,

    /// Whether the database that is not served any more was dropped.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dropped: bool,

    /// What it came to, waits for, or failed with, and what to do next.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}
