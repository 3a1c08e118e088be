//! ChatbotEnvironment: one chatbot with its app, workers, backups and releases.
//!
//! The rules of validation stand beside what they judge: on the field's own type where they need nothing else, in
//! [`super::environment_rules`] where they need the tier or another field. Each message says what to write instead.

#![expect(unreachable_pub, reason = "KubeSchema copies each struct, with its visibility, into a function")]

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::environment_rules as rules;
use super::{
    AppSpec, BackupsSpec, ChatbotEnvironmentStatus, MigrationsSpec, MonitorSpec, MonitoringSpec, NetworkSpec,
    ReleaseSpec, RoutingSpec, Tier, TlsSpec, WorkerSpec, is_default,
};

/// What an environment should be. Only tier, image and secretRef are required: everything else has the tier's default.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "chatbot.platform",
    version = "v1alpha1",
    kind = "ChatbotEnvironment",
    plural = "chatbotenvironments",
    shortname = "cbe",
    namespaced,
    derive = "PartialEq",
    status = "ChatbotEnvironmentStatus",
    doc = "One chatbot environment: HTTP app, background workers, task monitor, backups and releases, run by the chatbot operator.",
    validation = rules::name_length(),
    validation = rules::name_label(),
    scale(
        spec_replicas_path = ".spec.app.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn(name = "Tier", type_ = "string", json_path = ".spec.tier", description = "dev, stage or prod"),
    printcolumn(name = "Image tag", type_ = "string", json_path = ".status.release.imageTag", description = "Tag of the active image"),
    printcolumn(name = "Active", type_ = "string", json_path = ".status.release.active", description = "Colour that gets the traffic"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.release.phase", description = "Where the release stands"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status", description = "Whether users are served by the release that the spec asks for"),
    printcolumn(name = "Last backup", type_ = "date", json_path = ".status.backups.last", description = "Age of the newest good backup"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::prod_replicas())]
#[x_kube(validation = rules::prod_autoscaling())]
#[x_kube(validation = rules::no_debug())]
#[x_kube(validation = rules::no_debug_log())]
#[x_kube(validation = rules::image_tag())]
#[x_kube(validation = rules::tls_required())]
#[x_kube(validation = rules::tls_needs_host())]
#[x_kube(validation = rules::routing_needs_host())]
#[x_kube(validation = rules::prod_backups_not_suspended())]
#[x_kube(validation = rules::prod_incremental())]
#[x_kube(validation = rules::prod_full())]
#[x_kube(validation = rules::prod_drill())]
#[x_kube(validation = rules::prod_backup_first())]
#[x_kube(validation = rules::prefix_immutable())]
pub struct ChatbotEnvironmentSpec {
    /// How much care the environment gets: dev, stage or prod. It chooses the default of every other field. Required,
    /// and cannot be changed.
    #[x_kube(validation = rules::tier_immutable())]
    pub tier: Tier,

    /// The chatbot image, with a tag or a digest. Stage and prod refuse the tag `latest`, and no tag. Changing it
    /// starts a release. Required.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::image_format())]
    pub image: String,

    /// When nodes pull the image: Always, IfNotPresent or Never. Default: Always for the tag `latest`, else
    /// IfNotPresent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<PullPolicy>,

    /// Secrets of type kubernetes.io/dockerconfigjson in the namespace, with the registry's credentials; at most 8.
    /// Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub image_pull_secrets: Vec<LocalRef>,

    /// A Secret in the namespace whose keys are the chatbot's environment variables. Needed: DATABASE_URL, REDIS_URL,
    /// QDRANT_URL, SECRET_KEY, OPENROUTER_API_KEY; with `provision` only the last two. Changing it starts a
    /// release. Required.
    pub secret_ref: LocalRef,

    /// Plain variables for the chatbot, laid over the tier's (DEBUG, LOG_LEVEL); at most 64. Credentials belong into
    /// the Secret, and what the operator sets itself has fields of its own. Changing them starts a release.
    /// Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64, "additionalProperties" = { "type": "string", "maxLength": 4096 }))]
    #[x_kube(validation = rules::settings_names())]
    #[x_kube(validation = rules::settings_no_secrets())]
    #[x_kube(validation = rules::settings_not_managed())]
    #[x_kube(validation = rules::settings_log_level())]
    pub settings: BTreeMap<String, String>,

    /// Prefix of Redis keys, Qdrant collections and object keys, and of the database that `provision` makes: it keeps
    /// environments apart that share services. 2 to 31 lower-case letters, digits and `_`, ending with `_`. Cannot be
    /// changed. Default: `<tier>_`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 31))]
    #[x_kube(validation = rules::prefix_format())]
    pub resource_prefix: Option<String>,

    /// DNS name under which users reach the environment, such as chat.example.org. Default: none, only the Service
    /// inside the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::host_format())]
    pub host: Option<String>,

    /// Certificate of the host. Required in stage and prod when `host` is set. Default: none, plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSpec>,

    /// What brings the host's traffic to the app: a Gateway or an Ingress. Default: an Ingress of the cluster's default
    /// class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing: Option<RoutingSpec>,

    /// The HTTP app.
    #[serde(default, skip_serializing_if = "is_default")]
    pub app: AppSpec,

    /// The background workers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub worker: WorkerSpec,

    /// The task monitor.
    #[serde(default, skip_serializing_if = "is_default")]
    pub monitor: MonitorSpec,

    /// Makes database, role, bucket and collections for this environment on shared services. Default: none, they exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provision: Option<ProvisionSpec>,

    /// How releases are rolled out, watched and taken back.
    #[serde(default, skip_serializing_if = "is_default")]
    pub release: ReleaseSpec,

    /// How the schema is migrated and taken back.
    #[serde(default, skip_serializing_if = "is_default")]
    pub migrations: MigrationsSpec,

    /// Backups and rehearsed restores.
    #[serde(default, skip_serializing_if = "is_default")]
    pub backups: BackupsSpec,

    /// Objects for Prometheus.
    #[serde(default, skip_serializing_if = "is_default")]
    pub monitoring: MonitoringSpec,

    /// Who may talk to the environment's pods.
    #[serde(default, skip_serializing_if = "is_default")]
    pub network: NetworkSpec,

    /// Scales app, workers and monitor to zero; data and backups stay, backups go on. Default: false.
    #[serde(default, skip_serializing_if = "is_default")]
    pub suspend: bool,
}

/// When nodes pull the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = super::without_description)]
pub enum PullPolicy {
    /// Every time a container starts.
    Always,
    /// When the node does not have it.
    IfNotPresent,
    /// Never: it must be on the node.
    Never,
}

impl PullPolicy {
    /// The name as Kubernetes writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

/// The name of an object in the environment's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalRef {
    /// Name of the object. Required.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
}

/// Makes what the environment needs on shared services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionSpec {
    /// A Secret in the namespace with the administrator's access: DATABASE_URL, REDIS_URL, QDRANT_URL, MINIO_URL,
    /// MINIO_ROOT_USER, MINIO_ROOT_PASSWORD. Required.
    pub admin_secret_ref: LocalRef,
}
