//! What the Prometheus operator's objects have in common: it finds by them what to scrape.

use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

use super::{labels, metadata::metadata, pod};
use crate::controllers::environment::resolve::Resolved;

/// Kind and plural for a dynamic client.
pub(super) fn resource(kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("monitoring.coreos.com", "v1", kind), plural)
}

/// Where the chatbot's metrics are, in every pod.
pub(super) fn endpoint() -> Value {
    json!({ "port": pod::PORT_NAME, "path": "/metrics" })
}

/// An object with the labels by which a Prometheus chooses its objects.
pub(super) fn object(resolved: &Resolved, resource: &ApiResource, name: String, spec: &Value) -> DynamicObject {
    let mut labels = resolved.monitoring.labels.clone();
    labels.extend(labels::common(&resolved.identity));
    let mut object = DynamicObject::new(&name, resource).data(json!({ "spec": spec }));
    object.metadata = metadata(&resolved.identity, name, labels);
    object
}
