//! Locks of tables: a migration that waits for one makes everybody wait who comes after it. So it waits briefly, gives
//! way, and tries again.

use std::time::Duration;

use sqlx::{
    PgConnection,
    migrate::{Migrate, MigrateError as SqlxError},
};

use super::{MigrateError, Migration, lossless, run::TABLE};

/// Longest wait for one lock. Everybody waits behind it who wants the table. It is below the second after which PostgreSQL looks for
/// circles (`deadlock_timeout`), so that in most of them the migration has given way before a request of the old release is ended.
const WAIT: &str = "800ms";
/// Long enough for those who waited behind us.
const PAUSE: Duration = Duration::from_secs(2);
/// Above a minute in all.
const ATTEMPTS: usize = 25;
/// PostgreSQL's codes for a lock that was not to be had in time, or that would have been waited for in a circle.
const LOCK_NOT_AVAILABLE: [&str; 2] = ["55P03", "40P01"];

/// What is to be done with a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Apply it.
    Apply,
    /// Revert it, whatever it takes away.
    Revert,
    /// Revert it, if it takes away nothing that holds data.
    RevertLossless,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It was done in so much time.
    Took(Duration),
    /// Nothing was changed: why, as the end of a sentence.
    Kept(String),
}

/// Does it, in as many attempts as it takes; the time is that of the last one.
pub(super) async fn patiently(
    connection: &mut PgConnection,
    migration: &Migration,
    step: Step,
) -> Result<Done, MigrateError> {
    sqlx::query("SELECT set_config('lock_timeout', $1, false)").bind(WAIT).execute(&mut *connection).await?;
    for attempt in 1..=ATTEMPTS {
        match once(connection, migration, step).await {
            Ok(done) => return Ok(done),
            Err(error) if !is_about_a_lock(&error) => {
                return Err(MigrateError::Failed { name: migration.label(), source: error });
            }
            Err(_) => tracing::warn!(migration = migration.label(), attempt, "a table is in use; giving way"),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(MigrateError::InUse { name: migration.label(), attempts: ATTEMPTS })
}

/// Alters the list of migrations, in as many attempts as it takes.
pub(super) async fn altering(connection: &mut PgConnection, statement: &'static str) -> Result<(), MigrateError> {
    sqlx::query("SELECT set_config('lock_timeout', $1, false)").bind(WAIT).execute(&mut *connection).await?;
    for attempt in 1..=ATTEMPTS {
        match sqlx::raw_sql(statement).execute(&mut *connection).await {
            Ok(_) => return Ok(()),
            Err(error) if !is_lock(&error) => return Err(error.into()),
            Err(_) => tracing::warn!(attempt, "the list of migrations is in use; giving way"),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(MigrateError::InUse { name: TABLE.to_owned(), attempts: ATTEMPTS })
}

async fn once(connection: &mut PgConnection, migration: &Migration, step: Step) -> Result<Done, SqlxError> {
    match step {
        Step::Apply => connection.apply(TABLE, &migration.up).await.map(Done::Took),
        Step::Revert => connection.revert(TABLE, &migration.down).await.map(Done::Took),
        Step::RevertLossless => lossless::revert(connection, migration).await,
    }
}

fn is_about_a_lock(error: &SqlxError) -> bool {
    let (SqlxError::Execute(cause) | SqlxError::ExecuteMigration(cause, _)) = error else { return false };
    is_lock(cause)
}

fn is_lock(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| LOCK_NOT_AVAILABLE.contains(&&*code))
}
