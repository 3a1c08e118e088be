//! How users reach the environment.

use super::{Apis, NotActedOn};
use crate::crd::routing::{GatewayRef, IssuerKind, IssuerRef};
use crate::crd::{ChatbotEnvironmentSpec, TlsSpec};

/// Host, certificate and the object that leads there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// DNS name under which users reach the environment.
    pub host: String,
    /// Whether users reach it over TLS.
    pub tls: bool,
    /// What an Ingress does for TLS; a Gateway's listener has its own.
    pub certificate: Option<Certificate>,
    /// Through what.
    pub way: Way,
}

impl Routing {
    /// The address that users type.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.host)
    }
}

/// What brings traffic to the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// An HTTPRoute on a Gateway.
    Gateway(Gateway),
    /// An Ingress.
    Ingress {
        /// Its class; the cluster's default when unset.
        class: Option<String>,
    },
}

/// The Gateway that a route attaches to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The listener; every one that takes the host when unset.
    pub section_name: Option<String>,
}

/// Where an Ingress has its certificate from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// A Secret that exists.
    Secret(String),
    /// cert-manager, which is told by an annotation.
    Issuer {
        /// Key of the annotation: it says which kind of issuer.
        annotation: &'static str,
        /// Name of the issuer.
        name: String,
    },
}

/// The way to the environment, if its spec names a host and the cluster has what the spec asks for.
pub(super) fn routing(
    spec: &ChatbotEnvironmentSpec,
    namespace: &str,
    apis: Apis,
    not_acted_on: &mut Vec<NotActedOn>,
) -> Option<Routing> {
    let host = spec.host.clone()?;
    let way = way(spec, namespace);
    if matches!(way, Way::Gateway(_)) && !apis.gateway {
        let next = "the cluster has no Gateway API: install its CRDs, or set routing.ingressClassName";
        not_acted_on.push(NotActedOn::new("routing.gateway", next));
        return None;
    }
    let certificate = spec.tls.as_ref().and_then(|tls| certificate(tls, &way, apis, not_acted_on));
    Some(Routing { host, tls: spec.tls.is_some(), certificate, way })
}

fn way(spec: &ChatbotEnvironmentSpec, namespace: &str) -> Way {
    let routing = spec.routing.clone().unwrap_or_default();
    match routing.gateway {
        Some(gateway) => Way::Gateway(resolved_gateway(gateway, namespace)),
        None => Way::Ingress { class: routing.ingress_class_name },
    }
}

fn resolved_gateway(gateway: GatewayRef, namespace: &str) -> Gateway {
    Gateway {
        name: gateway.name,
        namespace: gateway.namespace.unwrap_or_else(|| namespace.to_owned()),
        section_name: gateway.section_name,
    }
}

fn certificate(tls: &TlsSpec, way: &Way, apis: Apis, not_acted_on: &mut Vec<NotActedOn>) -> Option<Certificate> {
    if matches!(way, Way::Gateway(_)) {
        let next = "the Gateway's listener ends TLS: give the certificate to the listener";
        not_acted_on.push(NotActedOn::new("tls", next));
        return None;
    }
    let issuer = tls.issuer_ref.as_ref();
    if issuer.is_some() && !apis.cert_manager {
        let next = "the cluster has no cert-manager: install it, or set tls.secretName";
        not_acted_on.push(NotActedOn::new("tls.issuerRef", next));
        return None;
    }
    issuer.map(from_issuer).or_else(|| tls.secret_name.clone().map(Certificate::Secret))
}

fn from_issuer(issuer: &IssuerRef) -> Certificate {
    let annotation = match issuer.kind {
        IssuerKind::Issuer => "cert-manager.io/issuer",
        IssuerKind::ClusterIssuer => "cert-manager.io/cluster-issuer",
    };
    Certificate::Issuer { annotation, name: issuer.name.clone() }
}
