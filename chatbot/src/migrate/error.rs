//! What keeps a migration from being applied or reverted.

use super::lint;

/// A migration command failed. Each message names the migration and the next step.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A migration in the binary is malformed (the build's lint should have refused it).
    #[error("migration {name}: {reason}")]
    Malformed {
        /// The migration.
        name: String,
        /// What is wrong, and what to write instead.
        reason: String,
    },
    /// An expand in the binary is not what it says (the build's lint should have refused it): nothing was applied.
    #[error(
        "nothing was applied, for the sake of the release that serves: {0}; mend the migration, and build the image anew"
    )]
    Unsafe(lint::Finding),
    /// The database cannot be reached.
    #[error("the database cannot be reached: {0}; check DATABASE_URL, the network policy and that PostgreSQL runs")]
    Unreachable(#[source] sqlx::Error),
    /// A statement of a migration failed; the migration left nothing behind.
    #[error("migration {name} failed and was rolled back: {}; mend the cause and run the command again", words(source))]
    Failed {
        /// The migration.
        name: String,
        /// What the database said.
        source: sqlx::migrate::MigrateError,
    },
    /// Its tables are in use.
    #[error(
        "migration {name} could not lock its tables in {attempts} attempts and changed nothing: end the long transaction that uses them (see pg_stat_activity), and run the command again"
    )]
    InUse {
        /// The migration.
        name: String,
        /// How often it was tried.
        attempts: usize,
    },
    /// The applied migration is not the one in this binary.
    #[error(
        "migration {0} was applied with other content than this release has: never edit an applied migration, write a new one"
    )]
    Changed(String),
    /// The bookkeeping failed.
    #[error("the list of applied migrations cannot be read: {0}")]
    Bookkeeping(#[source] sqlx::migrate::MigrateError),
    /// More migrations were to be reverted than are applied.
    #[error("{asked} migrations were to be reverted, but only {applied} are applied: ask for at most {applied}")]
    TooMany {
        /// How many were asked for.
        asked: usize,
        /// How many there are.
        applied: usize,
    },
    /// A newer release applied migrations that this one does not know.
    #[error("migration {0} was applied by a newer release: revert it with that release's image")]
    Unknown(i64),
    /// Another process migrates.
    #[error(
        "another process has been migrating this database for {0} seconds: wait for it, or end it, and run the command again"
    )]
    Locked(u64),
}

/// What the database said: the line that sqlx adds to it is one of PostgreSQL's own source.
fn words(error: &sqlx::migrate::MigrateError) -> String {
    use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
    let (Execute(cause) | ExecuteMigration(cause, _)) = error else { return error.to_string() };
    let said = cause.as_database_error();
    said.map_or_else(|| error.to_string(), |said| said.message().to_owned())
}

impl From<sqlx::Error> for MigrateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unreachable(error)
    }
}
