//! What keeps a backup from being made, or from counting.

use std::io;

use super::SILENCE;
use crate::{migrate::archive::ArchiveError, objects::ObjectsError, store::StoreError};

/// There is no backup. Each message is one line and names the next step; what was written is removed.
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
    /// The store gave something else back.
    #[error(
        "the backup {key} does not count: {written} bytes were written, and {read} other ones read back; look at the object store and its disks, and run the command again"
    )]
    Changed {
        /// The backup's key.
        key: String,
        /// Bytes sent.
        written: u64,
        /// Bytes that came back.
        read: u64,
    },
    /// It is no archive that can be restored.
    #[error(
        "the backup {key} does not count: pg_restore cannot read it ({said}); see that pg_dump and pg_restore are of one version, and run the command again"
    )]
    Unreadable {
        /// The backup's key.
        key: String,
        /// The program's last words.
        said: String,
    },
    /// Tables are missing.
    #[error(
        "the backup {key} does not count: the database has {expected} tables, and the backup {found}; see that the role of DATABASE_URL may read all of them, and run the command again"
    )]
    Incomplete {
        /// The backup's key.
        key: String,
        /// How many tables the database had.
        expected: usize,
        /// How many are in the backup.
        found: usize,
    },
}
