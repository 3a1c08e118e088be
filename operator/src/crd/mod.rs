//! The custom resources: types, validation and the tiers' defaults. Nothing here holds a client.
//!
//! | file | subject |
//! |---|---|
//! | [`environment`] | ChatbotEnvironment: the root, its spec and the rules across fields |
//! | [`app`], [`worker`], [`network`], [`release`], [`migrations`], [`backups`], [`monitoring`], [`routing`] | one part of the spec each |
//! | [`chatbot_backup`], [`chatbot_restore`] | ChatbotBackup and ChatbotRestore, each with its status |
//! | [`environment_status`], [`release_status`] | what the operator reports |
//! | [`conditions`], [`reasons`] | condition types, and the reasons they and events give |
//! | [`tier`] | the table of defaults |
//! | [`duration`], [`cron`], [`quantity`], [`image`] | text with a grammar |
//! | [`generate`] | the YAML that is installed |

pub mod app;
pub mod backups;
pub mod chatbot_backup;
pub mod chatbot_restore;
pub mod conditions;
pub mod cron;
pub mod duration;
pub mod environment;
mod environment_rules;
pub mod environment_status;
pub mod generate;
pub mod image;
pub mod migrations;
pub mod monitoring;
pub mod network;
pub mod quantity;
pub mod reasons;
pub mod release;
pub mod release_status;
pub mod routing;
pub mod tier;
pub mod worker;

pub use app::{AppSpec, Autoscaling, Resources};
pub use backups::{BackupsSpec, Repository, Retention, Schedules};
pub use chatbot_backup::{BackupKind, BackupPhase, ChatbotBackup, ChatbotBackupSpec, ChatbotBackupStatus};
pub use chatbot_restore::{
    ChatbotRestore, ChatbotRestoreSpec, ChatbotRestoreStatus, RestoreEnd, RestoreFrom, RestorePhase, RestoreSource,
    RestoreStep, ScrubRef,
};
pub use duration::Duration;
pub use environment::{ChatbotEnvironment, ChatbotEnvironmentSpec, LocalRef, ProvisionSpec};
pub use environment_status::{ChatbotEnvironmentStatus, Colour, Phase};
pub use migrations::{MigrationsSpec, OnRollback};
pub use monitoring::{MonitorSpec, MonitoringLevel, MonitoringSpec};
pub use network::NetworkSpec;
pub use release::{Analysis, OnFailure, Promotion, ReleaseSpec, Strategy};
pub use routing::{RoutingSpec, TlsSpec};
pub use tier::{Tier, TierDefaults};
pub use worker::{QueueConcurrency, WorkerSpec};

/// API group of every custom resource.
pub const GROUP: &str = "chatbot.platform";
/// Served and stored version.
pub const VERSION: &str = "v1alpha1";

/// Takes the type's description out of an enumeration's schema: an optional field would show it in place of its own.
pub(crate) fn without_description(schema: &mut schemars::Schema) {
    schema.remove("description");
}

/// Tells serde to leave out what equals the default, so that neither the schema nor a serialised object is
/// full of empty objects.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
