//! The immutable Secret with every variable of one release.
//!
//! It is named after the release's hash: a rollback finds the old settings as they were.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use secrecy::ExposeSecret;

use super::{labels, metadata::metadata, names};
use crate::controllers::environment::resolve::{Endpoints, Resolved};

/// Annotation with the TCP ports that the release connects to.
const PORTS: &str = "chatbot.platform/reaches-ports";
/// Annotation with the namespaces whose Services the release connects to.
const NAMESPACES: &str = "chatbot.platform/reaches-namespaces";

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
    metadata.annotations = Some(annotations(&resolved.network.endpoints).into());
    Secret {
        metadata,
        immutable: Some(true),
        type_: Some("Opaque".to_owned()),
        data: Some(data.collect()),
        string_data: None,
    }
}

fn annotations(endpoints: &Endpoints) -> [(String, String); 2] {
    let ports: Vec<_> = endpoints.ports.iter().map(ToString::to_string).collect();
    let namespaces: Vec<_> = endpoints.namespaces.iter().map(String::as_str).collect();
    [(PORTS.to_owned(), ports.join(",")), (NAMESPACES.to_owned(), namespaces.join(","))]
}

/// What the releases with these Secrets connect to. Policies stay open for a release that still runs while another one with
/// other addresses takes its place.
#[must_use]
pub fn reached_by<'a>(secrets: impl IntoIterator<Item = &'a ObjectMeta>) -> Endpoints {
    secrets.into_iter().map(endpoints).fold(Endpoints::default(), Endpoints::and)
}

fn endpoints(secret: &ObjectMeta) -> Endpoints {
    let items = |key: &str| {
        let text = secret.annotations.as_ref().and_then(|annotations| annotations.get(key)).map(String::as_str);
        text.unwrap_or_default().split(',').filter(|item| !item.is_empty())
    };
    Endpoints {
        ports: items(PORTS).filter_map(|port| port.parse().ok()).collect(),
        namespaces: items(NAMESPACES).map(str::to_owned).collect(),
    }
}
