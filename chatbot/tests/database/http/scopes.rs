//! Every route of the OpenAPI document against every kind of caller. A new route is in this test by being in the document.

use std::collections::BTreeSet;

use chatbot::auth::{Role, Scope, Scopes};
use reqwest::Method;
use serde_json::Value;

use super::gate::Gate;
use super::world::read;

/// Whoever they are, these have no caller yet.
pub(super) const OPEN: [&str; 3] = ["/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/logout"];
/// Any key may ask who it is.
const FOR_ANY_KEY: [&str; 1] = ["/api/v1/auth/me"];

struct Operation {
    method: Method,
    path: String,
    /// The scopes of which a key needs all; None where no key does.
    scopes: Option<Vec<String>>,
    /// The roles that a login needs.
    roles: Vec<String>,
}

fn names(requirement: &Value, scheme: &str) -> Option<Vec<String>> {
    let names = requirement.get(scheme)?.as_array()?;
    Some(names.iter().map(|name| name.as_str().unwrap().to_owned()).collect())
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let is_api = path.starts_with("/api/") || path.starts_with("/v1/");
        for (method, operation) in item.as_object().unwrap().iter().filter(|_| is_api && !OPEN.contains(&path.as_str()))
        {
            let security = operation["security"].as_array().unwrap_or_else(|| {
                panic!("{method} {path} demands nothing: take `May<…>` or `LoggedIn`, and declare `security` beside it")
            });
            let of = |scheme| security.iter().find_map(|requirement| names(requirement, scheme));
            let scopes = of("apiKey");
            let for_any_key = scopes.as_ref().is_some_and(Vec::is_empty);
            assert_eq!(for_any_key, FOR_ANY_KEY.contains(&path.as_str()), "{method} {path}: which scope does it take?");
            let roles = of("login").unwrap_or_else(|| panic!("{method} {path} is not for people"));
            found.push(Operation { method: method.to_uppercase().parse().unwrap(), path: path.clone(), scopes, roles });
        }
    }
    found
}

async fn status(gate: &Gate, operation: &Operation, credential: &str) -> u16 {
    let mut path = operation.path.clone();
    while let Some(start) = path.find('{') {
        let end = path[start..].find('}').unwrap() + start;
        path.replace_range(start..=end, "018f0000-0000-7000-8000-000000000000");
    }
    read(gate.request(operation.method.clone(), &path).bearer_auth(credential)).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_takes_the_callers_that_the_document_names_and_no_others() {
    let gate = Gate::new().await;
    let chief = gate.user("chief", Role::Admin).await;
    let document = serde_json::to_value(chatbot::http::openapi()).unwrap();
    let mut used = BTreeSet::new();
    let mut keys = vec![(gate.key(&chief, Scopes::default()).await, Vec::new())];
    for scope in Scope::ALL {
        keys.push((gate.key(&chief, Scopes::from_iter([scope])).await, vec![scope.to_string()]));
    }
    for operation in operations(&document) {
        let Operation { method, path, scopes, .. } = &operation;
        used.extend(scopes.iter().flatten().cloned());
        for (key, has) in &keys {
            let may = scopes.as_ref().is_some_and(|needed| needed.iter().all(|scope| has.contains(scope)));
            let status = status(&gate, &operation, key).await;
            assert_eq!(status == 403, !may, "{method} {path} with a key for {has:?}: {status}");
            assert!(![401, 429, 500].contains(&status), "{method} {path} with a key for {has:?}: {status}");
        }
    }
    let all: BTreeSet<String> = Scope::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(used, all, "each scope is good for something");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_takes_the_roles_that_the_document_names_and_no_others() {
    let gate = Gate::new().await;
    let document = serde_json::to_value(chatbot::http::openapi()).unwrap();
    for role in [Role::Member, Role::Editor, Role::Admin] {
        gate.user(role.as_str(), role).await;
        let entered = gate.enter(role.as_str()).await;
        for operation in operations(&document) {
            let Operation { method, path, roles, .. } = &operation;
            let may = roles.is_empty() || roles.iter().any(|name| name == role.as_str());
            let status = status(&gate, &operation, &entered.access).await;
            assert_eq!(status == 403, !may, "{method} {path} as {role}: {status}");
            assert!(![401, 429, 500].contains(&status), "{method} {path} as {role}: {status}");
        }
    }
}
