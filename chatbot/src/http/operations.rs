//! What operators and machines ask: /health, /health/live, /health/ready, /health/question, /metrics. Server and worker
//! answer alike; here is what the OpenAPI document says of it.

use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::rehearsal;
use super::state::Http;
use crate::app::App;
use crate::health::{Report, server};

pub(super) fn routes() -> OpenApiRouter<Http> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(live))
        .routes(routes!(ready))
        .routes(routes!(rehearsal::question))
        .routes(routes!(metrics))
}

/// How the process and its services are.
#[utoipa::path(get, path = "/health", tag = "operations", security(()), responses(
    (status = OK, body = Report, description = "It serves, perhaps less well than it could"),
    (status = SERVICE_UNAVAILABLE, body = Report, description = "It cannot serve")))]
async fn health(app: State<App>) -> Response {
    server::health(app).await
}

/// Whether the process is alive.
#[utoipa::path(get, path = "/health/live", tag = "operations", security(()), responses((status = OK, body = String)))]
async fn live() -> &'static str {
    server::live().await
}

/// Whether traffic may come.
#[utoipa::path(get, path = "/health/ready", tag = "operations", security(()), responses(
    (status = OK, body = String), (status = SERVICE_UNAVAILABLE, body = String, description = "The reason")))]
async fn ready(app: State<App>) -> Response {
    server::ready(app).await
}

/// Metrics in OpenMetrics' text format.
#[utoipa::path(get, path = "/metrics", tag = "operations", security(()), responses(
    (status = OK, body = String, content_type = "application/openmetrics-text")))]
async fn metrics(app: State<App>) -> Response {
    server::metrics(app).await
}
