//! The operator's own HTTP server: is it alive, has it filled its caches, what does it measure.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;
use tower_http::timeout::TimeoutLayer;

use crate::{
    connections::{Limits, accept},
    metrics::Metrics,
};

/// Until a request is answered. Every answer is made from memory.
const ANSWER: Duration = Duration::from_secs(5);

/// Whether this process is ready: a standby is as soon as it takes part in the election, a leader once its caches are filled.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says from now on that the process is (or is not) ready.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The routes, apart from any socket.
pub fn router(metrics: Arc<Metrics>, readiness: Readiness) -> Router {
    let routes = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(scrape).with_state(metrics));
    timely(routes)
}

fn timely(routes: Router) -> Router {
    routes.layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER))
}

/// Serves the routes until it is dropped.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve(address: SocketAddr, metrics: Arc<Metrics>, readiness: Readiness) -> std::io::Result<Infallible> {
    let listener = TcpListener::bind(address).await?;
    Ok(accept(listener, router(metrics, readiness), Limits::default()).await)
}

async fn ready(State(readiness): State<Readiness>) -> (StatusCode, &'static str) {
    if readiness.get() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "caches are not filled yet\n")
    }
}

async fn scrape(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    match metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
            .into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("metrics cannot be written: {error}\n")).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_not_answered_in_time_is_given_up() {
        let routes = timely(Router::new().route("/", get(async || std::future::pending::<()>().await)));
        let request = http::Request::builder().uri("/").body(axum::body::Body::empty()).unwrap();
        let response =
            timeout(Duration::from_secs(20), routes.oneshot(request)).await.expect("it is answered").unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
