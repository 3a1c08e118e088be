//! The metadata of every object that an environment owns.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::labels::Labels;
use crate::controllers::environment::resolve::Identity;

/// Name, namespace, labels and owner of an object.
pub(super) fn metadata(identity: &Identity, name: String, labels: Labels) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(identity.namespace.clone()),
        labels: Some(labels),
        owner_references: Some(vec![identity.owner_reference()]),
        ..ObjectMeta::default()
    }
}
