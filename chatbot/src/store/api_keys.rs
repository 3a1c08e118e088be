//! API keys: random 256-bit secrets of which the database keeps only SHA-256.
//!
//! A plain hash is enough: a key has 256 bits of its own randomness, so there is nothing to guess.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff_sqlx::ToSqlx;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use sqlx::{PgExecutor, Row, postgres::PgRow};
use uuid::Uuid;

use super::Result;

/// Columns by name: with `*` a release would fail on statements that it prepared before the next one added a column.
macro_rules! columns {
    () => {
        "id, user_id, name, prefix, created_at, expires_at, revoked_at, last_used_at"
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
            created_at: row.try_get::<jiff_sqlx::Timestamp, _>("created_at")?.into(),
            expires_at: time("expires_at")?,
            revoked_at: time("revoked_at")?,
            last_used_at: time("last_used_at")?,
        })
    }
}

/// A key that works: whose it is.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Caller {
    /// The key.
    pub key_id: Uuid,
    /// Its owner.
    pub user_id: Uuid,
    /// The owner's name.
    pub user_name: String,
}

/// A key's text from 256 random bits.
#[must_use]
pub fn from_random(bits: [u8; 32]) -> SecretString {
    SecretString::from(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bits)))
}

fn hash(key: &str) -> Vec<u8> {
    Sha256::digest(key.as_bytes()).to_vec()
}

/// Stores the hash of `key` for a user.
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
    let key = sqlx::query_as(concat!(
        "INSERT INTO api_keys (id, user_id, name, prefix, hash, expires_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING ",
        columns!()
    ))
    .bind(Uuid::now_v7())
    .bind(user_id)
    .bind(name)
    .bind(key.chars().take(SHOWN).collect::<String>())
    .bind(hash(key))
    .bind(expires_at.map(ToSqlx::to_sqlx))
    .fetch_one(db)
    .await?;
    Ok(key)
}

/// Whose key this is, when it is known, not expired at `now` and not revoked; notes its use (at most once a minute).
///
/// # Errors
/// The database's.
pub async fn authenticate(db: impl PgExecutor<'_>, key: &str, now: jiff::Timestamp) -> Result<Option<Caller>> {
    let caller = sqlx::query_as(
        "WITH key AS (SELECT k.id, k.user_id, u.name FROM api_keys k JOIN users u ON u.id = k.user_id \
           WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)), \
         used AS (UPDATE api_keys SET last_used_at = $2 FROM key WHERE api_keys.id = key.id \
           AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < $2 - interval '1 minute')) \
         SELECT id AS key_id, user_id, name AS user_name FROM key",
    )
    .bind(hash(key))
    .bind(now.to_sqlx())
    .fetch_optional(db)
    .await?;
    Ok(caller)
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

/// Withdraws the key with this id or shown prefix; false when none (that still works) matches.
///
/// # Errors
/// The database's.
pub async fn revoke(db: impl PgExecutor<'_>, id_or_prefix: &str, now: jiff::Timestamp) -> Result<bool> {
    let done =
        sqlx::query("UPDATE api_keys SET revoked_at = $2 WHERE (id::text = $1 OR prefix = $1) AND revoked_at IS NULL")
            .bind(id_or_prefix)
            .bind(now.to_sqlx())
            .execute(db)
            .await?;
    Ok(done.rows_affected() > 0)
}
