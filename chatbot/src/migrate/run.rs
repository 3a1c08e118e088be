//! Applies and reverts, one migration per transaction, under sqlx's advisory lock: of two migrators one waits, then finds
//! nothing left to do.

use std::{collections::HashMap, time::Duration};

use sqlx::{
    ConnectOptions, PgConnection,
    migrate::{AppliedMigration, Migrate},
    postgres::PgConnectOptions,
};
use tokio::time::timeout;

use super::{
    Kind, MigrateError, Migration, Selection, lint,
    locks::{self, Done, Step},
    marks, source,
};

pub(super) const TABLE: &str = "_sqlx_migrations";
/// Longest wait for the connection.
const CONNECT_DEADLINE: Duration = Duration::from_secs(15);
/// Longest wait for another migrator to finish.
const LOCK_DEADLINE: Duration = Duration::from_mins(10);

/// Applies what is pending of the selected kinds, in the name of `release`; answers the labels of what was applied.
///
/// # Errors
/// See [`MigrateError`]; migrations before the failed one stay applied.
pub async fn up(
    options: &PgConnectOptions,
    migrations: &[Migration],
    selection: Selection,
    release: Option<&str>,
) -> Result<Vec<String>, MigrateError> {
    let mut connection = open(options).await?;
    let done = apply_pending(&mut connection, migrations, selection, release).await?;
    close(connection).await?;
    Ok(done)
}

async fn apply_pending(
    connection: &mut PgConnection,
    migrations: &[Migration],
    selection: Selection,
    release: Option<&str>,
) -> Result<Vec<String>, MigrateError> {
    let applied = applied(connection).await?;
    if !applied.is_empty() && selection.includes(Kind::Expand) {
        lint::refuse(&source::pending_expands(|version| applied.contains_key(&version)))?;
    }
    marks::prepare(connection, migrations).await?;
    let mut done = Vec::new();
    for migration in migrations.iter().filter(|migration| selection.includes(migration.kind)) {
        match applied.get(&migration.version) {
            Some(known) if known.checksum == migration.up.checksum => {}
            Some(_) => return Err(MigrateError::Changed(migration.label())),
            None => {
                apply(connection, migration, release).await?;
                done.push(migration.label());
            }
        }
    }
    Ok(done)
}

async fn apply(
    connection: &mut PgConnection,
    migration: &Migration,
    release: Option<&str>,
) -> Result<(), MigrateError> {
    tracing::info!(migration = migration.label(), kind = %migration.kind, "applying");
    marks::announce(connection, migration.kind, release).await?;
    if let Done::Took(took) = locks::patiently(connection, migration, Step::Apply).await? {
        tracing::info!(migration = migration.label(), seconds = took.as_secs_f64(), "applied");
    }
    Ok(())
}

/// Reverts the `count` newest applied migrations; answers their labels, newest first.
///
/// # Errors
/// `TooMany` and `Unknown` before anything is touched; `Failed` leaves the earlier ones reverted.
pub async fn down(
    options: &PgConnectOptions,
    migrations: &[Migration],
    count: usize,
) -> Result<Vec<String>, MigrateError> {
    let mut connection = open(options).await?;
    let applied = applied(&mut connection).await?;
    let done = revert(&mut connection, &to_revert(migrations, &applied, count)?).await?;
    close(connection).await?;
    Ok(done)
}

/// Reverts and applies everything, under one lock, so that no other migrator comes between; answers what was applied.
///
/// # Errors
/// `Unknown` before anything is touched; else as of [`up`] and [`down`].
pub async fn reset(
    options: &PgConnectOptions,
    migrations: &[Migration],
    release: Option<&str>,
) -> Result<Vec<String>, MigrateError> {
    let mut connection = open(options).await?;
    let applied = applied(&mut connection).await?;
    revert(&mut connection, &to_revert(migrations, &applied, applied.len())?).await?;
    let done = apply_pending(&mut connection, migrations, Selection::All, release).await?;
    close(connection).await?;
    Ok(done)
}

async fn revert(connection: &mut PgConnection, migrations: &[&Migration]) -> Result<Vec<String>, MigrateError> {
    let mut done = Vec::new();
    for migration in migrations {
        tracing::info!(migration = migration.label(), "reverting");
        locks::patiently(connection, migration, Step::Revert).await?;
        done.push(migration.label());
    }
    Ok(done)
}

fn to_revert<'a>(
    migrations: &'a [Migration],
    applied: &HashMap<i64, AppliedMigration>,
    count: usize,
) -> Result<Vec<&'a Migration>, MigrateError> {
    let mut versions: Vec<i64> = applied.keys().copied().collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    if count > versions.len() {
        return Err(MigrateError::TooMany { asked: count, applied: versions.len() });
    }
    let find = |version: i64| {
        migrations.iter().find(|migration| migration.version == version).ok_or(MigrateError::Unknown(version))
    };
    versions.into_iter().take(count).map(find).collect()
}

pub(super) async fn open(options: &PgConnectOptions) -> Result<PgConnection, MigrateError> {
    let options = options.clone().application_name("chatbot-migrate");
    let connecting = options.connect();
    let late = || sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "no connection within 15 seconds"));
    let mut connection = timeout(CONNECT_DEADLINE, connecting).await.unwrap_or_else(|_| Err(late()))?;
    tracing::info!("waiting for the migration lock");
    let locked = timeout(LOCK_DEADLINE, connection.lock()).await;
    locked.map_err(|_| MigrateError::Locked(LOCK_DEADLINE.as_secs()))?.map_err(MigrateError::Bookkeeping)?;
    Ok(connection)
}

pub(super) async fn applied(connection: &mut PgConnection) -> Result<HashMap<i64, AppliedMigration>, MigrateError> {
    connection.ensure_migrations_table(TABLE).await.map_err(MigrateError::Bookkeeping)?;
    let applied = connection.list_applied_migrations(TABLE).await.map_err(MigrateError::Bookkeeping)?;
    Ok(applied.into_iter().map(|migration| (migration.version, migration)).collect())
}

/// Unlocks and disconnects; an error on the way frees the lock as well, because it drops the connection.
pub(super) async fn close(mut connection: PgConnection) -> Result<(), MigrateError> {
    connection.unlock().await.map_err(MigrateError::Bookkeeping)?;
    Ok(sqlx::Connection::close(connection).await?)
}
