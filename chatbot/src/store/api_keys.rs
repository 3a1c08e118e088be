//! API keys: random 256-bit secrets of which the database keeps only SHA-256.
//!
//! A plain hash is enough: a key has 256 bits of its own randomness, so there is nothing to guess.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff_sqlx::ToSqlx;
use secrecy::SecretString;
use sqlx::{PgExecutor, Row, postgres::PgRow};
use uuid::Uuid;

use super::{Place, Result};
use crate::auth::secret::hash;
use crate::auth::{Role, Scopes};

/// Columns by name: with `*` a release would fail on statements that it prepared before the next one added a column.
macro_rules! columns {
    () => {
        "id, user_id, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at"
    };
}

/// Every key starts with this, so that secret scanners and people recognise one.
pub const PREFIX: &str = "cbk_";

/// Characters of a key that are stored and shown.
const SHOWN: usize = 12;

/// A key as stored: never the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Identity.
    pub id: Uuid,
    /// Owner.
    pub user_id: Uuid,
    /// What the owner calls it.
    pub name: String,
    /// The key's first characters.
    pub prefix: String,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it was created.
    pub created_at: jiff::Timestamp,
    /// When it stops working.
    pub expires_at: Option<jiff::Timestamp>,
    /// When it was withdrawn.
    pub revoked_at: Option<jiff::Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<jiff::Timestamp>,
}

impl<'r> sqlx::FromRow<'r, PgRow> for ApiKey {
    fn from_row(row: &'r PgRow) -> std::result::Result<Self, sqlx::Error> {
        let time =
            |column: &str| row.try_get::<Option<jiff_sqlx::Timestamp>, _>(column).map(|value| value.map(Into::into));
        Ok(Self {
            id: row.try_get("id")?,
            user_id: row.try_get("user_id")?,
            name: row.try_get("name")?,
            prefix: row.try_get("prefix")?,
            scopes: Scopes::from_names(&row.try_get::<Vec<String>, _>("scopes")?),
            created_at: row.try_get::<jiff_sqlx::Timestamp, _>("created_at")?.into(),
            expires_at: time("expires_at")?,
            revoked_at: time("revoked_at")?,
            last_used_at: time("last_used_at")?,
        })
    }
}

impl ApiKey {
    /// Where it stands in lists.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { at: self.created_at, id: self.id }
    }
}

/// A key that works: whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The key.
    pub key_id: Uuid,
    /// Its owner.
    pub user_id: Uuid,
    /// The owner's name.
    pub user_name: String,
    /// The owner's role.
    pub role: Role,
    /// What the key may be used for.
    pub scopes: Scopes,
}

impl<'r> sqlx::FromRow<'r, PgRow> for Caller {
    fn from_row(row: &'r PgRow) -> std::result::Result<Self, sqlx::Error> {
        Ok(Self {
            key_id: row.try_get("key_id")?,
            user_id: row.try_get("user_id")?,
            user_name: row.try_get("user_name")?,
            role: row.try_get("role")?,
            scopes: Scopes::from_names(&row.try_get::<Vec<String>, _>("scopes")?),
        })
    }
}

/// A key to store.
#[derive(Clone, Copy, Debug)]
pub struct NewKey<'a> {
    /// Owner.
    pub user_id: Uuid,
    /// What the owner calls it.
    pub name: &'a str,
    /// The secret.
    pub key: &'a str,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it stops working; never without.
    pub expires_at: Option<jiff::Timestamp>,
}

/// A key's text from 256 random bits.
#[must_use]
pub fn from_random(bits: [u8; 32]) -> SecretString {
    SecretString::from(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bits)))
}

/// Stores the hash of `key` for a user; it may be used for all but administration.
///
/// # Errors
/// `ParentMissing` when there is no such user.
pub async fn create(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    name: &str,
    key: &str,
    expires_at: Option<jiff::Timestamp>,
) -> Result<ApiKey> {
    create_with(db, &NewKey { user_id, name, key, scopes: Scopes::EVERYDAY, expires_at }).await
}

