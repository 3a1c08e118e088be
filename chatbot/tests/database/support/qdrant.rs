//! What stands in Qdrant's place: jobs only write to it, so that its answers can be made up.

use std::time::Duration;

use serde_json::json;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

fn answer(request: &Request) -> ResponseTemplate {
    let result = if request.url.path().ends_with("/exists") {
        json!({ "exists": true })
    } else if request.method == wiremock::http::Method::GET {
        json!({ "config": { "params": { "vectors": {} } } })
    } else {
        json!({ "status": "completed", "operation_id": 1 })
    };
    ResponseTemplate::new(200).set_body_json(json!({ "result": result, "status": "ok", "time": 0.0 }))
}

/// Takes everything.
pub(crate) async fn forgiving() -> MockServer {
    let server = MockServer::start().await;
    accept(&server).await;
    server
}

/// Makes a server take everything.
pub(crate) async fn accept(server: &MockServer) {
    Mock::given(any()).respond_with(answer).mount(server).await;
}

/// Takes everything, after a while.
pub(crate) async fn slow(delay: Duration) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(move |request: &Request| answer(request).set_delay(delay)).mount(&server).await;
    server
}

/// Fails at everything.
pub(crate) async fn failing() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(500)).mount(&server).await;
    server
}
