//! Databases beside the live one: the restored one, and the one that it replaces. Nothing is ever overwritten: names are swapped.

use std::{collections::BTreeSet, io, time::Duration};

use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

use tokio::time::timeout;

use super::RestoreError;
use crate::config::database::Database;

/// Longest wait for a connection.
const DEADLINE: Duration = Duration::from_secs(15);
/// Longest name of a database, in bytes.
const LONGEST: usize = 63;
/// What a database says that is filled, checked and migrated.
const COMPLETE: &str = "chatbot: restored and checked, backup ";

/// The names of one restore: the live database, the restored one beside it, and the one that was live before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trio {
    /// The environment's.
    pub live: String,
    /// What is restored, until the swap.
    pub restored: String,
    /// What was live, after the swap.
    pub replaced: String,
}

impl Trio {
    /// For the restore of the backup `id`; the same ones each time, so that a restore that was cut off is found again.
    #[must_use]
    pub fn of(live: &str, id: &str) -> Self {
        let short = id.get(..8).unwrap_or(id);
        let beside = |word: &str| {
            let ending = format!("_{word}_{short}");
            let room = LONGEST - ending.len();
            let mut end = live.len().min(room);
            while !live.is_char_boundary(end) {
                end -= 1;
            }
            format!("{}{ending}", &live[..end])
        };
        Self { live: live.to_owned(), restored: beside("restored"), replaced: beside("replaced") }
    }
}

/// Why the names cannot be swapped.
#[derive(Debug, thiserror::Error)]
pub enum Names {
    /// There is nothing to swap in.
    #[error("the database {0} is not there: run chatbot restore prepare first")]
    NotPrepared(String),
    /// It was not finished.
    #[error("the database {0} is not complete: run chatbot restore prepare again")]
    Incomplete(String),
    /// There is nothing to swap back to.
    #[error("the database {0} is not there (any more): there is nothing to go back to")]
    NothingToUndo(String),
}

/// What the swap found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The live one steps aside.
    Aside,
    /// The restored one takes the name.
    Take,
    /// Both are done.
    Done,
}

/// Where a swap of `live` for `new`, which goes aside as `old`, stands among the databases that exist. None where `new` is
/// neither beside the live one nor in its place.
fn step(names: &BTreeSet<String>, live: &str, new: &str, old: &str) -> Option<Step> {
    match (names.contains(live), names.contains(new), names.contains(old)) {
        (true, true, _) => Some(Step::Aside),
        (false, true, _) => Some(Step::Take),
        (true, false, true) => Some(Step::Done),
        (_, false, _) => None,
    }
}

/// Makes the restored one empty and ready to be filled; true when it is complete already.
pub(super) async fn make(database: &Database, trio: &Trio, id: &str) -> Result<bool, RestoreError> {
    let mut connection = connect(&database.options).await?;
    if comment(&mut connection, &trio.restored).await?.is_some_and(|said| said == format!("{COMPLETE}{id}")) {
        return Ok(true);
    }
    run(&mut connection, "DROP DATABASE IF EXISTS %I WITH (FORCE)", &[&trio.restored]).await?;
    let like = "SELECT pg_encoding_to_char(encoding)::text, datcollate::text, datctype::text FROM pg_database WHERE datname = current_database()";
    let (encoding, collate, ctype): (String, String, String) = sqlx::query_as(like).fetch_one(&mut connection).await?;
    let create = "CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L";
    let made = run(&mut connection, create, &[&trio.restored, &encoding, &collate, &ctype]).await;
    made.map_err(|error| may_not_create(error, database))?;
    Ok(false)
}

/// Says of the restored one that it is complete.
pub(super) async fn complete(database: &Database, trio: &Trio, id: &str) -> Result<(), RestoreError> {
    let mut connection = connect(&database.options).await?;
    Ok(run(&mut connection, "COMMENT ON DATABASE %I IS %L", &[&trio.restored, &format!("{COMPLETE}{id}")]).await?)
}

/// The same access to another database of the server.
pub(super) fn beside(database: &Database, name: &str) -> Database {
    let mut url = database.clone();
    url.options = database.options.clone().database(name);
    url
}

/// Swaps the restored one in. Safe to repeat; nobody but us may be connected when it ends.
pub(super) async fn swap_in(database: &Database, trio: &Trio, id: &str) -> Result<(), RestoreError> {
    let said = comment_of(database, trio, &trio.restored).await?;
    match said {
        None => {}
        Some(said) if said == format!("{COMPLETE}{id}") => {}
        Some(_) => return Err(Names::Incomplete(trio.restored.clone()).into()),
    }
    let moved = exchange(database, &trio.live, &trio.restored, &trio.replaced).await?;
    if moved { Ok(()) } else { Err(Names::NotPrepared(trio.restored.clone()).into()) }
}

