//! One backup of a database at a time: a lock in the database itself. It ends with the session that holds it, however that ends, so
//! that there is none that has to be taken over.

use std::{io, time::Duration};

use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

use super::BackupError;
use crate::{config::database::Database, store::StoreError};

/// Longest wait for a connection.
const DEADLINE: Duration = Duration::from_secs(15);
/// Says in `pg_locks` who it is: "cbbackup" as a number.
const KEY: i64 = 0x6362_6261_636b_7570;
/// A full backup that is at work copies and checks for a while.
const BEGIN: &str = "SET lock_timeout = '30min'; SET statement_timeout = 0; SET idle_session_timeout = 0";
/// `lock_not_available`
const LATE: &str = "55P03";

/// Held while a backup is made, and while what belongs to it is done.
#[derive(Debug)]
pub struct Turn {
    _session: PgConnection,
}

impl Turn {
    /// Waits until no other backup of the database is being made.
    ///
    /// # Errors
    /// `Busy` after half an hour, or the database's.
    pub(super) async fn wait(database: &Database) -> Result<Self, BackupError> {
        let mut session = open(database).await.map_err(StoreError::from)?;
        let locked = sqlx::query("SELECT pg_advisory_lock($1)").bind(KEY).execute(&mut session).await;
        match locked {
            Ok(_) => Ok(Self { _session: session }),
            Err(error) if is_late(&error) => Err(BackupError::Busy),
            Err(error) => Err(StoreError::from(error).into()),
        }
    }
}

async fn open(database: &Database) -> Result<PgConnection, sqlx::Error> {
    let options = database.options.clone().application_name("chatbot-backup-turn");
    let late = || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer within fifteen seconds"));
    let mut session = timeout(DEADLINE, PgConnection::connect_with(&options)).await.unwrap_or_else(|_| Err(late()))?;
    sqlx::raw_sql(BEGIN).execute(&mut session).await?;
    Ok(session)
}

fn is_late(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some(LATE)
}
