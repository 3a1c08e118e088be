//! The Services of an environment: `<env>` on the active colour, `<env>-preview` on the candidate.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::labels::{self, Component};
use super::{metadata::metadata, names, pod};
use crate::controllers::environment::resolve::Resolved;
use crate::crd::Colour;

/// Port under which users and routes reach the app.
pub const PORT: i32 = 80;

/// Service that users reach. Changing its selector is the switch of a release: one write, atomic. Without a colour, before
/// the first release, it selects no pod.
#[must_use]
pub fn active(resolved: &Resolved, colour: Option<Colour>) -> Service {
    service(resolved, names::environment(&resolved.identity.name), labels::ACTIVE, colour)
}

/// Service that points at the candidate; outside a release, without a colour, it selects no pod.
#[must_use]
pub fn preview(resolved: &Resolved, colour: Option<Colour>) -> Service {
    service(resolved, names::preview(&resolved.identity.name), labels::PREVIEW, colour)
}

fn service(resolved: &Resolved, name: String, role: &str, colour: Option<Colour>) -> Service {
    let identity = &resolved.identity;
    let port = ServicePort {
        name: Some(pod::PORT_NAME.to_owned()),
        port: PORT,
        target_port: Some(IntOrString::String(pod::PORT_NAME.to_owned())),
        protocol: Some("TCP".to_owned()),
        app_protocol: Some("http".to_owned()),
        ..ServicePort::default()
    };
    let labels = labels::with(labels::of_component(identity, Component::App), labels::SERVICE, role);
    Service {
        metadata: metadata(identity, name, labels),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(labels::selector(&identity.name, Component::App, colour)),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
