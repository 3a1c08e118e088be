//! Restores a dump, in one transaction, into a database without tables.

use std::{
    fs::File,
    io::{self, Seek},
    path::Path,
};

use sqlx::PgConnection;
use tokio::process::Command;

use super::{super::run, ArchiveError, connection, process, programs};
use crate::{config::database::Database, store::schema};

const PROGRAM: &str = "pg_restore";
/// sqlx's list of applied migrations; it stays when the last one is reverted, and is in the dump.
const BOOKKEEPING: &str = "_sqlx_migrations";
/// Most tables that a message names.
const NAMED: usize = 3;

/// Restores the dump at `path` into `database`, under the migrations' lock; `stop` gives up. Owners and rights are those of
/// the role that restores: the dump's roles need not exist here.
///
/// # Errors
/// See [`ArchiveError`]; the database has no tables then.
pub async fn restore(
    database: &Database,
    path: &Path,
    search_path: Option<&str>,
    stop: impl Future<Output = ()>,
) -> Result<(), ArchiveError> {
    let unreadable = |source| ArchiveError::Read { path: path.to_owned(), source };
    let mut command = Command::new(programs::find(PROGRAM, search_path)?);
    let file = File::open(path).map_err(unreadable)?;
    command.args(["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]);
    command.stdin(file.try_clone().map_err(unreadable)?);
    connection::set(&mut command, database);

    let mut locked = run::open(&database.options).await?;
    make_room(&mut locked, database.name()).await?;
    // Both handles share one place in the file: ours tells how far the program has read.
    process::run(PROGRAM, command, || position(&file).unwrap_or_default(), stop).await?;
    // The rows are there, whatever became of the connection that held the lock meanwhile.
    drop(run::close(locked).await);
    Ok(())
}

fn position(mut file: &File) -> io::Result<u64> {
    file.stream_position()
}

/// Refuses a database with tables; the bookkeeping of migrations that are all reverted is none.
async fn make_room(connection: &mut PgConnection, database: &str) -> Result<(), ArchiveError> {
    let tables: Vec<String> = sqlx::query_scalar(schema::TABLES).fetch_all(&mut *connection).await?;
    if tables.is_empty() {
        return Ok(());
    }
    let is_ours = tables.iter().any(|table| table == BOOKKEEPING);
    let applied = if is_ours { run::applied(connection).await?.len() } else { 0 };
    if applied > 0 || tables != [BOOKKEEPING] {
        return Err(not_empty(database, &tables, applied));
    }
    sqlx::query("DROP TABLE _sqlx_migrations").execute(connection).await?;
    Ok(())
}

fn not_empty(database: &str, tables: &[String], applied: usize) -> ArchiveError {
    let mut named = tables.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if tables.len() > NAMED {
        named = format!("{named} and {} more", tables.len() - NAMED);
    }
    let next_step = if applied > 0 {
        format!("name an empty database in DATABASE_URL, or empty this one with `chatbot migrate down {applied}`")
    } else {
        "name an empty database in DATABASE_URL".to_owned()
    };
    ArchiveError::NotEmpty { database: database.to_owned(), tables: named, next_step }
}
