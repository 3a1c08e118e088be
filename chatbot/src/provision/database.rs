//! Role and database.

use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::ProvisionError;
use crate::config::database::Database;

const DEADLINE: Duration = Duration::from_mins(1);
/// Two provisioners of one server take turns. The number is arbitrary, and only ours.
const LOCK: i64 = 0x6368_6174_626f_7401;

/// Makes role and database named in `own` unless they exist, and sets the role's password; answers what was made.
///
/// # Errors
/// See [`ProvisionError`].
pub(super) async fn ensure(admin: &PgConnectOptions, own: &Database) -> Result<Vec<String>, ProvisionError> {
    let work = async {
        // A slow statement would be logged with the password in it.
        let quiet = admin.clone().application_name("chatbot-provision").disable_statement_logging();
        let connecting = quiet.connect().await;
        let mut db = connecting.map_err(at("connecting to PostgreSQL"))?;
        let locked = sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(&mut db).await;
        locked.map_err(at("waiting for another provisioner"))?;
        let mut made = Vec::new();
        made.extend(role(&mut db, own).await?);
        made.extend(database(&mut db, own).await?);
        Ok(made)
    };
    let late = |_| sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer within a minute"));
    timeout(DEADLINE, work).await.map_err(late).map_err(at("making role and database"))?
}

async fn role(db: &mut PgConnection, own: &Database) -> Result<Option<String>, ProvisionError> {
    let role = own.options.get_username();
    let password = own.password().ok_or_else(|| ProvisionError::NoPassword(role.to_owned()))?;
    let exists = scalar(db, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role)
        .await
        .map_err(at("looking for the role"))?;
    let template = if exists { "ALTER ROLE %I LOGIN PASSWORD %L" } else { "CREATE ROLE %I LOGIN PASSWORD %L" };
    tracing::info!(role, exists, "role");
    statement(db, template, &[role, password.expose_secret()]).await.map_err(at("making the role"))?;
    Ok((!exists).then(|| format!("role {role}")))
}

async fn database(db: &mut PgConnection, own: &Database) -> Result<Option<String>, ProvisionError> {
    let (name, role) = (own.name(), own.options.get_username());
    let owner: Option<String> =
        sqlx::query_scalar("SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = $1")
            .bind(name)
            .fetch_optional(&mut *db)
            .await
            .map_err(at("looking for the database"))?;
    tracing::info!(database = name, exists = owner.is_some(), "database");
    if let Some(owner) = owner.as_ref().filter(|owner| *owner != role) {
        let (database, owner) = (name.to_owned(), owner.clone());
        return Err(ProvisionError::ForeignDatabase { database, owner, role: role.to_owned() });
    }
    make(db, name, role, owner.is_some()).await.map_err(at("making the database"))?;
    Ok(owner.is_none().then(|| format!("database {name}")))
}

/// Only its owner may connect: environments that share a server do not see each other's data. This is said again every
/// time, because a run may have ended between making the database and closing it.
async fn make(db: &mut PgConnection, name: &str, role: &str, exists: bool) -> Result<(), sqlx::Error> {
    let superuser: bool =
        scalar(db, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user AND $1 <> ''", role).await?;
    if !superuser {
        statement(db, "GRANT %I TO CURRENT_USER", &[role]).await?;
    }
    if !exists {
        statement(db, "CREATE DATABASE %I OWNER %I", &[name, role]).await?;
    }
    statement(db, "REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC", &[name]).await
}

fn at(doing: &str) -> impl Fn(sqlx::Error) -> ProvisionError {
    move |source| ProvisionError::Database { doing: doing.to_owned(), source }
}

async fn scalar(db: &mut PgConnection, sql: &'static str, value: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(sql).bind(value).fetch_one(db).await
}

/// Runs a statement that takes no parameters, with its names and strings quoted by PostgreSQL itself.
async fn statement(db: &mut PgConnection, template: &'static str, values: &[&str]) -> Result<(), sqlx::Error> {
    let sql: String = sqlx::query_scalar("SELECT format($1, VARIADIC $2::text[])")
        .bind(template)
        .bind(values)
        .fetch_one(&mut *db)
        .await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}
