//! The HTTP server: routes, key, body limit, deadline, life cycle.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::answer::Refusal;
use crate::engine::Engine;
use crate::{collections, points};

const BODY_LIMIT: usize = 32 << 20;
const DEADLINE: Duration = Duration::from_mins(1);

/// Where to listen, where to store, and which key to ask for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address to listen on; port 0 takes any free one.
    pub address: SocketAddr,
    /// Folder of the collections; made when it is missing.
    pub storage: PathBuf,
    /// Key that every request but the health checks must bring; none asks for nothing.
    pub api_key: Option<String>,
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}; free the port or set QDRANT__SERVICE__HTTP_PORT")]
    Listen(SocketAddr, std::io::Error),
    /// The storage folder cannot be opened.
    #[error("cannot open the storage folder {0}: {1}; set QDRANT__STORAGE__STORAGE_PATH to a writable folder")]
    Storage(PathBuf, String),
}

/// A started server; it stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    /// The address it listens on.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl Running {
    /// The base URL of the server, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops accepting, finishes what runs, and returns when all is flushed.
    pub async fn stop(mut self) {
        self.end().await;
    }

    pub(crate) async fn end(&mut self) {
        self.stop.take();
        if let Some(task) = self.task.take()
            && task.await.is_err()
        {
            tracing::warn!("the server ended by a panic");
        }
    }
}

impl Running {
    /// Closes every collection, so that its folder can be removed: a shard that is dropped later flushes into it.
    pub(crate) fn close(&self) {
        self.shared.engine.close();
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

pub(crate) struct Shared {
    pub(crate) engine: Engine,
    api_key: Option<String>,
    operations: AtomicU64,
}

impl Shared {
    /// The result of a finished write.
    pub(crate) fn completed(&self) -> Value {
        let id = self.operations.fetch_add(1, Ordering::Relaxed);
        json!({"operation_id": id, "status": "completed"})
    }
}

/// Opens the storage, listens, and serves in the background.
///
/// # Errors
/// When the folder cannot be opened or the address cannot be listened on.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    let storage = settings.storage.clone();
    let engine = blocking(move || Engine::open(&storage))
        .await
        .map_err(|error| StartError::Storage(settings.storage.clone(), error.to_string()))?;
    let shared = Arc::new(Shared { engine, api_key: settings.api_key, operations: AtomicU64::new(0) });
    let kept = Arc::clone(&shared);
    let listen = |error| StartError::Listen(settings.address, error);
    let listener = TcpListener::bind(settings.address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, router(shared)).with_graceful_shutdown(async move {
        // A dropped sender means stop as much as a message does.
        drop(stopped.await);
    });
    #[expect(clippy::disallowed_methods, reason = "the handle is owned by Running, which ends the task")]
    let task = tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the server ended");
        }
    });
    Ok(Running { address, stop: Some(stop), task: Some(task), shared: kept })
}

/// Runs what blocks on a thread made for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Refusal::Internal(error.to_string())),
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let guarded = Router::new()
        .route("/collections", get(collections::list))
        .route("/collections/{name}", put(collections::create).get(collections::describe).delete(collections::remove))
        .route("/collections/{name}/exists", get(collections::exists))
        .route("/collections/{name}/index", put(collections::create_index))
        .route("/collections/{name}/points", put(points::upsert))
        .route("/collections/{name}/points/delete", post(points::delete))
        .route("/collections/{name}/points/query", post(points::query))
        .route("/collections/{name}/points/count", post(points::count))
        .route("/collections/{name}/points/scroll", post(points::scroll))
        .layer(from_fn_with_state(Arc::clone(&shared), require_key));
    Router::new()
        .route("/", get(about))
        .route("/healthz", get(async || "healthz check passed"))
        .route("/livez", get(async || "healthz check passed"))
        .route("/readyz", get(async || "all shards are ready"))
        .merge(guarded)
        .layer(from_fn(deadline))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(shared)
}

async fn about() -> Json<Value> {
    Json(json!({"title": "qdrant - vector search engine (stand-in for tests on qdrant-edge)", "version": "1.15.0"}))
}

async fn require_key(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match objection(shared.api_key.as_deref(), request.headers()) {
        None => next.run(request).await,
        Some(objection) => (StatusCode::UNAUTHORIZED, objection).into_response(),
    }
}

/// What is wrong with the key that a request brings, if anything.
fn objection(expected: Option<&str>, headers: &HeaderMap) -> Option<&'static str> {
    let expected = expected?;
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match header("api-key").or_else(|| header("authorization")?.strip_prefix("Bearer ")) {
        Some(key) if key == expected => None,
        Some(_) => Some("Invalid API key or JWT"),
        None => Some("Must provide an API key or an Authorization bearer token"),
    }
}

async fn deadline(request: Request, next: Next) -> Response {
    tokio::time::timeout(DEADLINE, next.run(request)).await.unwrap_or_else(|_| Refusal::Timeout.into_response())
}
