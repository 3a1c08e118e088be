//! Locks of tables: a migration that waits for one makes everybody wait who comes after it. So it waits briefly, gives
//! way, and tries again.

use std::time::Duration;

use sqlx::{
    PgConnection,
    migrate::{Migrate, MigrateError as SqlxError},
};

use super::{MigrateError, Migration, river::Direction, run::TABLE};

/// Longest wait for one lock.
const WAIT: &str = "5s";
/// Long enough for those who waited behind us.
const PAUSE: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 10;
/// PostgreSQL's code for a lock that was not to be had in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Applies or reverts; answers how long the last attempt took.
pub(super) async fn patiently(
    connection: &mut PgConnection,
    migration: &Migration,
    direction: Direction,
) -> Result<Duration, MigrateError> {
    sqlx::query("SELECT set_config('lock_timeout', $1, false)").bind(WAIT).execute(&mut *connection).await?;
    for attempt in 1..=ATTEMPTS {
        match once(connection, migration, direction).await {
            Ok(took) => return Ok(took),
            Err(error) if !is_about_a_lock(&error) => {
                return Err(MigrateError::Failed { name: migration.label(), source: error });
            }
            Err(_) => tracing::warn!(migration = migration.label(), attempt, "a table is in use; giving way"),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(MigrateError::InUse { name: migration.label(), attempts: ATTEMPTS })
}

async fn once(
    connection: &mut PgConnection,
    migration: &Migration,
    direction: Direction,
) -> Result<Duration, SqlxError> {
    match direction {
        Direction::Up => connection.apply(TABLE, &migration.up).await,
        Direction::Down => connection.revert(TABLE, &migration.down).await,
    }
}

fn is_about_a_lock(error: &SqlxError) -> bool {
    let (SqlxError::Execute(cause) | SqlxError::ExecuteMigration(cause, _)) = error else { return false };
    cause.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == LOCK_NOT_AVAILABLE)
}
