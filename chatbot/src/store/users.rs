//! Users.

use sqlx::PgExecutor;
use uuid::Uuid;

use super::Result;

/// A person or program that owns keys, conversations and documents.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct User {
    /// Identity.
    pub id: Uuid,
    /// Unique name.
    pub name: String,
    /// When it was created.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub created_at: jiff::Timestamp,
}

/// Creates a user.
///
/// # Errors
/// `UserExists` when the name is taken.
pub async fn create(db: impl PgExecutor<'_>, name: &str) -> Result<User> {
    let user = sqlx::query_as("INSERT INTO users (id, name) VALUES ($1, $2) RETURNING id, name, created_at")
        .bind(Uuid::now_v7())
        .bind(name)
        .fetch_one(db)
        .await?;
    Ok(user)
}

/// The user of this name.
///
/// # Errors
/// The database's.
pub async fn find_by_name(db: impl PgExecutor<'_>, name: &str) -> Result<Option<User>> {
    let user =
        sqlx::query_as("SELECT id, name, created_at FROM users WHERE name = $1").bind(name).fetch_optional(db).await?;
    Ok(user)
}

/// The user with this id.
///
/// # Errors
/// The database's.
pub async fn find(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<User>> {
    let user =
        sqlx::query_as("SELECT id, name, created_at FROM users WHERE id = $1").bind(id).fetch_optional(db).await?;
    Ok(user)
}
