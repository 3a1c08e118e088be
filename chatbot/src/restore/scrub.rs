//! What is personal is removed from another environment's data before anybody is served from it.
//!
//! What that is a person says, in SQL. Beside it everything goes that is of no use here and would do harm: keys, passwords and
//! logins of the other environment's users would open this one, letters would reach them, and its waiting jobs would be done a
//! second time.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

use super::{RestoreError, documents::Names};
use crate::config::source::Source;

/// Tables that are emptied, where they are there.
const EMPTIED: [&str; 5] = ["api_keys", "sessions", "audit", "river_job", "job_workers"];
/// Nobody logs in, and nobody is written to.
const FORGET_LOGINS: &str = "UPDATE users SET password_hash = NULL, email = NULL";

/// Removes it, and gives documents the names that this environment's have; answers how many rows the script changed. All of it, or
/// nothing; what was removed is not left in the database's files.
pub(super) async fn run(options: &PgConnectOptions, source: &Source, prefix: &str) -> Result<u64, RestoreError> {
    let mut connection = PgConnection::connect_with(&options.clone().application_name("chatbot-restore")).await?;
    sqlx::raw_sql("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        .execute(&mut connection)
        .await?;
    let mut transaction = connection.begin().await?;
    let script = AssertSqlSafe(source.scrub.clone());
    let changed = sqlx::raw_sql(script).execute(&mut *transaction).await.map_err(|error| said(&error))?;
    for table in EMPTIED {
        empty(&mut transaction, table).await?;
    }
    sqlx::raw_sql(FORGET_LOGINS).execute(&mut *transaction).await?;
    rename(&mut transaction, &source.prefix, prefix).await?;
    transaction.commit().await?;
    // Rows that were changed or removed stand in the files until then.
    sqlx::raw_sql("VACUUM (FULL, ANALYZE)").execute(&mut connection).await?;
    Ok(changed.rows_affected())
}

async fn empty(connection: &mut PgConnection, table: &str) -> Result<(), RestoreError> {
    let is_there = "SELECT to_regclass('public.' || $1) IS NOT NULL";
    if sqlx::query_scalar::<_, bool>(is_there).bind(table).fetch_one(&mut *connection).await? {
        sqlx::raw_sql(AssertSqlSafe(format!("DELETE FROM public.{table}"))).execute(connection).await?;
    }
    Ok(())
}

/// Two environments may share a bucket: what one removes must not be the other's.
async fn rename(connection: &mut PgConnection, theirs: &str, ours: &str) -> Result<(), RestoreError> {
    let query = "UPDATE documents SET object_key = $2 || substr(object_key, char_length($1) + 1) \
        WHERE starts_with(object_key, $1)";
    sqlx::query(query).bind(theirs).bind(ours).execute(connection).await?;
    Ok(())
}

/// The documents that are left, by which those of the snapshot are chosen.
pub(super) async fn names(options: &PgConnectOptions, source: &Source, prefix: &str) -> Result<Names, RestoreError> {
    let mut connection = PgConnection::connect_with(&options.clone().application_name("chatbot-restore")).await?;
    let keys: Vec<String> = sqlx::query_scalar("SELECT object_key FROM documents").fetch_all(&mut connection).await?;
    Ok(Names::Renamed(source.prefix.clone(), prefix.to_owned(), BTreeSet::from_iter(keys)))
}

/// Never its detail, which may quote a row.
fn said(error: &sqlx::Error) -> RestoreError {
    RestoreError::Scrub(error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned()))
}
