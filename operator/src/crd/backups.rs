//! Backups: when, where, how long they are kept, and what is promised.

#![expect(unreachable_pub, reason = "KubeSchema copies each struct, with its visibility, into a function")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, LocalRef, cron, is_default};

/// Backups of database, vectors and uploaded files, and the rehearsed restores that prove them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BackupsSpec {
    /// Stops all scheduled backups and drills. Default: false. Prod refuses true.
    pub suspend: bool,

    /// When backups and drills run.
    #[serde(skip_serializing_if = "is_default")]
    pub schedules: Schedules,

    /// How many backups are kept.
    #[serde(skip_serializing_if = "is_default")]
    pub retention: Retention,

    /// Where backups are written. Default: the environment's own bucket, folder `<prefix>backups`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,

    /// A second place, to which the daily full backup is copied. Default: none; prod warns without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offsite: Option<Repository>,

    /// Recovery point objective: how old the newest good backup may be before an alert. Default: 1h where incremental backups are
    /// scheduled, 25h elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpo: Option<Duration>,

    /// Recovery time objective: how long a rehearsed restore may take before an alert. Default: 4h.
    pub rto: Duration,
}

impl Default for BackupsSpec {
    fn default() -> Self {
        Self {
            suspend: false,
            schedules: Schedules::default(),
            retention: Retention::default(),
            repository: None,
            offsite: None,
            rpo: None,
            rto: Duration::from_hours(4),
        }
    }
}

/// Cron schedules in UTC: five fields (minute hour day month weekday, Sunday = 0) or one of @hourly, @daily, @weekly,
/// @monthly, @yearly. An empty text switches one off, except in prod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Schedules {
    /// Backups that store what changed, each a whole restore point. Default: never in dev and stage, `*/30 * * * *` in
    /// prod.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "cron::schedule")]
    pub incremental: Option<String>,

    /// Backups that are also checked in full and copied off-site. Default: never in dev, `0 2 * * *` in stage and prod.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "cron::schedule")]
    pub full: Option<String>,

    /// Rehearsed restores into a scratch database. Default: never in dev and stage, `0 4 * * 0` in prod.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "cron::schedule")]
    pub drill: Option<String>,
}

/// How many backups are kept of each age.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// Of how many hours the last backup is kept, 1 to 8760. Default: 48 in prod, none elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 8760))]
    pub hourly: Option<u32>,

    /// Of how many days the last backup is kept, 1 to 3650. Default: 7 in stage, 30 in prod, none in dev.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3650))]
    pub daily: Option<u32>,
}

/// A bucket that holds an encrypted, deduplicating backup repository in the restic format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    /// Name of the S3 bucket, 3 to 63 characters. Required.
    #[schemars(length(min = 3, max = 63))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9][a-z0-9.-]*[a-z0-9]$')")
        .message("write a bucket name of lower-case letters, digits, dots and hyphens, such as chatbot-backups"))]
    pub bucket: String,

    /// Folder in the bucket, without a slash at either end. Default: the environment's namespace and name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$')")
        .message("write a folder without a slash at either end, such as chatbot/prod"))]
    pub prefix: Option<String>,

    /// A Secret in the namespace with the bucket's endpoint and credentials (MINIO_URL, MINIO_ROOT_USER,
    /// MINIO_ROOT_PASSWORD). Default: those of the environment itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalRef>,
}
