//! The immutable Secret with every variable of one release.
//!
//! It is named after the release's hash: a rollback finds the old settings as they were.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use secrecy::ExposeSecret;

use super::{labels, metadata::metadata, names};
use crate::controllers::environment::resolve::{Endpoints, Graces, Resolved};

/// Annotation with the TCP ports that the release connects to.
const PORTS: &str = "chatbot.platform/reaches-ports";
/// Annotation with the namespaces whose Services the release connects to.
const NAMESPACES: &str = "chatbot.platform/reaches-namespaces";
/// Annotation with the seconds that the release's app pods may take to end.
const GRACE: &str = "chatbot.platform/app-grace-seconds";
/// Annotation with the time since when the environment has used the release's database. Each release hands it on to the next:
/// by the age of its Secret alone, every release would give the database up to whoever came after the one before.
const SINCE: &str = "chatbot.platform/database-since";

/// The Secret of the release that the environment asks for now. It carries the fingerprint of the release's database, by
/// which other environments on the same database are found.
#[must_use]
pub fn build(resolved: &Resolved) -> Secret {
    let identity = &resolved.identity;
    let release = &resolved.release_id;
    let labels = labels::with(labels::common(identity), labels::RELEASE, release);
    let labels = labels::with(labels, labels::DATABASE, &resolved.database.fingerprint());
    let data = resolved.variables.iter();
    let data = data.map(|(name, value)| (name.clone(), ByteString(value.expose_secret().as_bytes().to_vec())));
    let mut metadata = metadata(identity, names::release_secret(&identity.name, release), labels);
    metadata.annotations = Some(annotations(resolved));
    Secret {
        metadata,
        immutable: Some(true),
        type_: Some("Opaque".to_owned()),
        data: Some(data.collect()),
        string_data: None,
    }
}

/// What is to be known of the release later, when its variables cannot be resolved any more.
fn annotations(resolved: &Resolved) -> BTreeMap<String, String> {
    let (endpoints, grace) = (&resolved.network.endpoints, resolved.graces.seconds(&resolved.release_id));
    let ports: Vec<_> = endpoints.ports.iter().map(ToString::to_string).collect();
    let namespaces: Vec<_> = endpoints.namespaces.iter().map(String::as_str).collect();
    let always = [(PORTS, ports.join(",")), (NAMESPACES, namespaces.join(",")), (GRACE, grace.to_string())];
    let since = resolved.database_since.map(|since| (SINCE, since.to_string()));
    always.into_iter().chain(since).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Since when the environment of this Secret has used the database of its release: of its first release there, since the
/// Secret was made.
#[must_use]
pub fn database_since(secret: &ObjectMeta) -> Option<Timestamp> {
    let handed_on = annotation(secret, SINCE).and_then(|since| since.parse().ok());
    handed_on.or_else(|| secret.creation_timestamp.as_ref().map(|time| time.0))
}

/// What the releases with these Secrets connect to. Policies stay open for a release that still runs while another one with
/// other addresses takes its place.
#[must_use]
pub fn reached_by<'a>(secrets: impl IntoIterator<Item = &'a ObjectMeta>) -> Endpoints {
    secrets.into_iter().map(endpoints).fold(Endpoints::default(), Endpoints::and)
}

/// How long the app pods of the releases with these Secrets may take to end.
#[must_use]
pub fn graces<'a>(secrets: impl IntoIterator<Item = &'a ObjectMeta>) -> Graces {
    let grace = |secret: &ObjectMeta| {
        let release = secret.labels.as_ref()?.get(labels::RELEASE)?.clone();
        Some((release, annotation(secret, GRACE)?.parse().ok()?))
    };
    secrets.into_iter().filter_map(grace).collect()
}

fn annotation<'a>(secret: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    secret.annotations.as_ref()?.get(name).map(String::as_str)
}

fn endpoints(secret: &ObjectMeta) -> Endpoints {
    let items = |name: &str| annotation(secret, name).unwrap_or_default().split(',').filter(|item| !item.is_empty());
    Endpoints {
        ports: items(PORTS).filter_map(|port| port.parse().ok()).collect(),
        namespaces: items(NAMESPACES).map(str::to_owned).collect(),
    }
}
