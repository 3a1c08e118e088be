//! The Services of an environment: `<env>` on the active colour, `<env>-preview` on the candidate, `<env>-monitor` on the task
//! monitor.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::labels::{self, Component};
use super::{labels::Labels, metadata::metadata, names, pod};
use crate::controllers::environment::resolve::Resolved;
use crate::crd::Colour;

/// Port under which users and routes reach the app.
pub const PORT: i32 = 80;

/// Service that users reach. Changing its selector is the switch of a release: one write, atomic. Without a colour, before
/// the first release, it selects no pod.
#[must_use]
pub fn active(resolved: &Resolved, colour: Option<Colour>) -> Service {
    of_app(resolved, names::environment(&resolved.identity.name), labels::ACTIVE, colour)
}

/// Service that points at the candidate; outside a release, without a colour, it selects no pod.
#[must_use]
pub fn preview(resolved: &Resolved, colour: Option<Colour>) -> Service {
    of_app(resolved, names::preview(&resolved.identity.name), labels::PREVIEW, colour)
}

/// Service of the task monitor, on the port of its pod.
#[must_use]
pub fn monitor(resolved: &Resolved) -> Service {
    let identity = &resolved.identity;
    let labels = labels::of_component(identity, Component::Monitor);
    let selector = labels::component_selector(&identity.name, Component::Monitor);
    let metadata = metadata(identity, names::component(&identity.name, Component::Monitor), labels);
    service(metadata, selector, pod::MONITOR_PORT)
}

fn of_app(resolved: &Resolved, name: String, role: &str, colour: Option<Colour>) -> Service {
    let identity = &resolved.identity;
    let labels = labels::with(labels::of_component(identity, Component::App), labels::SERVICE, role);
    let selector = labels::selector(&identity.name, Component::App, colour);
    service(metadata(identity, name, labels), selector, PORT)
}

fn service(metadata: ObjectMeta, selector: Labels, port: i32) -> Service {
    let port = ServicePort {
        name: Some(pod::PORT_NAME.to_owned()),
        port,
        target_port: Some(IntOrString::String(pod::PORT_NAME.to_owned())),
        protocol: Some("TCP".to_owned()),
        app_protocol: Some("http".to_owned()),
        ..ServicePort::default()
    };
    Service {
        metadata,
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(selector),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
