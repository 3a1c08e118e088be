//! Sessions: logins on devices, and the refresh tokens that each of them had.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, PgExecutor, Row, postgres::PgRow};
use uuid::Uuid;

use super::users::User;
use super::{Place, Result};
use crate::auth::Role;

/// Sessions of one user that are kept; a further login ends the one that was not seen for longest.
const MOST: i64 = 100;

/// A login on a visit.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    /// Identity.
    pub id: Uuid,
    /// The device's own words about itself, shortened.
    pub user_agent: Option<String>,
    /// Where it was last refreshed from.
    pub ip: Option<String>,
    /// When they logged in.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub created_at: Timestamp,
    /// When it was last refreshed.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub last_seen_at: Timestamp,
    /// When it ends unless it is refreshed.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub expires_at: Timestamp,
}

impl Session {
    /// Where it stands in lists.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { at: self.last_seen_at, id: self.id }
    }
}

/// A login or a refresh: with what, from where, when, and until when the session stands after it.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// The device's own words about itself, shortened.
    pub user_agent: Option<&'a str>,
    /// Its address.
    pub ip: &'a str,
    /// When.
    pub at: Timestamp,
    /// Until when the session stands.
    pub expires_at: Timestamp,
}

/// A refresh token that was shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its session.
    pub session_id: Uuid,
    /// When a later token took its place.
    pub rotated_at: Option<Timestamp>,
    /// Whether the session stands: neither ended nor revoked.
    pub stands: bool,
    /// Whose it is.
    pub user: User,
}

impl<'r> sqlx::FromRow<'r, PgRow> for Shown {
    fn from_row(row: &'r PgRow) -> std::result::Result<Self, sqlx::Error> {
        let rotated_at: Option<jiff_sqlx::Timestamp> = row.try_get("rotated_at")?;
        Ok(Self {
            session_id: row.try_get("session_id")?,
            rotated_at: rotated_at.map(Into::into),
            stands: row.try_get("stands")?,
            user: User::from_row(row)?,
        })
    }
}

/// Who is in a session.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Holder {
    /// The user.
    pub user_id: Uuid,
    /// Their name.
    pub user_name: String,
    /// Their role as of now.
    pub role: Role,
}

/// Opens a session with its first token, and removes those of the user that ended or are too many.
///
/// # Errors
/// `ParentMissing` when there is no such user.
pub async fn open(db: &mut PgConnection, user_id: Uuid, token_hash: &[u8], visit: Visit<'_>) -> Result<Uuid> {
    let id = Uuid::now_v7();
    sqlx::query("INSERT INTO sessions (id, user_id, user_agent, ip, created_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, $5, $6)")
        .bind(id)
        .bind(user_id)
        .bind(visit.user_agent)
        .bind(visit.ip)
        .bind(visit.at.to_sqlx())
        .bind(visit.expires_at.to_sqlx())
        .execute(&mut *db)
        .await?;
    add_token(&mut *db, id, token_hash, visit.at).await?;
    sqlx::query(
        "DELETE FROM sessions WHERE user_id = $1 AND (expires_at <= $2 OR revoked_at IS NOT NULL OR id IN \
         (SELECT id FROM sessions WHERE user_id = $1 ORDER BY last_seen_at DESC, id DESC OFFSET $3))",
    )
    .bind(user_id)
    .bind(visit.at.to_sqlx())
    .bind(MOST)
    .execute(db)
    .await?;
    Ok(id)
}

/// The token of this hash with its session, which nobody else changes before the transaction ends.
///
/// # Errors
/// The database's.
pub async fn show(db: &mut PgConnection, token_hash: &[u8], now: Timestamp) -> Result<Option<Shown>> {
    // The session is locked first, and read in a statement after that: else who waited for the lock would see the token as
    // it was before the one that it waited for.
    let lock =
        "SELECT s.id FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id WHERE t.hash = $1 FOR UPDATE OF s";
    let session: Option<Uuid> = sqlx::query_scalar(lock).bind(token_hash).fetch_optional(&mut *db).await?;
    if session.is_none() {
        return Ok(None);
    }
    let shown = sqlx::query_as(
        "SELECT t.session_id, t.rotated_at, s.revoked_at IS NULL AND s.expires_at > $2 AS stands, \
           u.id, u.name, u.email, u.role, u.created_at, u.disabled_at \
         FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.user_id WHERE t.hash = $1",
    )
    .bind(token_hash)
    .bind(now.to_sqlx())
    .fetch_optional(db)
    .await?;
    Ok(shown)
}

