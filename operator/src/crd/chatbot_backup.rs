//! ChatbotBackup: one backup of an environment, whoever asked for it: a schedule, a release or a person.

#![expect(unreachable_pub, reason = "KubeSchema copies each struct, with its visibility, into a function")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema, core::Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LocalRef;

/// Which backup is asked for. It is made once, and never again by a sync.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "chatbot.platform",
    version = "v1alpha1",
    kind = "ChatbotBackup",
    plural = "chatbotbackups",
    shortname = "cbb",
    namespaced,
    derive = "PartialEq",
    status = "ChatbotBackupStatus",
    doc = "One backup of a chatbot environment: those of its schedules and releases appear by themselves, and creating one asks for one now.",
    validation = name_length(),
    printcolumn(name = "Environment", type_ = "string", json_path = ".spec.environmentRef.name", description = "What is backed up"),
    printcolumn(name = "Kind", type_ = "string", json_path = ".spec.kind", description = "Incremental, Full or Release"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase", description = "Pending, Running, Succeeded or Failed"),
    printcolumn(name = "Taken", type_ = "date", json_path = ".status.takenAt", description = "Age of what it holds"),
    printcolumn(name = "Bytes", type_ = "integer", json_path = ".status.bytes", description = "Size of what it holds"),
    printcolumn(name = "New bytes", type_ = "integer", json_path = ".status.newBytes", description = "Size of what was new to the repository, compressed"),
    printcolumn(name = "Backup", type_ = "string", json_path = ".status.backup", description = "Its name in the repository", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = immutable())]
pub struct ChatbotBackupSpec {
    /// The environment, in the same namespace. Required.
    pub environment_ref: LocalRef,

    /// How thorough it is: Incremental or Full; Release is for those that the operator makes before a release. Default: Full.
    #[serde(default)]
    pub kind: BackupKind,
}

fn name_length() -> Rule {
    Rule::new("self.metadata.name.size() <= 63")
        .message("metadata.name: write at most 63 characters, because the Job that makes the backup has the same name")
}

fn immutable() -> Rule {
    Rule::new("self == oldSelf").message("a backup is made once and cannot be changed: create another ChatbotBackup")
}

/// How thorough a backup is. Each is a whole restore point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = super::without_description)]
pub enum BackupKind {
    /// What changed is stored and read back.
    Incremental,
    /// The same; then what is stored is checked, a part of it is read, and the second repository gets what it lacks.
    #[default]
    Full,
    /// An incremental one that a release begins with.
    Release,
}

impl BackupKind {
    /// The name as written in the spec.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incremental => "Incremental",
            Self::Full => "Full",
            Self::Release => "Release",
        }
    }
}

/// How far a backup is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = super::without_description)]
pub enum BackupPhase {
    /// It waits.
    #[default]
    Pending,
    /// It is being made.
    Running,
    /// It was made, and read back.
    Succeeded,
    /// There is none: it is not tried again.
    Failed,
}

impl BackupPhase {
    /// Whether nothing more will come of it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// The name as written in status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }
}

/// What became of the backup.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChatbotBackupStatus {
    /// The `metadata.generation` that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready; while they hold Reconciling, and Stalled for a backup that failed (after kstatus).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// Pending, Running, Succeeded or Failed.
    pub phase: BackupPhase,

    /// When its Job was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,

    /// When it ended, well or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,

    /// When what it holds was so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Time>,

    /// Its name in the repository, as `chatbot backup list` and restic show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,

    /// Bytes of what it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<i64>,

    /// Bytes of them that were new to the repository, compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_bytes: Option<i64>,

    /// Rows in all tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<i64>,

    /// Newest migration of its schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,

    /// Whether the second repository has it; absent where there is none, and for a backup that copies nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offsite: Option<bool>,

    /// Which part of the repository's content was read after it, such as 3/7.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<String>,

    /// What is wrong although the backup is good: a copy that failed, damage that the check found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,

    /// What was made, or why there is none, in one sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}