/// Swaps the replaced one back; what was restored stands beside it again.
pub(super) async fn swap_back(database: &Database, trio: &Trio) -> Result<(), RestoreError> {
    let moved = exchange(database, &trio.live, &trio.replaced, &trio.restored).await?;
    if moved { Ok(()) } else { Err(Names::NothingToUndo(trio.replaced.clone()).into()) }
}

/// `live` is called `old`, then `new` is called `live`; goes on where it was cut off. False where there is no `new`.
async fn exchange(database: &Database, live: &str, new: &str, old: &str) -> Result<bool, RestoreError> {
    loop {
        let mut connection = connect_to_any(database, &[new, live, old]).await?;
        let names: Vec<String> =
            sqlx::query_scalar("SELECT datname::text FROM pg_database").fetch_all(&mut connection).await?;
        match step(&names.into_iter().collect(), live, new, old) {
            None => return Ok(false),
            Some(Step::Done) => return Ok(true),
            Some(Step::Aside) => rename(database, new, live, old).await?,
            Some(Step::Take) => rename(database, old, new, live).await?,
        }
    }
}

/// Renames a database from within another one. Nobody can connect to it from its last look until it has its new name.
async fn rename(database: &Database, from_within: &str, name: &str, new: &str) -> Result<(), RestoreError> {
    let mut connection = connect(&beside(database, from_within).options).await?;
    run(&mut connection, "ALTER DATABASE %I WITH ALLOW_CONNECTIONS false", &[name]).await?;
    let end = "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()";
    sqlx::query(end).bind(name).execute(&mut connection).await?;
    let renamed = run(&mut connection, "ALTER DATABASE %I RENAME TO %I", &[name, new]).await;
    let now = if renamed.is_ok() { new } else { name };
    run(&mut connection, "ALTER DATABASE %I WITH ALLOW_CONNECTIONS true", &[now]).await?;
    Ok(renamed?)
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let options = options.clone().application_name("chatbot-restore");
    let late = || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer within fifteen seconds"));
    timeout(DEADLINE, PgConnection::connect_with(&options)).await.unwrap_or_else(|_| Err(late()))
}

/// In the middle of a swap one of the names is not there.
async fn connect_to_any(database: &Database, names: &[&str]) -> Result<PgConnection, sqlx::Error> {
    let mut last = None;
    for name in names {
        match connect(&beside(database, name).options).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or(sqlx::Error::RowNotFound))
}

async fn comment_of(database: &Database, trio: &Trio, name: &str) -> Result<Option<String>, RestoreError> {
    let mut connection = connect_to_any(database, &[&trio.restored, &trio.live, &trio.replaced]).await?;
    Ok(comment(&mut connection, name).await?)
}

/// What a database says of itself: empty for nothing, None where there is no such database.
async fn comment(connection: &mut PgConnection, name: &str) -> Result<Option<String>, sqlx::Error> {
    let query = "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = $1";
    sqlx::query_scalar(query).bind(name).fetch_optional(connection).await
}

/// Runs a statement whose names (%I) and texts (%L) the server itself puts in.
async fn run(connection: &mut PgConnection, template: &str, arguments: &[&str]) -> Result<(), sqlx::Error> {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let statement: String = sqlx::query_scalar("SELECT format($1, VARIADIC $2::text[])")
        .bind(template)
        .bind(arguments)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

fn may_not_create(error: sqlx::Error, database: &Database) -> RestoreError {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    if code.as_deref() == Some("42501") {
        return RestoreError::MayNotCreate { role: database.options.get_username().to_owned() };
    }
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_the_live_one_and_the_backup_and_fit() {
        let id = "0123456789abcdef";
        let trio = Trio::of("prod_chatbot", id);
        assert_eq!(
            (trio.restored.as_str(), trio.replaced.as_str()),
            ("prod_chatbot_restored_01234567", "prod_chatbot_replaced_01234567")
        );
        let long = Trio::of(&"ü".repeat(31), id);
        assert!(long.restored.len() <= LONGEST && long.restored.ends_with("ü_restored_01234567"), "{long:?}");
    }

    #[test]
    fn a_swap_goes_on_where_it_was_cut_off() {
        let cases: [(&[&str], Option<Step>); 6] = [
            (&["live", "new"], Some(Step::Aside)),
            (&["new", "old"], Some(Step::Take)),
            (&["live", "old"], Some(Step::Done)),
            (&["live"], None),
            (&["live", "new", "old"], Some(Step::Aside)),
            (&[], None),
        ];
        for (there, expected) in cases {
            let names = there.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(step(&names, "live", "new", "old"), expected, "{there:?}");
        }
    }
}