/// Puts a new token in the place of an old one, and prolongs the session.
///
/// # Errors
/// The database's.
pub async fn rotate(
    db: &mut PgConnection,
    session_id: Uuid,
    old_hash: &[u8],
    new_hash: &[u8],
    visit: Visit<'_>,
) -> Result<()> {
    sqlx::query("UPDATE refresh_tokens SET rotated_at = $2 WHERE hash = $1 AND rotated_at IS NULL")
        .bind(old_hash)
        .bind(visit.at.to_sqlx())
        .execute(&mut *db)
        .await?;
    add_token(&mut *db, session_id, new_hash, visit.at).await?;
    sqlx::query("UPDATE sessions SET last_seen_at = $2, expires_at = $3, user_agent = $4, ip = $5 WHERE id = $1")
        .bind(session_id)
        .bind(visit.at.to_sqlx())
        .bind(visit.expires_at.to_sqlx())
        .bind(visit.user_agent)
        .bind(visit.ip)
        .execute(db)
        .await?;
    Ok(())
}

async fn add_token(db: impl PgExecutor<'_>, session_id: Uuid, hash: &[u8], now: Timestamp) -> Result<()> {
    sqlx::query("INSERT INTO refresh_tokens (hash, session_id, created_at) VALUES ($1, $2, $3)")
        .bind(hash)
        .bind(session_id)
        .bind(now.to_sqlx())
        .execute(db)
        .await?;
    Ok(())
}

/// Who is in this session, if it stands at `now` and they may come in.
///
/// # Errors
/// The database's.
pub async fn holder(db: impl PgExecutor<'_>, id: Uuid, user_id: Uuid, now: Timestamp) -> Result<Option<Holder>> {
    let holder = sqlx::query_as(
        "SELECT u.id AS user_id, u.name AS user_name, u.role FROM sessions s JOIN users u ON u.id = s.user_id \
         WHERE s.id = $1 AND u.id = $2 AND s.revoked_at IS NULL AND s.expires_at > $3 AND u.disabled_at IS NULL",
    )
    .bind(id)
    .bind(user_id)
    .bind(now.to_sqlx())
    .fetch_optional(db)
    .await?;
    Ok(holder)
}

/// A page of the user's sessions that stand, last seen first: those beyond the place `after`, or from the start.
///
/// # Errors
/// The database's.
pub async fn list(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    now: Timestamp,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Session>> {
    let sessions = sqlx::query_as(
        "SELECT id, user_agent, ip, created_at, last_seen_at, expires_at FROM sessions \
         WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 \
           AND ($3::timestamptz IS NULL OR (last_seen_at, id) < ($3, $4)) \
         ORDER BY last_seen_at DESC, id DESC LIMIT $5",
    )
    .bind(user_id)
    .bind(now.to_sqlx())
    .bind(after.map(Place::time))
    .bind(after.map(|after| after.id))
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(sessions)
}

/// Ends one of the user's sessions; false when they have no such session that stands.
///
/// # Errors
/// The database's.
pub async fn revoke(db: impl PgExecutor<'_>, user_id: Uuid, id: Uuid, now: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE sessions SET revoked_at = $3 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3",
    )
    .bind(id)
    .bind(user_id)
    .bind(now.to_sqlx())
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends all of the user's sessions but this one; says how many.
///
/// # Errors
/// The database's.
pub async fn revoke_others(db: impl PgExecutor<'_>, user_id: Uuid, kept: Option<Uuid>, now: Timestamp) -> Result<u64> {
    let done = sqlx::query(
        "UPDATE sessions SET revoked_at = $3 WHERE user_id = $1 AND revoked_at IS NULL AND ($2::uuid IS NULL OR id <> $2)",
    )
    .bind(user_id)
    .bind(kept)
    .bind(now.to_sqlx())
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
