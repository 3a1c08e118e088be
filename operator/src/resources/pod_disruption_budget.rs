//! How many pods of a colour a node drain may take at once.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::labels::{self, Component};
use super::{metadata::metadata, names};
use crate::controllers::environment::resolve::Resolved;
use crate::crd::Colour;

/// A budget for each component of each colour that stands, with or without traffic: in the bake the old colour must be able to
/// take the traffic back. None where the tier asks for none, or nothing runs.
#[must_use]
pub fn build(resolved: &Resolved, standing: impl IntoIterator<Item = (Component, Colour)>) -> Vec<PodDisruptionBudget> {
    if !resolved.disruption_budget || resolved.suspend {
        return Vec::new();
    }
    standing.into_iter().map(|(component, colour)| budget(resolved, component, colour)).collect()
}

/// One pod at a time. A pod that is not ready may always be evicted: it must not hold up the drain that would mend it.
fn budget(resolved: &Resolved, component: Component, colour: Colour) -> PodDisruptionBudget {
    let identity = &resolved.identity;
    let selector = labels::selector(&identity.name, component, Some(colour));
    PodDisruptionBudget {
        metadata: metadata(
            identity,
            names::deployment(&identity.name, component, colour),
            labels::with(labels::of_component(identity, component), labels::COLOUR, colour.as_str()),
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
