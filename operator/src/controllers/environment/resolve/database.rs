//! Which database a `DATABASE_URL` means, without the password.
//!
//! Two environments on one database would run each other's migrations; the fingerprint is how that is noticed, whatever way
//! the two URLs are written.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::Identity;
use super::unresolved::Problem;

/// Where PostgreSQL listens unless told otherwise.
pub(super) const POSTGRESQL_PORT: u16 = 5432;
const MODES_WITH_TLS: [&str; 3] = ["require", "verify-ca", "verify-full"];

/// Where the environment's data lives. Holds no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Host as written in the URL, in lower case.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Name of the database on that server.
    pub name: String,
    /// Whether the URL asks for TLS (`sslmode=require` or better).
    pub tls: bool,
    server: String,
}

impl Database {
    /// Reads a PostgreSQL URL. `namespace` completes host names that only resolve inside it.
    ///
    /// # Errors
    /// [`Problem::DatabaseUrl`] with what is wrong; never any part of the URL.
    pub fn parse(url: &SecretString, namespace: &str) -> Result<Self, Problem> {
        let url = Url::parse(url.expose_secret().trim()).map_err(|_| invalid("it is not a URL"))?;
        if !is_postgresql(url.scheme()) {
            return Err(invalid("it does not start with postgresql://"));
        }
        let host = parameter(&url, "host").or_else(|| url.host_str().map(str::to_owned));
        let host = host.filter(|host| !host.is_empty()).ok_or_else(|| invalid("it names no host"))?.to_lowercase();
        let server = canonical_host(&host, namespace);
        Ok(Self { server, host, port: port(&url)?, name: database_name(&url)?, tls: asks_for_tls(&url) })
    }

    /// The same for every URL that means the same database; short enough for a label.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let text = format!("{}:{}/{}", self.server, self.port, self.name);
        hex::encode(Sha256::digest(text.as_bytes())).chars().take(16).collect()
    }
}

impl fmt::Display for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} on {}:{}", self.name, self.host, self.port)
    }
}

/// A driver's name after `+`, as SQLAlchemy writes it, is no part of the database's address.
#[must_use]
pub(super) fn is_postgresql(scheme: &str) -> bool {
    matches!(scheme.split('+').next(), Some("postgres" | "postgresql"))
}

fn port(url: &Url) -> Result<u16, Problem> {
    match parameter(url, "port") {
        Some(port) => port.parse().map_err(|_| invalid("its port is not a number")),
        None => Ok(url.port().unwrap_or(POSTGRESQL_PORT)),
    }
}

/// The path, else the parameter `dbname`, else the user's name, as PostgreSQL's own clients do it.
fn database_name(url: &Url) -> Result<String, Problem> {
    let path = url.path().trim_start_matches('/');
    let name = parameter(url, "dbname").unwrap_or_else(|| decoded(if path.is_empty() { url.username() } else { path }));
    if name.is_empty() { Err(invalid("it names no database")) } else { Ok(name) }
}

/// libpq says `sslmode`, other clients `ssl-mode` or `ssl`.
fn asks_for_tls(url: &Url) -> bool {
    let mode = ["sslmode", "ssl-mode", "ssl"].into_iter().find_map(|name| parameter(url, name));
    mode.is_some_and(|mode| MODES_WITH_TLS.contains(&mode.as_str()))
}

pub(super) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Undoes percent-encoding; `+` and `&` mean themselves in a path.
fn decoded(text: &str) -> String {
    let text = text.replace('+', "%2B").replace('&', "%26");
    url::form_urlencoded::parse(format!("={text}").as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

/// One spelling for the ways in which a Service's DNS name can be written.
fn canonical_host(host: &str, namespace: &str) -> String {
    let host = host.trim_end_matches('.');
    let host = host.strip_suffix(".cluster.local").unwrap_or(host);
    match host.split('.').collect::<Vec<_>>()[..] {
        [service] if service.parse::<u32>().is_err() => format!("{service}.{namespace}.svc"),
        [service, namespace] => format!("{service}.{namespace}.svc"),
        _ => host.to_owned(),
    }
}

fn invalid(why: &'static str) -> Problem {
    Problem::DatabaseUrl { variable: "DATABASE_URL", why }
}

/// The database that an environment uses: that of the release Secret that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseClaim {
    /// Namespace of the environment.
    pub namespace: String,
    /// Name of the environment.
    pub name: String,
    /// When that Secret was made; the earliest keeps the database.
    pub created: Option<jiff::Timestamp>,
    /// [`Database::fingerprint`] of its database.
    pub fingerprint: String,
}

/// `namespace/name` of the environment that had the database before this one, if any. Who claimed it first keeps it, however old
/// the environments are: an old one that is pointed at a serving one's database by mistake must not take it. Whoever has no claim
/// yet comes last. Of two claims of the same second the name decides, whichever of the two is asked.
pub(super) fn earlier_owner(database: &Database, own: &Identity, claims: &[DatabaseClaim]) -> Option<String> {
    let fingerprint = database.fingerprint();
    let first = claims
        .iter()
        .filter(|claim| claim.fingerprint == fingerprint)
        .min_by_key(|claim| (claim.created.unwrap_or(jiff::Timestamp::MAX), &claim.namespace, &claim.name))?;
    let is_own = first.namespace == own.namespace && first.name == own.name;
    (!is_own).then(|| format!("{}/{}", first.namespace, first.name))
}
