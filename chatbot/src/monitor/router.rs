//! Every route. The server around them is the API's own: the same limits, logs, metrics and headers.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::refusal::Refusal;
use super::state::Monitor;
use super::{api, assets, pages};
use crate::app::App;
use crate::health::server;
use crate::http::layers;

/// Forms and filters are short.
const BODY_LIMIT: usize = 64 << 10;
/// Nothing from elsewhere, no script or style inside a page, no frame around it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(OpenApi)]
#[openapi(info(
    title = "Task monitor",
    description = "What workers do, did and cannot do. Send the session's cookie, and with what changes something its token as \
                   `X-CSRF-Token`; or an API key as `Authorization: Bearer cbk_…`. Errors are RFC 9457 problem documents.",
))]
struct Document;

/// The HTTP service.
pub fn router(monitor: Monitor) -> Router {
    let (api, openapi) = described().split_for_parts();
    let document = axum::Json(openapi);
    let api = api.route("/api/openapi.json", get(async move || document.clone())).fallback(missing);
    let service = pages::routes()
        .merge(api)
        .merge(operations())
        .route("/assets/{version}/{name}", get(assets::get))
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(monitor.app.clone(), limit_time))
        // Around the limits, so that what they refuse is a page too.
        .layer(from_fn_with_state(monitor.clone(), pages::refused::as_page))
        .layer(from_fn(set_policy));
    layers::around(service, &monitor.app).with_state(monitor)
}

/// The OpenAPI document that /api/openapi.json serves.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    described().into_openapi()
}

fn described() -> OpenApiRouter<Monitor> {
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api", api::routes())
}

async fn missing() -> Refusal {
    Refusal::NoRoute
}

/// For machines: without login, and without anything that is not everyone's business.
fn operations() -> Router<Monitor> {
    Router::new()
        .route("/healthcheck", get(healthcheck))
        .route("/health/live", get(server::live))
        .route("/health/ready", get(server::ready))
        .route("/metrics", get(metrics))
}

/// How the monitor is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    status: &'static str,
    message: String,
    version: &'static str,
    release_id: String,
}

async fn healthcheck(State(app): State<App>) -> Response {
    let (code, status, message) = match app.readiness().await {
        Ok(()) => (StatusCode::OK, "ok", "ok".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", reason),
    };
    let (version, release_id) = (env!("CARGO_PKG_VERSION"), app.config.environment.release_id.clone());
    (code, axum::Json(Health { status, message, version, release_id })).into_response()
}

/// The process's metrics, and what its last look found.
async fn metrics(State(monitor): State<Monitor>) -> Response {
    // Without the database the process's own metrics are still worth having.
    if let Ok(look) = monitor.live.now().await {
        super::gauges::set(&monitor.app.metrics, &look.overview);
    }
    server::metrics(State(monitor.app)).await
}

/// A stream has begun in this time.
async fn limit_time(State(app): State<App>, request: Request, next: Next) -> Response {
    let limit = app.config.server.request_timeout;
    timeout(limit, next.run(request)).await.unwrap_or_else(|_| Refusal::Unavailable.into_response())
}

async fn set_policy(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}
