//! What keeps a dump from being written or restored.

use std::{io, path::PathBuf, process::ExitStatus};

use crate::migrate::MigrateError;

/// A dump or its restoration failed. Each message is one line and names the next step.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The program is not installed.
    #[error(
        "{0} is neither on PATH nor in /usr/lib/postgresql/<major>/bin: install it (Debian: apt-get install postgresql-client)"
    )]
    NotInstalled(&'static str),
    /// The program does not start, or its end cannot be waited for.
    #[error("{program} cannot be run: {source}; see that it is a program of this machine's kind")]
    Run {
        /// The program.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The program failed.
    #[error("{program} failed ({status}): {said}; {next_step}")]
    Failed {
        /// The program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The last of what it wrote to its standard error.
        said: String,
        /// What to do.
        next_step: &'static str,
    },
    /// A signal came.
    #[error("{0} was stopped by a signal, and nothing of it was kept: run the command again")]
    Interrupted(&'static str),
    /// The unfinished file is there already.
    #[error("{0} exists: another dump is writing it, or one was killed; in the latter case remove it")]
    Unfinished(PathBuf),
    /// The dump cannot be written.
    #[error("{path} cannot be written: {source}; name another file, or make room")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The dump cannot be read.
    #[error("{path} cannot be read: {source}; name a file that `chatbot migrate dump` wrote")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There are tables already.
    #[error("the database {database} holds tables already ({tables}): {next_step}, then restore again")]
    NotEmpty {
        /// The database.
        database: String,
        /// Some of them.
        tables: String,
        /// How to come by an empty one.
        next_step: String,
    },
    /// The database, or another migrator.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
}

impl From<sqlx::Error> for ArchiveError {
    fn from(error: sqlx::Error) -> Self {
        Self::Migrate(error.into())
    }
}
