//! What keeps a backup from being restored.

use std::io;

use bytesize::ByteSize;

use super::{choose::NoChoice, database::Names};
use crate::{
    backup::BackupError,
    migrate::{MigrateError, archive::ArchiveError},
    objects::ObjectsError,
    repository::RepositoryError,
    store::StoreError,
};

/// Nothing was restored. Each message is one line and names the next step; until the swap everything runs as it did.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is no place that backups could be in.
    #[error("nothing was restored: neither MINIO_URL nor BACKUP_URL names an object store")]
    NoStore,
    /// The repository cannot be opened.
    #[error("nothing was restored: {0}")]
    Open(#[source] BackupError),
    /// The repository.
    #[error("nothing was restored: {0}")]
    Repository(#[from] RepositoryError),
    /// Which one?
    #[error("nothing was restored: {0}")]
    Choice(#[from] NoChoice),
    /// The manifest cannot be understood.
    #[error("nothing was restored: the backup {id} has a manifest that cannot be read ({said}); choose another backup")]
    Manifest {
        /// The backup.
        id: String,
        /// Why.
        said: String,
    },
    /// It was made by a later version.
    #[error(
        "nothing was restored: the backup {id} was made by chatbot {version}, and this is {own}: run the command from that version's image"
    )]
    Newer {
        /// The backup.
        id: String,
        /// Who made it.
        version: String,
        /// Who we are.
        own: &'static str,
    },
    /// It is somebody else's.
    #[error(
        "nothing was restored: the backup {id} is of the environment {theirs}, and this is {ours}: a backup of another environment holds its users' data: `restore --source` removes it first"
    )]
    Foreign {
        /// The backup.
        id: String,
        /// Whose it is.
        theirs: String,
        /// Who we are.
        ours: String,
    },
    /// What is personal could not be removed.
    #[error(
        "nothing was restored: SCRUB_SQL failed, and the other environment's data was dropped again: {0}; mend the script, and run the command again"
    )]
    Scrub(String),
    /// It would fill the server's disk.
    #[error(
        "nothing was restored: the database server has {free} free, and a second database needs about {needed}: make room on it, or restore into another server"
    )]
    NoRoom {
        /// What there is.
        free: ByteSize,
        /// What it takes.
        needed: ByteSize,
    },
    /// It would take users' connections.
    #[error(
        "nothing was restored: {free} of the database server's {all} connections are free, and a restore needs {needed}: raise max_connections, or end what holds them (pg_stat_activity)"
    )]
    NoConnections {
        /// Those that our role may still have.
        free: i64,
        /// Those of the server.
        all: i64,
        /// Those that a restore opens at once.
        needed: i64,
    },
    /// The role may not make databases.
    #[error(
        "nothing was restored: the role {role} may not make a database beside the live one: ALTER ROLE {role} CREATEDB, or name an administrator's URL in ADMIN_DATABASE_URL"
    )]
    MayNotCreate {
        /// The role of DATABASE_URL.
        role: String,
    },
    /// One of PostgreSQL's programs.
    #[error("nothing was restored: {0}")]
    Archive(#[from] ArchiveError),
    /// The database.
    #[error("nothing was restored: {0}")]
    Store(#[from] StoreError),
    /// The migrations that the backup lacks.
    #[error("nothing was restored: the backup's schema cannot be brought up to date: {0}")]
    Migrate(#[from] MigrateError),
    /// What was restored is not what the manifest says.
    #[error(
        "nothing was restored: the backup {id} does not hold what its manifest says: {what}; choose another backup"
    )]
    Different {
        /// The backup.
        id: String,
        /// What is different.
        what: String,
    },
    /// pg_restore does not take what it is given, or the dump ends early.
    #[error("nothing was restored: the pipe to pg_restore broke: {0}; run the command again")]
    Pipe(#[source] io::Error),
    /// A program says nothing any more.
    #[error(
        "nothing was restored: pg_restore took nothing for a minute: see what PostgreSQL is doing (pg_stat_activity), and run the command again"
    )]
    Silent,
    /// Databases of these names are not there in a way that can be gone on from.
    #[error("{0}")]
    Names(#[from] Names),
    /// The environment's object store.
    #[error("the documents were not restored{key}: {source}; run the command again")]
    Document {
        /// At which one it was, if at one.
        key: String,
        /// Why.
        source: ObjectsError,
    },
    /// A thread panicked or was refused.
    #[error("nothing was restored: the work was cut off ({0}); run the command again")]
    Cut(#[from] tokio::task::JoinError),
}

impl From<sqlx::Error> for RestoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
