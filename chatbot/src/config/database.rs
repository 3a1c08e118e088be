//! PostgreSQL.
//!
//! | variable | form | default |
//! |---|---|---|
//! | DATABASE_URL | `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`; a driver name as in `postgresql+asyncpg://` is accepted; prod needs `?sslmode=require` or better | required |
//! | DB_POOL_SIZE | 1 to 500 connections per process | 10 |

use std::{fmt, str::FromStr, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::{
    environment::Tier,
    reader::{Reader, parse},
};

const EXPECTED: &str = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE";

/// How to reach PostgreSQL.
#[derive(Clone)]
pub struct Database {
    /// The whole URL, normalised to the scheme `postgresql`.
    pub url: SecretString,
    /// The same, parsed.
    pub options: PgConnectOptions,
    /// Most connections of one process.
    pub pool_size: u32,
    /// Longest wait for a connection out of the pool.
    pub acquire_timeout: Duration,
}

impl fmt::Debug for Database {
    /// Host and database, never user or password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("host", &self.options.get_host())
            .field("database", &self.options.get_database())
            .field("pool_size", &self.pool_size)
            .finish_non_exhaustive()
    }
}

impl Database {
    pub(super) fn read(reader: &mut Reader<'_>, tier: Option<Tier>) -> Option<Self> {
        let url = reader.required("DATABASE_URL", EXPECTED, normalise);
        let pool_size = reader.or("DB_POOL_SIZE", "a whole number from 1 to 500", 10, parse::number(1..=500));
        let url = url?;
        let Ok(options) = PgConnectOptions::from_str(url.as_str()) else {
            reader.reject("DATABASE_URL", EXPECTED);
            return None;
        };
        if tier == Some(Tier::Prod) && !encrypted(&options) {
            reader.reject("DATABASE_URL", format!("{EXPECTED}?sslmode=require (or verify-ca, verify-full) in prod"));
        }
        Some(Self {
            url: SecretString::from(String::from(url)),
            options,
            pool_size,
            acquire_timeout: Duration::from_secs(5),
        })
    }

    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.options.get_database().unwrap_or_default()
    }

    /// Role and password that the URL names (percent-decoded by the caller of `PgConnectOptions`).
    #[must_use]
    pub fn password(&self) -> Option<SecretString> {
        let url = Url::parse(self.url.expose_secret()).ok()?;
        let encoded = url.password()?;
        percent_decode(encoded).map(SecretString::from)
    }
}

fn encrypted(options: &PgConnectOptions) -> bool {
    matches!(options.get_ssl_mode(), PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull)
}

/// The variable with the URL of a role that may do more than the environment's own.
pub(super) const ADMINISTRATOR: &str = "ADMIN_DATABASE_URL";

/// A URL as options for a connection.
pub(super) fn options(text: &str) -> Option<PgConnectOptions> {
    normalise(text)?.as_str().parse().ok()
}

/// `postgresql+asyncpg://…?ssl=require` and its kin as PostgreSQL's own form; None for what is no usable URL.
pub(crate) fn normalise(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    let base = scheme.split('+').next().unwrap_or(scheme).to_ascii_lowercase();
    if !matches!(base.as_str(), "postgres" | "postgresql") {
        return None;
    }
    let mut url = Url::parse(&format!("postgresql://{rest}")).ok()?;
    let named = url.path().trim_start_matches('/').len();
    if !url.has_host() || named == 0 || url.username().is_empty() {
        return None;
    }
    rename_ssl_parameter(&mut url);
    Some(url)
}

/// asyncpg says `ssl`, PostgreSQL says `sslmode`.
fn rename_ssl_parameter(url: &mut Url) {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if pairs.is_empty() {
        return;
    }
    let renamed =
        pairs.iter().map(|(key, value)| (if key == "ssl" { "sslmode" } else { key.as_str() }, value.as_str()));
    url.query_pairs_mut().clear().extend_pairs(renamed);
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, tail) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let pair = [*high, *low];
                (u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?, tail)
            }
            (byte, tail) => (byte, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}
