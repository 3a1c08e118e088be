//! Users.

use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, PgExecutor, Row, postgres::PgRow};
use uuid::Uuid;

use super::{Place, Result};
use crate::auth::Role;

/// Columns by name: with `*` a release would fail on statements that it prepared before the next one added a column.
macro_rules! columns {
    () => {
        "id, name, email, role, created_at, disabled_at"
    };
}

/// A person or program that owns keys, conversations and documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Identity.
    pub id: Uuid,
    /// Unique name.
    pub name: String,
    /// Unique address, whatever its case.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// When it was created.
    pub created_at: jiff::Timestamp,
    /// Since when they may not come in.
    pub disabled_at: Option<jiff::Timestamp>,
}

impl<'r> sqlx::FromRow<'r, PgRow> for User {
    fn from_row(row: &'r PgRow) -> std::result::Result<Self, sqlx::Error> {
        let disabled_at: Option<jiff_sqlx::Timestamp> = row.try_get("disabled_at")?;
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            email: row.try_get("email")?,
            role: row.try_get("role")?,
            created_at: row.try_get::<jiff_sqlx::Timestamp, _>("created_at")?.into(),
            disabled_at: disabled_at.map(Into::into),
        })
    }
}

impl User {
    /// Where it stands in lists.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { at: self.created_at, id: self.id }
    }
}

/// A user to create.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewUser<'a> {
    /// Unique name.
    pub name: &'a str,
    /// Unique address.
    pub email: Option<&'a str>,
    /// What they may do.
    pub role: Role,
    /// Hash of their password; without one they come in by keys alone.
    pub password_hash: Option<&'a str>,
}

/// A user, and what a login is compared with.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Credentials {
    /// Who it is.
    #[sqlx(flatten)]
    pub user: User,
    /// Hash of their password.
    pub password_hash: Option<String>,
}

/// Creates a member who has no password.
///
/// # Errors
/// `UserExists` when the name is taken.
pub async fn create(db: impl PgExecutor<'_>, name: &str) -> Result<User> {
    create_with(db, &NewUser { name, ..NewUser::default() }).await
}

/// Creates a user.
///
/// # Errors
/// `UserExists` and `EmailExists` when name or address are taken.
pub async fn create_with(db: impl PgExecutor<'_>, user: &NewUser<'_>) -> Result<User> {
    let user = sqlx::query_as(concat!(
        "INSERT INTO users (id, name, email, role, password_hash) VALUES ($1, $2, $3, $4, $5) RETURNING ",
        columns!()
    ))
    .bind(Uuid::now_v7())
    .bind(user.name)
    .bind(user.email)
    .bind(user.role)
    .bind(user.password_hash)
    .fetch_one(db)
    .await?;
    Ok(user)
}

/// The user of this name.
///
/// # Errors
/// The database's.
pub async fn find_by_name(db: impl PgExecutor<'_>, name: &str) -> Result<Option<User>> {
    let user = sqlx::query_as(concat!("SELECT ", columns!(), " FROM users WHERE name = $1"))
        .bind(name)
        .fetch_optional(db)
        .await?;
    Ok(user)
}

/// The user with this id.
///
/// # Errors
/// The database's.
pub async fn find(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<User>> {
    let user =
        sqlx::query_as(concat!("SELECT ", columns!(), " FROM users WHERE id = $1")).bind(id).fetch_optional(db).await?;
    Ok(user)
}

/// The same, and nobody changes it before the transaction ends.
///
/// # Errors
/// The database's.
pub async fn lock(db: &mut PgConnection, id: Uuid) -> Result<Option<User>> {
    let user = sqlx::query_as(concat!("SELECT ", columns!(), " FROM users WHERE id = $1 FOR UPDATE"))
        .bind(id)
        .fetch_optional(db)
        .await?;
    Ok(user)
}

/// Who logs in under this name or, where nobody has it, this e-mail address.
///
/// # Errors
/// The database's.
pub async fn credentials(db: impl PgExecutor<'_>, name_or_email: &str) -> Result<Option<Credentials>> {
    let credentials = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        ", password_hash FROM users WHERE name = $1 OR lower(email) = lower($1) ORDER BY name = $1 DESC LIMIT 1"
    ))
    .bind(name_or_email)
    .fetch_optional(db)
    .await?;
    Ok(credentials)
}

/// A page of all users, newest first: those beyond the place `after`, or from the start.
///
/// # Errors
/// The database's.
pub async fn list(db: impl PgExecutor<'_>, after: Option<Place>, limit: i64) -> Result<Vec<User>> {
    let users = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM users WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3"
    ))
    .bind(after.map(Place::time))
    .bind(after.map(|after| after.id))
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(users)
}

/// Whether anybody is an admin who may come in.
///
/// # Errors
/// The database's.
pub async fn any_admin(db: impl PgExecutor<'_>) -> Result<bool> {
    let any = "SELECT EXISTS (SELECT FROM users WHERE role = 'admin' AND disabled_at IS NULL)";
    Ok(sqlx::query_scalar(any).fetch_one(db).await?)
}

/// Admins who may come in beside this user. They stay so until the transaction ends: two changes at once cannot take away
/// the last two.
///
/// # Errors
/// The database's.
pub async fn other_admins(db: &mut PgConnection, id: Uuid) -> Result<usize> {
    let admins = "SELECT id FROM users WHERE role = 'admin' AND disabled_at IS NULL ORDER BY id FOR UPDATE";
    let admins: Vec<Uuid> = sqlx::query_scalar(admins).fetch_all(db).await?;
    Ok(admins.into_iter().filter(|admin| *admin != id).count())
}

/// Sets address, role and since when they may not come in.
///
/// # Errors
/// `EmailExists` when the address is taken.
pub async fn update(db: impl PgExecutor<'_>, user: &User) -> Result<()> {
    sqlx::query("UPDATE users SET email = $2, role = $3, disabled_at = $4 WHERE id = $1")
        .bind(user.id)
        .bind(user.email.as_deref())
        .bind(user.role)
        .bind(user.disabled_at.map(ToSqlx::to_sqlx))
        .execute(db)
        .await?;
    Ok(())
}

/// Sets the hash of their password.
///
/// # Errors
/// The database's.
pub async fn set_password(db: impl PgExecutor<'_>, id: Uuid, hash: &str) -> Result<()> {
    sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1").bind(id).bind(hash).execute(db).await?;
    Ok(())
}

/// Deletes a user with their keys, sessions, conversations and documents' rows.
///
/// # Errors
/// The database's.
pub async fn delete(db: impl PgExecutor<'_>, id: Uuid) -> Result<()> {
    sqlx::query("DELETE FROM users WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}
