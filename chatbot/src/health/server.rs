//! /health* and /metrics alone, for processes that serve nothing else.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Overall;
use crate::{app::App, http::connections};

/// Content type of Prometheus' text format, as OpenMetrics defines it.
const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves until the process ends.
pub async fn serve(app: App, listener: TcpListener) {
    connections::serve(listener, router(app), CancellationToken::new(), connections::Limits::default()).await;
}

/// `/health`, `/health/live`, `/health/ready`, `/metrics`.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(app)
}

/// How the process and its services are.
pub(crate) async fn health(State(app): State<App>) -> Response {
    let report = app.health().await;
    let status = if report.status == Overall::Unavailable { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, Json(&*report)).into_response()
}

/// Alive is whoever answers.
pub(crate) async fn live() -> &'static str {
    "alive\n"
}

/// Whether traffic may come.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    match app.readiness().await {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response(),
    }
}

/// Metrics in OpenMetrics' text format.
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    ([(axum::http::header::CONTENT_TYPE, METRICS_CONTENT_TYPE)], app.metrics.encode(&app.db)).into_response()
}
