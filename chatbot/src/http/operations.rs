//! What operators and machines ask: /health, /health/live, /health/ready, /health/question, /metrics.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::rehearsal;
use super::state::Http;
use crate::app::App;
use crate::health::server::METRICS_CONTENT_TYPE;
use crate::health::{Overall, Report};

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
async fn health(State(app): State<App>) -> Response {
    let report = app.health().await;
    let status = if report.status == Overall::Unavailable { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, Json(&*report)).into_response()
}

/// Whether the process is alive.
#[utoipa::path(get, path = "/health/live", tag = "operations", security(()), responses((status = OK, body = String)))]
async fn live() -> &'static str {
    "alive\n"
}

/// Whether traffic may come.
#[utoipa::path(get, path = "/health/ready", tag = "operations", security(()), responses(
    (status = OK, body = String), (status = SERVICE_UNAVAILABLE, body = String, description = "The reason")))]
async fn ready(State(app): State<App>) -> Response {
    match app.readiness().await {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response(),
    }
}

/// Metrics in OpenMetrics' text format.
#[utoipa::path(get, path = "/metrics", tag = "operations", security(()), responses((status = OK, body = String)))]
async fn metrics(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, METRICS_CONTENT_TYPE)], app.metrics.encode(&app.db)).into_response()
}
