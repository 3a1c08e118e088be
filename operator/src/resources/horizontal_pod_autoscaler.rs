//! The autoscalers of the active colour.

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec, MetricTarget,
    ResourceMetricSource,
};

use super::labels::{self, Component};
use super::{metadata::metadata, names};
use crate::controllers::environment::resolve::{Resolved, Scale};
use crate::crd::Colour;

/// An autoscaler for each of app and worker whose scale is automatic.
#[must_use]
pub fn build(resolved: &Resolved, active: Colour) -> Vec<HorizontalPodAutoscaler> {
    let scales = [(Component::App, resolved.app.scale), (Component::Worker, resolved.worker.scale)];
    scales.into_iter().filter_map(|(component, scale)| autoscaler(resolved, component, scale, active)).collect()
}

fn autoscaler(
    resolved: &Resolved,
    component: Component,
    scale: Scale,
    active: Colour,
) -> Option<HorizontalPodAutoscaler> {
    let (min, max, target_cpu) = match scale {
        Scale::Fixed(_) => return None,
        Scale::Automatic { min, max, target_cpu } => (min, max, target_cpu),
    };
    let identity = &resolved.identity;
    Some(HorizontalPodAutoscaler {
        metadata: metadata(
            identity,
            names::component(&identity.name, component),
            labels::of_component(identity, component),
        ),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: target(names::deployment(&identity.name, component, active)),
            min_replicas: Some(min),
            max_replicas: max,
            metrics: Some(vec![cpu(target_cpu)]),
            behavior: None,
        }),
        status: None,
    })
}

fn target(name: String) -> CrossVersionObjectReference {
    CrossVersionObjectReference { api_version: Some("apps/v1".to_owned()), kind: "Deployment".to_owned(), name }
}

fn cpu(percent: i32) -> MetricSpec {
    let target =
        MetricTarget { type_: "Utilization".to_owned(), average_utilization: Some(percent), ..MetricTarget::default() };
    let resource = ResourceMetricSource { name: "cpu".to_owned(), target };
    MetricSpec { type_: "Resource".to_owned(), resource: Some(resource), ..MetricSpec::default() }
}
