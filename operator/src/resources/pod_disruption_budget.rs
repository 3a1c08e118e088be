//! How many pods of the active colour a node drain may take at once.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::labels::{self, Component};
use super::{metadata::metadata, names};
use crate::controllers::environment::resolve::Resolved;
use crate::crd::Colour;

/// One budget each for the app and the workers of a colour; none where the tier asks for none, or nothing runs.
#[must_use]
pub fn build(resolved: &Resolved, active: Colour) -> Vec<PodDisruptionBudget> {
    if !resolved.disruption_budget || resolved.suspend {
        return Vec::new();
    }
    [Component::App, Component::Worker].map(|component| budget(resolved, component, active)).into()
}

/// One pod at a time. A pod that is not ready may always be evicted: it must not hold up the drain that would mend it.
fn budget(resolved: &Resolved, component: Component, active: Colour) -> PodDisruptionBudget {
    let identity = &resolved.identity;
    let selector = labels::selector(&identity.name, component, Some(active));
    PodDisruptionBudget {
        metadata: metadata(
            identity,
            names::component(&identity.name, component),
            labels::of_component(identity, component),
        ),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(LabelSelector { match_labels: Some(selector), match_expressions: None }),
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            min_available: None,
        }),
        status: None,
    }
}
