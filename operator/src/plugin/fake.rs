//! A cluster for tests of subcommands: a function answers each request by its method and path.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use kube::{Client, client::Body};
use serde_json::{Value, json};

use super::target::Target;

/// What was asked for so far, as `METHOD /path?query`.
pub(super) type Asked = Arc<Mutex<Vec<String>>>;

/// A cluster that answers with a status and a text.
pub(super) fn cluster(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> (Target, Asked) {
    let asked = Asked::default();
    let requests = Arc::clone(&asked);
    let service = tower::service_fn(move |request: Request<Body>| {
        let request = format!("{} {}", request.method(), request.uri());
        let (code, text) = answer(&request);
        requests.lock().unwrap().push(request);
        let response = Response::builder().status(code).body(Body::from(text.into_bytes())).unwrap();
        async move { Ok::<_, Infallible>(response) }
    });
    (Target { client: Client::new(service, "chat"), namespace: "chat".to_owned() }, asked)
}

pub(super) fn list(items: &[Value]) -> (u16, String) {
    (200, json!({ "metadata": {}, "items": items }).to_string())
}

pub(super) fn refusal(code: u16, message: &str) -> (u16, String) {
    let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message, "reason": "Test" });
    (code, status.to_string())
}

/// An environment `dev` with a release in blue.
pub(super) fn environment() -> Value {
    json!({
        "apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotEnvironment", "metadata": { "name": "dev", "namespace": "chat" },
        "spec": { "tier": "dev", "image": "chatbot:1", "secretRef": { "name": "chatbot" } },
        "status": { "release": { "active": "blue", "phase": "Stable" } },
    })
}
