//! How the schema is migrated, and taken back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, duration};

/// How the database's schema moves with a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MigrationsSpec {
    /// Whether a backup is made, and verified, before migrating. Default: true. Prod refuses false: there a release
    /// is blocked without a backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_first: Option<bool>,

    /// How long the backup and each of the migrations of one release may take, 1s to 24h. Default: 30m.
    #[schemars(schema_with = "duration::timeout")]
    pub timeout: Duration,

    /// Whether a rollback also takes the schema back. WhenLossless: only where what is dropped holds no data. Always:
    /// even if data written by the new release is lost. Never: the schema stays expanded. Default: WhenLossless.
    pub on_rollback: OnRollback,
}

impl Default for MigrationsSpec {
    fn default() -> Self {
        Self { backup_first: None, timeout: Duration::from_minutes(30), on_rollback: OnRollback::WhenLossless }
    }
}

/// Whether a rollback takes the schema back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = super::without_description)]
pub enum OnRollback {
    /// Only where what is dropped holds no data.
    WhenLossless,
    /// Even if data is lost.
    Always,
    /// Never.
    Never,
}
