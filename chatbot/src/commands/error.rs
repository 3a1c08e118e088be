//! How a command can end badly. Each message is one line and names the next step.

use std::{io, net::SocketAddr};

use super::reindex::ReindexError;
use crate::{
    auth::AuthError,
    backup::BackupError,
    config::{ConfigErrors, dotenv::DotenvError},
    error::StartError,
    jobs::runner::WorkerError,
    migrate::{MigrateError, archive::ArchiveError, new::NewError},
    provision::ProvisionError,
    restore::RestoreError,
    store::StoreError,
    telemetry::TelemetryError,
};

/// A command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Variables.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// `.env`.
    #[error(transparent)]
    Dotenv(#[from] DotenvError),
    /// Clients.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Logs and traces.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Migrations.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// A backup.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// A restore.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// Dump and restore.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A new migration.
    #[error(transparent)]
    New(#[from] NewError),
    /// Provisioning.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// Users.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Jobs.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The index.
    #[error(transparent)]
    Reindex(#[from] ReindexError),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; set {port} or HOST to a free address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The variable that names its port.
        port: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Threads or signals are not to be had.
    #[error("the process cannot be set up: {0}")]
    Process(#[source] io::Error),
    /// A password cannot be read.
    #[error("the password cannot be read: {0}; write it to the standard input, or run the command at a terminal")]
    Input(#[source] io::Error),
    /// SIGTERM or Ctrl-C before the end.
    #[error("interrupted before the end; what was not finished was not kept: run the command again")]
    Interrupted,
    /// A folder cannot be read.
    #[error("{folder} cannot be read: {source}; name the migrations' folder with --folder")]
    Folder {
        /// The folder.
        folder: String,
        /// Why.
        source: io::Error,
    },
    /// What was asked for cannot be done as asked.
    #[error("{0}")]
    Refused(String),
}
