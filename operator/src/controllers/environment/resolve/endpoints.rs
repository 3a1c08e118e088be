//! Which ports the variables of an environment point to: what its pods must be able to reach.

use std::collections::BTreeSet;

use secrecy::ExposeSecret;
use url::Url;

use super::Variables;
use super::database::{POSTGRESQL_PORT, is_postgresql, parameter};

/// HTTPS: the default of the language model, and of most services outside the cluster.
const HTTPS: u16 = 443;
/// The chatbot's default for SMTP.
const SUBMISSION: u16 = 587;
const SMTP_HOST: &str = "SMTP_HOST";
const SMTP_PORT: &str = "SMTP_PORT";
/// Variables that hold a URL although their name does not end in `_URL`.
const OTHER_URLS: [&str; 2] = ["LANGFUSE_HOST", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// Variables of what the task monitor works on: it shows and moves jobs, and knows people by their logins.
const OF_MONITOR: [&str; 3] = ["DATABASE_URL", "REDIS_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// What the pods of app and worker connect to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// TCP ports, at any address.
    pub ports: BTreeSet<u16>,
    /// Namespaces of Services that are reached under 80 or 443. A NetworkPolicy sees the pod's own port, which for these two
    /// is nearly always another one, so every port of the namespace is opened.
    pub namespaces: BTreeSet<String>,
}

impl Endpoints {
    /// These and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.ports.extend(others.ports);
        self.namespaces.extend(others.namespaces);
        self
    }
}

/// Reads the ports from every variable that names a server. A value that cannot be read opens nothing: the chatbot refuses it
/// at its start, and says so.
#[must_use]
pub fn endpoints(variables: &Variables, namespace: &str) -> Endpoints {
    let mut found = named_by(variables, namespace, holds_url);
    found.ports.insert(HTTPS);
    found.ports.extend(smtp(variables));
    found
}

/// The same for the task monitor, which needs less.
#[must_use]
pub fn of_monitor(variables: &Variables, namespace: &str) -> Endpoints {
    named_by(variables, namespace, |name| OF_MONITOR.contains(&name))
}

fn named_by(variables: &Variables, namespace: &str, is_meant: impl Fn(&str) -> bool) -> Endpoints {
    let mut found = Endpoints::default();
    for (_, value) in variables.iter().filter(|(name, _)| is_meant(name)) {
        if let Ok(url) = Url::parse(value.expose_secret().trim()) {
            add(&mut found, &url, namespace);
        }
    }
    found
}

fn holds_url(name: &str) -> bool {
    name.ends_with("_URL") || OTHER_URLS.contains(&name)
}

fn add(found: &mut Endpoints, url: &Url, namespace: &str) {
    let Some(port) = port(url) else { return };
    found.ports.insert(port);
    if matches!(port, 80 | HTTPS) {
        found.namespaces.extend(url.host_str().and_then(|host| service_namespace(host, namespace)));
    }
}

/// A PostgreSQL URL may name its port among the parameters, which wins.
fn port(url: &Url) -> Option<u16> {
    let given = if is_postgresql(url.scheme()) { parameter(url, "port") } else { None };
    given.and_then(|port| port.parse().ok()).or_else(|| url.port()).or_else(|| default_port(url.scheme()))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "redis" | "rediss" => Some(6379),
        "http" => Some(80),
        "https" => Some(HTTPS),
        _ => is_postgresql(scheme).then_some(POSTGRESQL_PORT),
    }
}

fn smtp(variables: &Variables) -> Option<u16> {
    let host = variables.get(SMTP_HOST)?;
    let port = variables.get(SMTP_PORT).map_or(Ok(SUBMISSION), |port| port.expose_secret().trim().parse());
    if host.expose_secret().is_empty() { None } else { port.ok() }
}

/// The namespace of a Service, where the host is one: `name`, `name.namespace`, `name.namespace.svc` or
/// `name.namespace.svc.cluster.local`. A public name of two labels is taken for the second, and opens a namespace that does not
/// exist.
fn service_namespace(host: &str, namespace: &str) -> Option<String> {
    match host.trim_end_matches('.').split('.').collect::<Vec<_>>()[..] {
        [name] if name != "localhost" => Some(namespace.to_owned()),
        [_, namespace] | [_, namespace, "svc"] | [_, namespace, "svc", "cluster", "local"] => {
            Some(namespace.to_owned())
        }
        _ => None,
    }
}
