//! What keeps a backup from being made, or from counting.

use std::io;

use super::SILENCE;
use crate::{migrate::archive::ArchiveError, objects::ObjectsError, repository::RepositoryError, store::StoreError};

/// There is no backup. Each message is one line and names the next step.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// One of PostgreSQL's programs, or a signal.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The object store.
    #[error("no backup was made: {0}")]
    Objects(#[from] ObjectsError),
    /// The database, before the dump.
    #[error("no backup was made: {0}")]
    Store(#[from] StoreError),
    /// A program says nothing any more.
    #[error(
        "no backup was made: {0} did nothing for {SILENCE:?}; see what PostgreSQL is doing (pg_stat_activity), and run the command again"
    )]
    Silent(&'static str),
    /// A program's output cannot be read, or its input not be written.
    #[error("no backup was made: the pipe to {program} broke: {source}; run the command again")]
    Pipe {
        /// The program.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It is no dump that can be restored.
    #[error(
        "no backup was made: pg_restore cannot read what pg_dump wrote ({said}); see that both are of one version, and run the command again"
    )]
    Unreadable {
        /// The program's last words.
        said: String,
    },
    /// Tables are missing.
    #[error(
        "no backup was made: the database has {expected} tables, and the dump {found}; see that the role of DATABASE_URL may read all of them, and run the command again"
    )]
    Incomplete {
        /// How many tables the database had.
        expected: usize,
        /// How many are in the dump.
        found: usize,
    },
    /// The repository.
    #[error("no backup was made: {0}")]
    Repository(#[from] RepositoryError),
    /// A thread panicked or was refused.
    #[error("no backup was made: the work was cut off ({0}); run the command again")]
    Cut(#[from] tokio::task::JoinError),
    /// What is read is not wanted any more; who reads says why.
    #[error("no backup was made: nobody takes what was read; run the command again")]
    Unwanted,
    /// The manifest cannot be written down.
    #[error("no backup was made: its manifest cannot be written ({0}); this is an error of this program")]
    Manifest(#[source] serde_json::Error),
    /// Another one is being made.
    #[error(
        "no backup was made: another backup of this database has been at work for half an hour; see it in pg_stat_activity (chatbot-backup), and run the command again"
    )]
    Busy,
    /// A signal came.
    #[error("the backup was stopped by a signal, and nothing of it counts: run the command again")]
    Interrupted,
}

impl BackupError {
    /// What is wrong, for one that is told beside a backup that was made.
    #[must_use]
    pub fn found(&self) -> String {
        let said = self.to_string();
        said.strip_prefix("no backup was made: ").map_or_else(|| said.clone(), str::to_owned)
    }
}
