//! The middleware stack.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use uuid::Uuid;

use super::bodies::{Budget, limit_bodies};
use super::openai::in_openai_s_shape;
use super::problem::Problem;
use super::router::{method_not_allowed, not_found};
use super::state::Http;
use crate::app::{App, Draining};
use crate::metrics::{Metrics, RequestLabels, RouteLabels};

/// JSON bodies are questions and settings; uploads have a limit of their own.
const JSON_LIMIT: usize = 1 << 20;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 64;
/// The label of paths that no route is there for: what a client sends must not become a label.
const UNMATCHED: &str = "unmatched";
/// The label of methods that HTTP does not know.
const OTHER: &str = "other";
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
];

/// The whole stack. In axum the layer that is added last is the outermost; so this reads from the inside out.
pub(super) fn apply(api: Router<Http>, operations: Router<Http>, http: &Http) -> Router<Http> {
    let server = &http.app.config.server;
    let slots = Arc::new(Semaphore::new(server.max_concurrent_requests));
    let api = api
        .layer(DefaultBodyLimit::max(JSON_LIMIT))
        .layer(from_fn_with_state(Budget::new(JSON_LIMIT, server.max_upload_bytes), limit_bodies))
        // Inside the limit of concurrency, so that a request that is given up frees its slot.
        .layer(from_fn_with_state(server.request_timeout, limit_time))
        // Only around the API: probes and metrics must be answered when the server is busiest.
        .layer(from_fn_with_state(slots, limit_concurrency));
    let service = api.merge(operations).fallback(not_found).method_not_allowed_fallback(method_not_allowed);
    around(service, &http.app)
}

/// What every server of this program has around its routes.
pub(crate) fn around<S: Clone + Send + Sync + 'static>(service: Router<S>, app: &App) -> Router<S> {
    service
        // Inside metrics and trace, so that a panic is counted and logged as the 500 that the client sees.
        .layer(CatchPanicLayer::custom(panicked))
        // Outside of all that refuses, so that OpenAI's clients understand each of them.
        .layer(from_fn(in_openai_s_shape))
        .layer(from_fn(add_security_headers))
        .layer(from_fn_with_state(app.draining.clone(), end_connections))
        .layer(from_fn_with_state(app.metrics.clone(), measure))
        .layer(from_fn(trace))
        // Outermost: everything below, the logs included, knows the request by its id.
        .layer(from_fn(identify))
}

/// Takes the client's id when it is harmless, else makes one; the answer says which.
async fn identify(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).filter(|value| is_harmless(value)).cloned();
    let made = || HeaderValue::from_str(&Uuid::now_v7().to_string()).ok();
    let Some(id) = given.or_else(made) else { return next.run(request).await };
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn is_harmless(id: &HeaderValue) -> bool {
    let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !id.is_empty() && id.len() <= MAX_REQUEST_ID && id.as_bytes().iter().all(harmless)
}

/// One span per request, one line at its end; probes only at debug level.
async fn trace(request: Request, next: Next) -> Response {
    let route = route(&request);
    let request_id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    // Not INFO: where only warnings are logged, they too must say which request they are about.
    let span = tracing::error_span!("request", request_id, method = %request.method(), route);
    let quiet = route.starts_with("/health") || route == "/metrics";
    let started = Instant::now();
    async {
        let response = next.run(request).await;
        let (status, latency_ms) = (response.status().as_u16(), started.elapsed().as_millis());
        if quiet {
            tracing::debug!(status, latency_ms, "answered");
        } else {
            tracing::info!(status, latency_ms, "answered");
        }
        response
    }
    .instrument(span)
    .await
}

/// Counts and times requests by route; a stream counts as answered when it begins.
async fn measure(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let (method, path) = (method(request.method()).to_owned(), route(&request));
    let started = Instant::now();
    let active = Active::new(&metrics);
    let response = next.run(request).await;
    drop(active);
    let status = response.status().as_u16();
    metrics.http_requests.get_or_create(&RequestLabels { method: method.clone(), path: path.clone(), status }).inc();
    metrics.http_duration.get_or_create(&RouteLabels { method, path }).observe(started.elapsed().as_secs_f64());
    response
}

/// Counts a request as active until it is dropped, which a client that goes away causes too.
struct Active(Metrics);

impl Active {
    fn new(metrics: &Metrics) -> Self {
        metrics.http_active.inc();
        Self(metrics.clone())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.http_active.dec();
    }
}

/// Clients can invent methods: those would become series without end.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or(OTHER)
}

/// While the process is being stopped, every answer ends its connection: the client's next one goes to another pod.
async fn end_connections(State(draining): State<Draining>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if draining.has_begun() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn route(request: &Request) -> String {
    let matched = request.extensions().get::<MatchedPath>();
    matched.map_or(UNMATCHED, MatchedPath::as_str).to_owned()
}

/// Pages of other sites cannot frame or sniff answers, and no cache between keeps them. What a handler set stays.
async fn add_security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that CatchPanicLayer asks for")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = message.unwrap_or("of unknown type"), "a request panicked");
    Problem::Internal.into_response()
}

/// A stream has begun in this time; its own end is the answer's.
async fn limit_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(|_| Problem::Timeout.into_response())
}

/// Refuses at once what would only wait: a queue that grows helps nobody.
async fn limit_concurrency(State(slots): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match slots.try_acquire_owned() {
        Ok(slot) => hold_while_streaming(next.run(request).await, slot),
        Err(_) => Problem::Busy.into_response(),
    }
}

/// A stream keeps its slot until its last word.
fn hold_while_streaming(response: Response, slot: OwnedSemaphorePermit) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        return response;
    }
    response.map(|body| {
        Body::from_stream(body.into_data_stream().map(move |part| {
            let _held = &slot;
            part
        }))
    })
}

#[cfg(test)]
mod tests;
