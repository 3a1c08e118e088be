//! Which database a `DATABASE_URL` means, without the password.
//!
//! Two environments on one database would run each other's migrations; the fingerprint is how that is noticed, whatever way
//! the two URLs are written.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::Identity;
use super::unresolved::Problem;

/// Where PostgreSQL listens unless told otherwise.
pub(super) const POSTGRESQL_PORT: u16 = 5432;
const MODES_WITH_TLS: [&str; 3] = ["require", "verify-ca", "verify-full"];
const MODES_WITHOUT_TLS: [&str; 3] = ["disable", "allow", "prefer"];
/// libpq says `sslmode`, other clients `ssl-mode` or `ssl`.
const MODE: [&str; 3] = ["sslmode", "ssl-mode", "ssl"];

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
        let url = address(url).map_err(invalid)?;
        let host = last_of(&url, &["host", "hostaddr"]).or_else(|| url.host_str().map(str::to_owned));
        let host = host.unwrap_or_default().to_lowercase();
        let name = parameter(&url, "dbname").unwrap_or_else(|| decoded(name_in_path(&url)));
        let server = canonical_host(&host, namespace);
        Ok(Self { server, host, port: port(&url).map_err(invalid)?, name, tls: asks_for_tls(&url) })
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

/// A PostgreSQL URL in the form that the chatbot takes: user, host and database are named before the parameters, whatever
/// libpq would fill in. What passes here must not end the chatbot at its start.
///
/// # Errors
/// What is wrong, without any part of the URL.
pub(super) fn address(url: &SecretString) -> Result<Url, &'static str> {
    let url = Url::parse(url.expose_secret().trim()).map_err(|_| "it is not a URL")?;
    let encoded = [url.username(), url.password().unwrap_or_default(), url.path()];
    let checks = [
        (is_postgresql(url.scheme()), "it does not start with postgresql://"),
        (url.host_str().is_some_and(|host| !host.is_empty()), "it names no host"),
        (!url.username().is_empty(), "it names no user"),
        (!name_in_path(&url).is_empty(), "it names no database"),
        (encoded.into_iter().all(is_text), "it has percent-encoded bytes that are no text"),
        (url.query_pairs().all(is_known_mode), "its sslmode does not exist"),
        (parameter(&url, "dbname").is_none_or(|name| !name.is_empty()), "its dbname is empty"),
        (parameter(&url, "hostaddr").is_none_or(|it| it.parse::<IpAddr>().is_ok()), "its hostaddr is no IP address"),
    ];
    match checks.into_iter().find(|(holds, _)| !holds) {
        Some((_, why)) => Err(why),
        None => Ok(url),
    }
}

fn port(url: &Url) -> Result<u16, &'static str> {
    match parameter(url, "port") {
        Some(port) => port.parse().map_err(|_| "its port is not a number"),
        None => Ok(url.port().unwrap_or(POSTGRESQL_PORT)),
    }
}

fn name_in_path(url: &Url) -> &str {
    url.path().trim_start_matches('/')
}

fn is_known_mode((name, value): (Cow<'_, str>, Cow<'_, str>)) -> bool {
    let mode = value.to_ascii_lowercase();
    !MODE.contains(&name.as_ref()) || MODES_WITH_TLS.iter().chain(&MODES_WITHOUT_TLS).any(|known| *known == mode)
}

fn asks_for_tls(url: &Url) -> bool {
    last_of(url, &MODE).is_some_and(|mode| MODES_WITH_TLS.contains(&mode.to_ascii_lowercase().as_str()))
}

/// A parameter that is given twice counts as it was given last.
pub(super) fn parameter(url: &Url, name: &str) -> Option<String> {
    last_of(url, &[name])
}

fn last_of(url: &Url, names: &[&str]) -> Option<String> {
    url.query_pairs().filter(|(key, _)| names.contains(&key.as_ref())).last().map(|(_, value)| value.into_owned())
}

/// Whether the percent-encoded bytes are UTF-8.
fn is_text(encoded: &str) -> bool {
    !decoded(encoded).contains(char::REPLACEMENT_CHARACTER)
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
    /// Since when, which the Secrets of its releases hand on; the earliest keeps the database.
    pub since: Option<jiff::Timestamp>,
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
        .min_by_key(|claim| (claim.since.unwrap_or(jiff::Timestamp::MAX), &claim.namespace, &claim.name))?;
    (!is_of(own, first)).then(|| format!("{}/{}", first.namespace, first.name))
}

/// Since when the environment has used the database; none before its first release there.
pub(super) fn since(database: &Database, own: &Identity, claims: &[DatabaseClaim]) -> Option<jiff::Timestamp> {
    let fingerprint = database.fingerprint();
    let own = claims.iter().filter(|claim| claim.fingerprint == fingerprint && is_of(own, claim));
    own.filter_map(|claim| claim.since).min()
}

fn is_of(own: &Identity, claim: &DatabaseClaim) -> bool {
    claim.namespace == own.namespace && claim.name == own.name
}
