//! How users reach the environment: host, TLS, Gateway or Ingress.

#![expect(unreachable_pub, reason = "KubeSchema copies each struct, with its visibility, into a function")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the certificate of the host comes from: exactly one of `secretName` and `issuerRef`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.secretName) != has(self.issuerRef)")
    .message("set exactly one of secretName (a certificate that exists) and issuerRef (cert-manager makes one)"))]
pub struct TlsSpec {
    /// A Secret of type kubernetes.io/tls in the namespace. Default: none, `issuerRef` makes the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: Option<String>,

    /// The cert-manager issuer that makes the certificate. Default: none, `secretName` holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer_ref: Option<IssuerRef>,
}

/// A cert-manager issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuerRef {
    /// Name of the issuer. Required.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// Issuer (of the namespace) or ClusterIssuer. Default: Issuer.
    #[serde(default)]
    pub kind: IssuerKind,
}

/// Kind of a cert-manager issuer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IssuerKind {
    /// An issuer of the environment's namespace.
    #[default]
    Issuer,
    /// An issuer of the whole cluster.
    ClusterIssuer,
}

/// What brings the host's traffic to the app: at most one of `gateway` and `ingressClassName`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!(has(self.gateway) && has(self.ingressClassName))")
    .message("set only one of gateway (Gateway API) and ingressClassName (Ingress)"))]
pub struct RoutingSpec {
    /// A Gateway to which an HTTPRoute is attached. Default: none, an Ingress is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayRef>,

    /// Class of the Ingress that is made. Default: the cluster's default class.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub ingress_class_name: Option<String>,
}

/// A Gateway of the Gateway API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRef {
    /// Name of the Gateway. Required.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// Namespace of the Gateway. Default: the environment's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,

    /// Listener of the Gateway. Default: every listener that takes the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub section_name: Option<String>,
}