/// Stores the hash of a key.
///
/// # Errors
/// `ParentMissing` when there is no such user.
pub async fn create_with(db: impl PgExecutor<'_>, new: &NewKey<'_>) -> Result<ApiKey> {
    let key = sqlx::query_as(concat!(
        "INSERT INTO api_keys (id, user_id, name, prefix, hash, scopes, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ",
        columns!()
    ))
    .bind(Uuid::now_v7())
    .bind(new.user_id)
    .bind(new.name)
    .bind(new.key.chars().take(SHOWN).collect::<String>())
    .bind(hash(new.key))
    .bind(new.scopes.names())
    .bind(new.expires_at.map(ToSqlx::to_sqlx))
    .fetch_one(db)
    .await?;
    Ok(key)
}

/// Whose key this is, when it is known, not expired at `now` and not revoked, and its owner may come in; notes its use (at
/// most once a minute).
///
/// # Errors
/// The database's.
pub async fn authenticate(db: impl PgExecutor<'_>, key: &str, now: jiff::Timestamp) -> Result<Option<Caller>> {
    let caller = sqlx::query_as(
        "WITH key AS (SELECT k.id, k.user_id, k.scopes, u.name, u.role FROM api_keys k JOIN users u ON u.id = k.user_id \
           WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) \
             AND u.disabled_at IS NULL), \
         used AS (UPDATE api_keys SET last_used_at = $2 FROM key WHERE api_keys.id = key.id \
           AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < $2 - interval '1 minute')) \
         SELECT id AS key_id, user_id, name AS user_name, role, scopes FROM key",
    )
    .bind(hash(key))
    .bind(now.to_sqlx())
    .fetch_optional(db)
    .await?;
    Ok(caller)
}

/// A page of one user's keys, newest first: those beyond the place `after`, or from the start.
///
/// # Errors
/// The database's.
pub async fn page(db: impl PgExecutor<'_>, user_id: Uuid, after: Option<Place>, limit: i64) -> Result<Vec<ApiKey>> {
    let keys = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM api_keys WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3)) \
         ORDER BY created_at DESC, id DESC LIMIT $4"
    ))
    .bind(user_id)
    .bind(after.map(Place::time))
    .bind(after.map(|after| after.id))
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(keys)
}

/// How many keys of this user work at `now`.
///
/// # Errors
/// The database's.
pub async fn count_active(db: impl PgExecutor<'_>, user_id: Uuid, now: jiff::Timestamp) -> Result<i64> {
    let active = "SELECT count(*) FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    Ok(sqlx::query_scalar(active).bind(user_id).bind(now.to_sqlx()).fetch_one(db).await?)
}

/// Withdraws one of this user's keys; None when they have no such key, or it was withdrawn before.
///
/// # Errors
/// The database's.
pub async fn revoke_own(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    id: Uuid,
    now: jiff::Timestamp,
) -> Result<Option<ApiKey>> {
    let key = sqlx::query_as(concat!(
        "UPDATE api_keys SET revoked_at = $3 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL RETURNING ",
        columns!()
    ))
    .bind(id)
    .bind(user_id)
    .bind(now.to_sqlx())
    .fetch_optional(db)
    .await?;
    Ok(key)
}

/// Keys of one user, or of all, newest first, at most 500.
///
/// # Errors
/// The database's.
pub async fn list(db: impl PgExecutor<'_>, user_id: Option<Uuid>) -> Result<Vec<ApiKey>> {
    let keys = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM api_keys WHERE $1::uuid IS NULL OR user_id = $1 ORDER BY created_at DESC, id DESC LIMIT 500"
    ))
    .bind(user_id)
    .fetch_all(db)
    .await?;
    Ok(keys)
}

/// Withdraws the key with this id or shown prefix; none when none (that still works) matches.
///
/// # Errors
/// The database's.
pub async fn revoke(db: impl PgExecutor<'_>, id_or_prefix: &str, now: jiff::Timestamp) -> Result<Vec<ApiKey>> {
    let keys = sqlx::query_as(concat!(
        "UPDATE api_keys SET revoked_at = $2 WHERE (id::text = $1 OR prefix = $1) AND revoked_at IS NULL RETURNING ",
        columns!()
    ))
    .bind(id_or_prefix)
    .bind(now.to_sqlx())
    .fetch_all(db)
    .await?;
    Ok(keys)
}
