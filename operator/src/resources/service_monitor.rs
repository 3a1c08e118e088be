//! How a Prometheus run by its own operator finds the app.

use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use serde::Serialize;

use super::labels::{self, Component, Labels};
use super::{metadata::metadata, names, pod};
use crate::controllers::environment::resolve::Resolved;

/// Kind and plural for a dynamic client.
#[must_use]
pub fn resource() -> ApiResource {
    let kind = GroupVersionKind::gvk("monitoring.coreos.com", "v1", "ServiceMonitor");
    ApiResource::from_gvk_with_plural(&kind, "servicemonitors")
}

#[derive(Serialize)]
struct ServiceMonitorSpec {
    selector: Selector,
    endpoints: Vec<Endpoint>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Selector {
    match_labels: Labels,
}

#[derive(Serialize)]
struct Endpoint {
    port: String,
    path: String,
}

/// Scrapes what stands behind the environment's Services; nothing where monitoring is off or the kind is unknown to the
/// cluster.
#[must_use]
pub fn build(resolved: &Resolved) -> Option<DynamicObject> {
    if !resolved.monitoring.service_monitor {
        return None;
    }
    let identity = &resolved.identity;
    let name = names::environment(&identity.name);
    let spec = ServiceMonitorSpec {
        selector: Selector { match_labels: labels::component_selector(&identity.name, Component::App) },
        endpoints: vec![Endpoint { port: pod::PORT_NAME.to_owned(), path: "/metrics".to_owned() }],
    };
    let mut labels = resolved.monitoring.labels.clone();
    labels.extend(labels::common(identity));
    let mut monitor = DynamicObject::new(&name, &resource()).data(serde_json::json!({ "spec": spec }));
    monitor.metadata = metadata(identity, name, labels);
    Some(monitor)
}
