//! Who may reach an environment's pods, and what they may reach.
//!
//! Everything is closed first; then each component is opened for what it needs. A policy cannot name a host, so what a
//! variable points to is opened by its port. Kubelets are let through by the network plugin itself: probes need no rule.

use std::collections::BTreeSet;

use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::labels::{self, Component, Labels};
use super::{metadata::metadata, names, pod};
use crate::controllers::environment::resolve::{Endpoints, Resolved, Way};

/// Label that Kubernetes puts on every namespace.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";
const PROMETHEUS: &str = "prometheus";
/// Namespaces whose Prometheus is let in without a label on them.
const MONITORING: [&str; 2] = ["monitoring", "chatbot-platform"];
const DNS: i32 = 53;

/// All policies of an environment; none where its spec switches them off.
#[must_use]
pub fn build(resolved: &Resolved) -> Vec<NetworkPolicy> {
    if !resolved.network.policies {
        return Vec::new();
    }
    let always = [
        default_deny(resolved),
        app(resolved),
        worker(resolved),
        backup(resolved),
        migrate(resolved),
        provision(resolved),
    ];
    always.into_iter().chain(monitor(resolved)).collect()
}

fn default_deny(resolved: &Resolved) -> NetworkPolicy {
    let identity = &resolved.identity;
    let selector = labels::environment_selector(&identity.name);
    NetworkPolicy {
        metadata: metadata(identity, names::default_deny(&identity.name), labels::common(identity)),
        spec: Some(spec(selector, None, None)),
    }
}

fn app(resolved: &Resolved) -> NetworkPolicy {
    let mut from = observers(resolved);
    from.push(pods(labels::environment_selector(&resolved.identity.name)));
    from.extend(route(resolved));
    from.extend(resolved.network.allow_from.iter().cloned());
    policy(resolved, Component::App, Some(from), egress(&resolved.network.endpoints))
}

fn worker(resolved: &Resolved) -> NetworkPolicy {
    policy(resolved, Component::Worker, Some(observers(resolved)), egress(&resolved.network.endpoints))
}

/// For Prometheus, and for whom the spec lets in; the operator reads its state from the cluster. Who forwards a port comes by the
/// kubelet. It calls no model and fetches nothing: an attacker in it finds the way to the jobs, and to nothing else.
fn monitor(resolved: &Resolved) -> Option<NetworkPolicy> {
    let endpoints = &resolved.monitor.as_ref()?.endpoints;
    let from = prometheus().into_iter().chain(resolved.network.allow_from.iter().cloned());
    Some(policy(resolved, Component::Monitor, Some(from.collect()), egress(endpoints)))
}

/// It brings the database to the object stores and back, with the administrator's access where there is one, and all of them may
/// be anywhere that the variables say.
fn backup(resolved: &Resolved) -> NetworkPolicy {
    let own = resolved.network.endpoints.clone();
    let administrators = resolved.provision.as_ref().map(|provision| provision.endpoints.clone()).unwrap_or_default();
    let reached = own.and(resolved.backups.endpoints.clone()).and(administrators);
    policy(resolved, Component::Backup, None, egress(&reached))
}

fn migrate(resolved: &Resolved) -> NetworkPolicy {
    policy(resolved, Component::Migrate, None, vec![dns(), to_ports(&BTreeSet::from([resolved.database.port]))])
}

fn provision(resolved: &Resolved) -> NetworkPolicy {
    let administrators = resolved.provision.as_ref().map(|provision| provision.endpoints.clone()).unwrap_or_default();
    policy(resolved, Component::Provision, None, egress(&resolved.network.endpoints.clone().and(administrators)))
}

/// Those who read health and metrics: the operator, and Prometheus in namespaces that only an administrator can name or label.
/// Anybody can label a pod of their own.
fn observers(resolved: &Resolved) -> Vec<NetworkPolicyPeer> {
    let operator = resolved.network.operator_namespace.as_deref().map(namespace_named).unwrap_or_default();
    [named_pods(labels::OPERATOR, operator)].into_iter().chain(prometheus()).collect()
}

fn prometheus() -> [NetworkPolicyPeer; 2] {
    let marked = match_labels(labels::with(Labels::new(), labels::MONITORING_NAMESPACE, "true"));
    [named_pods(PROMETHEUS, marked), named_pods(PROMETHEUS, one_of(&MONITORING))]
}

