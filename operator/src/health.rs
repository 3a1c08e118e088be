//! The operator's own HTTP server: is it alive, has it filled its caches, what does it measure.
//!
//! Nobody can keep it busy: connections are limited in number, and each in the time that it may take for the head of a request
//! and for its answer. A connection carries one request at a time, so their limit is that of requests too.

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
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::sleep,
};
use tower_http::timeout::TimeoutLayer;

use crate::metrics::Metrics;

/// After trouble such as too many open files, a pause is the only cure.
const PAUSE: Duration = Duration::from_secs(1);

/// What clients may use.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Connections at once; more of them wait in the system's queue.
    connections: usize,
    /// Until the head of the next request is there. It ends idle connections too: a probe must find a free one soon.
    head: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 128, head: Duration::from_secs(15) }
    }
}

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

async fn accept(listener: TcpListener, router: Router, limits: Limits) -> Infallible {
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let slot = Arc::clone(&slots).acquire_owned().await.ok();
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(converse(stream, router.clone(), limits.head, slot));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                sleep(PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, router: Router, head: Duration, _slot: Option<OwnedSemaphorePermit>) {
    let mut builder = http1::Builder::new();
    let connection = builder.timer(TokioTimer::new()).header_read_timeout(head);
    let service = TowerToHyperService::new(router);
    if let Err(error) = connection.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended badly");
    }
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;
    use tower::ServiceExt;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);
    const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n";

    async fn server(limits: Limits) -> (SocketAddr, JoinSet<Infallible>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, router(Arc::default(), Readiness::default()), limits));
        (address, serving)
    }

    async fn answer(connection: &mut TcpStream) -> String {
        let mut bytes = [0; 1024];
        let read = timeout(LONG, connection.read(&mut bytes)).await.unwrap().unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    }

    #[tokio::test]
    async fn who_never_finishes_the_head_of_a_request_is_sent_away() {
        let (address, _serving) = server(Limits { head: Duration::from_millis(100), ..Limits::default() }).await;
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(&REQUEST[..10]).await.unwrap();
        let mut rest = Vec::new();
        timeout(LONG, connection.read_to_end(&mut rest)).await.expect("the connection is ended").unwrap();
    }

    #[tokio::test]
    async fn a_connection_beyond_the_limit_waits_for_another_to_end() {
        let (address, _serving) = server(Limits { connections: 1, head: LONG }).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(REQUEST).await.unwrap();
        assert!(answer(&mut first).await.ends_with("ok\n"));
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(REQUEST).await.unwrap();
        assert!(timeout(Duration::from_millis(200), second.readable()).await.is_err(), "it waits");
        drop(first);
        assert!(answer(&mut second).await.ends_with("ok\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_not_answered_in_time_is_given_up() {
        let routes = timely(Router::new().route("/", get(async || std::future::pending::<()>().await)));
        let request = http::Request::builder().uri("/").body(axum::body::Body::empty()).unwrap();
        let response = timeout(LONG, routes.oneshot(request)).await.expect("it is answered").unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
