//! The Secret with the credentials that the operator made for an environment on shared services.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use secrecy::ExposeSecret;

use super::{labels, metadata::metadata, names};
use crate::controllers::environment::resolve::Credentials;

/// The Secret as it should be. It has no owner in Kubernetes' sense: the database outlives the environment, and so does the
/// password of its role.
#[must_use]
pub fn build(credentials: &Credentials) -> Secret {
    let identity = &credentials.identity;
    let mut metadata = metadata(identity, names::provisioned_secret(&identity.name), labels::common(identity));
    metadata.owner_references = None;
    let data = credentials.variables.iter();
    let data = data.map(|(name, value)| (name.clone(), ByteString(value.expose_secret().as_bytes().to_vec())));
    Secret { metadata, type_: Some("Opaque".to_owned()), data: Some(data.collect()), ..Secret::default() }
}
