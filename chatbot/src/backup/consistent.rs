//! One moment of the database: what is counted, which objects are looked for and what is dumped is seen in one snapshot of the server.

use std::{io, time::Duration};

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use tokio::time::timeout;

use super::{BackupError, manifest::Table};
use crate::{
    config::database::Database,
    store::{StoreError, schema},
};

/// Longest wait for the moment.
const DEADLINE: Duration = Duration::from_mins(1);
/// A server may end a transaction that waits for long, and a statement that takes long; this one does both.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; \
    SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0";

/// Whether the database has no table of its own.
///
/// # Errors
/// The database's.
pub(super) async fn is_empty(database: &Database) -> Result<bool, BackupError> {
    let tables = "SELECT NOT EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
        WHERE relkind IN ('r', 'p') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema')";
    let asked = async {
        let options = database.options.clone().application_name("chatbot-backup");
        let mut connection = PgConnection::connect_with(&options).await?;
        sqlx::query_scalar(tables).fetch_one(&mut connection).await
    };
    let late = || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer within a minute"));
    Ok(timeout(DEADLINE, asked).await.unwrap_or_else(|_| Err(late())).map_err(StoreError::from)?)
}

/// A transaction that holds the moment.
pub(super) struct Consistent {
    connection: PgConnection,
    /// The name under which another session sees the same.
    pub(super) snapshot: String,
    /// When it was, by the server's clock.
    pub(super) taken_at: Timestamp,
    /// The server's version, as a number.
    pub(super) server_version: u32,
    /// Newest applied migration; empty for none.
    pub(super) schema: String,
}

impl Consistent {
    /// Takes hold of now.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn begin(database: &Database) -> Result<Self, BackupError> {
        let late = || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer within a minute"));
        let opened = timeout(DEADLINE, Self::open(database)).await.unwrap_or_else(|_| Err(late()));
        Ok(opened.map_err(StoreError::from)?)
    }

    async fn open(database: &Database) -> Result<Self, sqlx::Error> {
        let options = database.options.clone().application_name("chatbot-backup");
        let mut connection = PgConnection::connect_with(&options).await?;
        sqlx::raw_sql(BEGIN).execute(&mut connection).await?;
        let said = "SELECT pg_export_snapshot(), now(), current_setting('server_version_num')::int";
        let (snapshot, now, version): (String, jiff_sqlx::Timestamp, i32) =
            sqlx::query_as(said).fetch_one(&mut connection).await?;
        let schema = newest_migration(&mut connection).await?;
        let server_version = u32::try_from(version).unwrap_or_default();
        Ok(Self { connection, snapshot, taken_at: now.to_jiff(), server_version, schema })
    }

    /// The keys of the objects that rows refer to, sorted; none in a database that is not ours.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn objects(&mut self) -> Result<Vec<String>, BackupError> {
        let ours = "SELECT to_regclass('public.documents') IS NOT NULL";
        let keys = async {
            if !sqlx::query_scalar::<_, bool>(ours).fetch_one(&mut self.connection).await? {
                return Ok(Vec::new());
            }
            let query = "SELECT DISTINCT object_key FROM public.documents ORDER BY 1";
            sqlx::query_scalar(query).fetch_all(&mut self.connection).await
        };
        keys.await.map_err(|error: sqlx::Error| StoreError::from(error).into())
    }

    /// Every table with its rows.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn tables(&mut self) -> Result<Vec<Table>, BackupError> {
        Ok(count(&mut self.connection).await?)
    }
}

/// Every table with its rows, as `connection` sees them.
pub(crate) async fn count(connection: &mut PgConnection) -> Result<Vec<Table>, StoreError> {
    let mut tables = Vec::new();
    for name in schema::tables(&mut *connection).await? {
        // The name comes from the server, quoted by it.
        let query = AssertSqlSafe(format!("SELECT count(*) FROM ONLY {name}"));
        let rows: i64 = sqlx::query_scalar(query).fetch_one(&mut *connection).await?;
        tables.push(Table { name, rows: u64::try_from(rows).unwrap_or_default() });
    }
    Ok(tables)
}

async fn newest_migration(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    let exists = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    if !sqlx::query_scalar::<_, bool>(exists).fetch_one(&mut *connection).await? {
        return Ok(String::new());
    }
    let newest = "SELECT coalesce(max(version)::text, '') FROM _sqlx_migrations WHERE success";
    sqlx::query_scalar(newest).fetch_one(connection).await
}
