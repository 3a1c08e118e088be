//! How a Prometheus run by its own operator finds the app and the task monitor.

use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject};
use serde_json::json;

use super::labels::{self, Component};
use super::{monitor, names};
use crate::controllers::environment::resolve::Resolved;

/// Kind and plural for a dynamic client.
#[must_use]
pub fn resource() -> ApiResource {
    monitor::resource("ServiceMonitor", "servicemonitors")
}

/// Scrapes the app pods behind the Service that users reach, and not once more behind the candidate's; nothing where
/// monitoring is off or the kind is unknown to the cluster.
#[must_use]
pub fn build(resolved: &Resolved) -> Option<DynamicObject> {
    if !resolved.monitoring.service_monitor {
        return None;
    }
    let environment = &resolved.identity.name;
    let selector = labels::component_selector(environment, Component::App);
    let selector = labels::with(selector, labels::SERVICE, labels::ACTIVE);
    let spec = json!({ "selector": { "matchLabels": selector }, "endpoints": [monitor::endpoint()] });
    Some(monitor::object(resolved, &resource(), names::environment(environment), &spec))
}

/// Scrapes the task monitor behind its Service; nothing where there is none, or as for the app.
#[must_use]
pub fn of_monitor(resolved: &Resolved) -> Option<DynamicObject> {
    if !resolved.monitoring.service_monitor || resolved.monitor.is_none() {
        return None;
    }
    let environment = &resolved.identity.name;
    let selector = labels::component_selector(environment, Component::Monitor);
    let spec = json!({ "selector": { "matchLabels": selector }, "endpoints": [monitor::endpoint()] });
    let name = names::component(environment, Component::Monitor);
    let mut object = monitor::object(resolved, &resource(), name, &spec);
    object.labels_mut().insert(labels::COMPONENT.to_owned(), Component::Monitor.to_string());
    Some(object)
}
