//! The route through an ingress controller.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressSpec,
    IngressTLS, ServiceBackendPort,
};

use super::{labels, metadata::metadata, names, pod};
use crate::controllers::environment::resolve::{Certificate, Resolved, Routing, Way};

/// Sends every path of the host to the active Service; nothing where the environment is not reached through an Ingress.
#[must_use]
pub fn build(resolved: &Resolved) -> Option<Ingress> {
    let routing = resolved.routing.as_ref()?;
    let class = match &routing.way {
        Way::Ingress { class } => class.clone(),
        Way::Gateway(_) => return None,
    };
    let identity = &resolved.identity;
    let name = names::environment(&identity.name);
    let mut metadata = metadata(identity, name.clone(), labels::common(identity));
    metadata.annotations = issuer_annotation(routing);
    Some(Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: class,
            rules: Some(vec![rule(routing.host.clone(), name)]),
            tls: tls(resolved, routing),
            default_backend: None,
        }),
        status: None,
    })
}

/// cert-manager reads the issuer from an annotation, and fills the Secret that the Ingress names.
fn issuer_annotation(routing: &Routing) -> Option<BTreeMap<String, String>> {
    match routing.certificate.as_ref()? {
        Certificate::Secret(_) => None,
        Certificate::Issuer { annotation, name } => Some(BTreeMap::from([((*annotation).to_owned(), name.clone())])),
    }
}

fn tls(resolved: &Resolved, routing: &Routing) -> Option<Vec<IngressTLS>> {
    let secret = match routing.certificate.as_ref()? {
        Certificate::Secret(name) => name.clone(),
        Certificate::Issuer { .. } => names::certificate_secret(&resolved.identity.name),
    };
    Some(vec![IngressTLS { hosts: Some(vec![routing.host.clone()]), secret_name: Some(secret) }])
}

fn rule(host: String, service: String) -> IngressRule {
    let port = ServiceBackendPort { name: Some(pod::PORT_NAME.to_owned()), number: None };
    let backend =
        IngressBackend { service: Some(IngressServiceBackend { name: service, port: Some(port) }), resource: None };
    let path = HTTPIngressPath { path: Some("/".to_owned()), path_type: "Prefix".to_owned(), backend };
    IngressRule { host: Some(host), http: Some(HTTPIngressRuleValue { paths: vec![path] }) }
}