/// The pods of the gateway or ingress controller that the environment's route goes through.
fn route(resolved: &Resolved) -> Vec<NetworkPolicyPeer> {
    let Some(routing) = &resolved.routing else { return Vec::new() };
    let namespaces: Vec<String> = match &routing.way {
        Way::Gateway(gateway) => vec![gateway.namespace.clone()],
        Way::Ingress { class: Some(class) } => vec![class.clone(), format!("ingress-{class}")],
        Way::Ingress { class: None } => Vec::new(),
    };
    let marked = match_labels(labels::with(Labels::new(), labels::INGRESS_NAMESPACE, "true"));
    let named = namespaces.iter().map(|name| namespace_named(name));
    named.chain([marked]).map(namespace).collect()
}

/// Names, and every server that the variables point to.
fn egress(endpoints: &Endpoints) -> Vec<NetworkPolicyEgressRule> {
    let to: Vec<_> = endpoints.namespaces.iter().map(|name| namespace(namespace_named(name))).collect();
    let mut rules = vec![dns(), to_ports(&endpoints.ports)];
    if !to.is_empty() {
        rules.push(NetworkPolicyEgressRule { to: Some(to), ports: None });
    }
    rules
}

fn policy(
    resolved: &Resolved,
    component: Component,
    from: Option<Vec<NetworkPolicyPeer>>,
    egress: Vec<NetworkPolicyEgressRule>,
) -> NetworkPolicy {
    let identity = &resolved.identity;
    let http = if component == Component::Monitor { pod::MONITOR_PORT } else { pod::PORT };
    let http = vec![port("TCP", http)];
    let ingress = from.map(|from| vec![NetworkPolicyIngressRule { from: Some(from), ports: Some(http) }]);
    let selector = labels::component_selector(&identity.name, component);
    NetworkPolicy {
        metadata: metadata(
            identity,
            names::component(&identity.name, component),
            labels::of_component(identity, component),
        ),
        spec: Some(spec(selector, ingress, Some(egress))),
    }
}

/// Both directions are always named: what no rule allows is closed.
fn spec(
    selector: Labels,
    ingress: Option<Vec<NetworkPolicyIngressRule>>,
    egress: Option<Vec<NetworkPolicyEgressRule>>,
) -> NetworkPolicySpec {
    NetworkPolicySpec {
        pod_selector: Some(match_labels(selector)),
        policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
        ingress,
        egress,
    }
}

fn dns() -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule { ports: Some(vec![port("UDP", DNS), port("TCP", DNS)]), to: None }
}

fn to_ports(ports: &BTreeSet<u16>) -> NetworkPolicyEgressRule {
    let ports = ports.iter().map(|number| port("TCP", i32::from(*number))).collect();
    NetworkPolicyEgressRule { ports: Some(ports), to: None }
}

fn port(protocol: &str, number: i32) -> NetworkPolicyPort {
    NetworkPolicyPort { protocol: Some(protocol.to_owned()), port: Some(IntOrString::Int(number)), end_port: None }
}

fn pods(labels: Labels) -> NetworkPolicyPeer {
    NetworkPolicyPeer { pod_selector: Some(match_labels(labels)), ..NetworkPolicyPeer::default() }
}

/// Pods of an application, in the selected namespaces.
fn named_pods(application: &str, namespaces: LabelSelector) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(namespaces),
        ..pods(labels::with(Labels::new(), labels::NAME, application))
    }
}

fn namespace_named(name: &str) -> LabelSelector {
    match_labels(labels::with(Labels::new(), NAMESPACE_NAME, name))
}

fn one_of(namespaces: &[&str]) -> LabelSelector {
    let requirement = LabelSelectorRequirement {
        key: NAMESPACE_NAME.to_owned(),
        operator: "In".to_owned(),
        values: Some(namespaces.iter().map(|name| (*name).to_owned()).collect()),
    };
    LabelSelector { match_labels: None, match_expressions: Some(vec![requirement]) }
}

fn namespace(selector: LabelSelector) -> NetworkPolicyPeer {
    NetworkPolicyPeer { namespace_selector: Some(selector), ..NetworkPolicyPeer::default() }
}

fn match_labels(labels: Labels) -> LabelSelector {
    LabelSelector { match_labels: Some(labels), match_expressions: None }
}
