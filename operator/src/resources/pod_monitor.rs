//! How a Prometheus run by its own operator finds the workers, which no Service stands before.

use kube::api::{ApiResource, DynamicObject};
use serde_json::json;

use super::labels::{self, Component};
use super::{monitor, names};
use crate::controllers::environment::resolve::Resolved;

/// Kind and plural for a dynamic client.
#[must_use]
pub fn resource() -> ApiResource {
    monitor::resource("PodMonitor", "podmonitors")
}

/// Scrapes the worker pods of both colours; nothing where monitoring is off or the kind is unknown to the cluster.
#[must_use]
pub fn build(resolved: &Resolved) -> Option<DynamicObject> {
    if !resolved.monitoring.pod_monitor {
        return None;
    }
    let environment = &resolved.identity.name;
    let selector = labels::component_selector(environment, Component::Worker);
    let spec = json!({ "selector": { "matchLabels": selector }, "podMetricsEndpoints": [monitor::endpoint()] });
    Some(monitor::object(resolved, &resource(), names::component(environment, Component::Worker), &spec))
}
