//! Role and database.

use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::{ProvisionError, mark::BEGINNING};
use crate::config::database::Database;

const DEADLINE: Duration = Duration::from_mins(1);
/// Two provisioners of one server take turns. The number is arbitrary, and only ours.
const LOCK: i64 = 0x6368_6174_626f_7401;

/// Makes role and database named in `own` unless they exist; answers what was made. Both get the comment `mark`, by which
/// the environment knows them again.
///
/// # Errors
/// See [`ProvisionError`].
pub(super) async fn ensure(
    admin: &PgConnectOptions,
    own: &Database,
    mark: Option<&str>,
) -> Result<Vec<String>, ProvisionError> {
    let work = async {
        let mut db = connect(admin).await?;
        // Whose they are comes first: what is refused stays as it was.
        let found = look(&mut db, own).await?;
        refuse_foreign(own, &found)?;
        let mut made = Vec::new();
        made.extend(role(&mut db, own, &found, mark).await?);
        made.extend(database(&mut db, own, &found, mark).await?);
        Ok(made)
    };
    let late = |_| sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer within a minute"));
    timeout(DEADLINE, work).await.map_err(late).map_err(at("making role and database"))?
}

/// A connection that holds the lock until it ends.
async fn connect(admin: &PgConnectOptions) -> Result<PgConnection, ProvisionError> {
    // A slow statement would be logged with the password in it.
    let quiet = admin.clone().application_name("chatbot-provision").disable_statement_logging();
    let mut db = quiet.connect().await.map_err(at("connecting to PostgreSQL"))?;
    let locked = sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(&mut db).await;
    locked.map_err(at("waiting for another provisioner"))?;
    Ok(db)
}

/// A role or database that exists, and the comment on it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
struct Existing {
    owner: String,
    comment: Option<String>,
}

/// What is there.
struct Found {
    role: Option<Existing>,
    database: Option<Existing>,
}

async fn look(db: &mut PgConnection, own: &Database) -> Result<Found, ProvisionError> {
    let role = "SELECT rolname::text AS owner, shobj_description(oid, 'pg_authid') AS comment FROM pg_roles WHERE rolname = $1";
    let role = sqlx::query_as(role).bind(own.options.get_username()).fetch_optional(&mut *db).await;
    let database = "SELECT pg_get_userbyid(datdba)::text AS owner, shobj_description(oid, 'pg_database') AS comment \
        FROM pg_database WHERE datname = $1";
    let database = sqlx::query_as(database).bind(own.name()).fetch_optional(db).await;
    Ok(Found {
        role: role.map_err(at("looking for the role"))?,
        database: database.map_err(at("looking for the database"))?,
    })
}

fn refuse_foreign(own: &Database, found: &Found) -> Result<(), ProvisionError> {
    let role = own.options.get_username();
    match &found.database {
        Some(Existing { owner, .. }) if owner != role => {
            let (database, owner) = (own.name().to_owned(), owner.clone());
            Err(ProvisionError::ForeignDatabase { database, owner, role: role.to_owned() })
        }
        Some(_) | None => Ok(()),
    }
}

/// Makes the role. One that exists must take the password, or carry the mark: then it gets the password.
async fn role(
    db: &mut PgConnection,
    own: &Database,
    found: &Found,
    mark: Option<&str>,
) -> Result<Option<String>, ProvisionError> {
    let role = own.options.get_username();
    let password = own.password().ok_or_else(|| ProvisionError::NoPassword(role.to_owned()))?;
    let template = match &found.role {
        None => Some("CREATE ROLE %I LOGIN PASSWORD %L"),
        Some(_) if takes_password(own).await? => None,
        Some(existing) if mark.is_some() && existing.comment.as_deref() == mark => {
            Some("ALTER ROLE %I LOGIN PASSWORD %L")
        }
        Some(_) => return Err(ProvisionError::ForeignRole(role.to_owned())),
    };
    tracing::info!(role, exists = found.role.is_some(), changed = template.is_some(), "role");
    if let Some(template) = template {
        statement(db, template, &[role, password.expose_secret()]).await.map_err(at("making the role"))?;
    }
    put_mark(db, "COMMENT ON ROLE %I IS %L", role, found.role.as_ref(), mark).await;
    Ok(found.role.is_none().then(|| format!("role {role}")))
}

/// Whether the role takes the password of DATABASE_URL.
async fn takes_password(own: &Database) -> Result<bool, ProvisionError> {
    let quiet = own.options.clone().application_name("chatbot-provision").disable_statement_logging();
    let error = match quiet.connect().await {
        Ok(connection) => return connection.close().await.map(|()| true).map_err(ProvisionError::Login),
        Err(error) => error,
    };
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default().into_owned();
    match code.as_str() {
        // Not this password, or not allowed to log in at all.
        code if code.starts_with("28") => Ok(false),
        // The password was right; the database is not there yet, or closed to the role.
        "3D000" | "42501" => Ok(true),
        _ => Err(ProvisionError::Login(error)),
    }
}

async fn database(
    db: &mut PgConnection,
    own: &Database,
    found: &Found,
    mark: Option<&str>,
) -> Result<Option<String>, ProvisionError> {
    let (name, exists) = (own.name(), found.database.is_some());
    tracing::info!(database = name, exists, "database");
    make(db, name, own.options.get_username(), exists).await.map_err(at("making the database"))?;
    put_mark(db, "COMMENT ON DATABASE %I IS %L", name, found.database.as_ref(), mark).await;
    Ok((!exists).then(|| format!("database {name}")))
}

/// Marks what was made, or was shown to be the environment's. A person's comment stays, and a mark that cannot be put is
/// no failure: without it the environment only cannot change the role's password later.
async fn put_mark(
    db: &mut PgConnection,
    template: &'static str,
    name: &str,
    existing: Option<&Existing>,
    mark: Option<&str>,
) {
    let Some(mark) = mark else { return };
    let comment = existing.and_then(|existing| existing.comment.as_deref());
    if comment == Some(mark) || comment.is_some_and(|comment| !comment.starts_with(BEGINNING)) {
        return;
    }
    if let Err(error) = statement(db, template, &[name, mark]).await {
        tracing::warn!(%error, name, "it cannot be marked as this environment's");
    }
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
