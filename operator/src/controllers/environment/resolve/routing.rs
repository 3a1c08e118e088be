//! How users reach the environment.

use super::{Apis, Identity, NotActedOn};
use crate::crd::routing::{GatewayRef, IssuerKind, IssuerRef};
use crate::crd::{ChatbotEnvironmentSpec, Tier, TlsSpec, tier};

/// Host, certificate and the object that leads there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// DNS name under which users reach the environment.
    pub host: String,
    /// Whether users reach it over TLS, and only so.
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

/// The way to the environment, if its spec names a host and the cluster has what the spec asks for. A tier that wants TLS has no
/// way without: it would carry passwords in the clear.
pub(super) fn routing(
    spec: &ChatbotEnvironmentSpec,
    identity: &Identity,
    apis: Apis,
    not_acted_on: &mut Vec<NotActedOn>,
) -> Option<Routing> {
    let host = spec.host.clone()?;
    let way = way(spec, &identity.namespace);
    if matches!(way, Way::Gateway(_)) && !apis.gateway {
        let next = "the cluster has no Gateway API: install its CRDs, or set routing.ingressClassName";
        not_acted_on.push(NotActedOn::new("routing.gateway", next));
        return None;
    }
    let security = spec.tls.as_ref().map_or(Security::None, |tls| security(tls, &way, apis));
    let is_needed = tier::defaults(identity.tier).tls_required;
    not_acted_on.extend(security.remark(is_needed, identity.tier));
    let tls = security.is_tls();
    (tls || !is_needed).then(|| Routing { host, tls, certificate: security.certificate(), way })
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

/// What becomes of `spec.tls`.
enum Security {
    /// The spec asks for none.
    None,
    /// The Ingress ends TLS with this.
    Certificate(Certificate),
    /// The listener that the route is attached to ends TLS with its own certificate.
    Listener,
    /// The route would be attached to every listener, those without TLS among them.
    EveryListener,
    /// Nothing in the cluster makes the certificate.
    NoIssuer,
}

impl Security {
    fn is_tls(&self) -> bool {
        matches!(self, Self::Certificate(_) | Self::Listener)
    }

    fn certificate(self) -> Option<Certificate> {
        match self {
            Self::Certificate(certificate) => Some(certificate),
            Self::None | Self::Listener | Self::EveryListener | Self::NoIssuer => None,
        }
    }

    /// What of the spec has no effect, and whether the environment has no route for it.
    fn remark(&self, is_needed: bool, tier: Tier) -> Option<NotActedOn> {
        let (field, why) = match self {
            Self::Certificate(_) => return None,
            Self::Listener => {
                let next = "the Gateway's listener ends TLS: give the certificate to the listener";
                return Some(NotActedOn::new("tls", next));
            }
            Self::None if !is_needed => return None,
            Self::None => ("host", "tls is not set: write tls.secretName or tls.issuerRef"),
            Self::EveryListener => {
                ("routing.gateway.sectionName", "unset, it means listeners without TLS too: name the HTTPS listener")
            }
            Self::NoIssuer => ("tls.issuerRef", "the cluster has no cert-manager: install it, or set tls.secretName"),
        };
        let until = if is_needed { format!("; {tier} has no route until then") } else { String::new() };
        Some(NotActedOn::new(field, format!("{why}{until}")))
    }
}

fn security(tls: &TlsSpec, way: &Way, apis: Apis) -> Security {
    match (way, &tls.issuer_ref, &tls.secret_name) {
        (Way::Gateway(Gateway { section_name: Some(_), .. }), ..) => Security::Listener,
        (Way::Gateway(_), ..) => Security::EveryListener,
        (Way::Ingress { .. }, Some(issuer), _) if apis.cert_manager => Security::Certificate(from_issuer(issuer)),
        (Way::Ingress { .. }, Some(_), _) => Security::NoIssuer,
        (Way::Ingress { .. }, None, Some(secret)) => Security::Certificate(Certificate::Secret(secret.clone())),
        (Way::Ingress { .. }, None, None) => Security::None,
    }
}

fn from_issuer(issuer: &IssuerRef) -> Certificate {
    let annotation = match issuer.kind {
        IssuerKind::Issuer => "cert-manager.io/issuer",
        IssuerKind::ClusterIssuer => "cert-manager.io/cluster-issuer",
    };
    Certificate::Issuer { annotation, name: issuer.name.clone() }
}
