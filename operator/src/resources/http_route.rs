//! The route through a Gateway (Gateway API).

use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use serde::Serialize;

use super::{labels, metadata::metadata, names, service};
use crate::controllers::environment::resolve::{Gateway, Resolved, Way};

/// Kind and plural for a dynamic client.
#[must_use]
pub fn resource() -> ApiResource {
    ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute"),
        "httproutes",
    )
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HttpRouteSpec {
    hostnames: Vec<String>,
    parent_refs: Vec<ParentRef>,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ParentRef {
    group: String,
    kind: String,
    name: String,
    namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    section_name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    matches: Vec<Match>,
    backend_refs: Vec<BackendRef>,
}

#[derive(Serialize)]
struct Match {
    path: Path,
}

#[derive(Serialize)]
struct Path {
    r#type: String,
    value: String,
}

/// With the values that the API server would fill in, so that what is read equals what was written.
#[derive(Serialize)]
struct BackendRef {
    group: String,
    kind: String,
    name: String,
    port: i32,
    weight: i32,
}

/// Sends every path of the host to the active Service; nothing where the environment is not reached through a Gateway.
#[must_use]
pub fn build(resolved: &Resolved) -> Option<DynamicObject> {
    let routing = resolved.routing.as_ref()?;
    let gateway = match &routing.way {
        Way::Gateway(gateway) => gateway,
        Way::Ingress { .. } => return None,
    };
    let identity = &resolved.identity;
    let name = names::environment(&identity.name);
    let spec = HttpRouteSpec {
        hostnames: vec![routing.host.clone()],
        parent_refs: vec![parent(gateway)],
        rules: vec![every_path_to(name.clone())],
    };
    let mut route = DynamicObject::new(&name, &resource()).data(serde_json::json!({ "spec": spec }));
    route.metadata = metadata(identity, name, labels::common(identity));
    Some(route)
}

fn parent(gateway: &Gateway) -> ParentRef {
    ParentRef {
        group: "gateway.networking.k8s.io".to_owned(),
        kind: "Gateway".to_owned(),
        name: gateway.name.clone(),
        namespace: gateway.namespace.clone(),
        section_name: gateway.section_name.clone(),
    }
}

fn every_path_to(service: String) -> Rule {
    let path = Path { r#type: "PathPrefix".to_owned(), value: "/".to_owned() };
    let backend =
        BackendRef { group: String::new(), kind: "Service".to_owned(), name: service, port: service::PORT, weight: 1 };
    Rule { matches: vec![Match { path }], backend_refs: vec![backend] }
}
