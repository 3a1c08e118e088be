//! The HTTP server and its life cycle.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::script::{Script, Stage};
use crate::{chat, embeddings};

const BODY_LIMIT: usize = 16 << 20;

/// Where to listen, and how long embeddings are.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Address to listen on; port 0 takes any free one.
    pub address: SocketAddr,
    /// Length of embedding vectors.
    pub dimensions: usize,
}

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {0}: {1}; free the port or set PORT")]
pub struct StartError(SocketAddr, std::io::Error);

/// A started server; it stops when this is dropped.
pub struct Running {
    /// The address it listens on.
    pub address: SocketAddr,
    stage: Arc<Stage>,
    task: JoinHandle<()>,
    _stop: oneshot::Sender<()>,
}

pub(crate) struct Shared {
    pub(crate) stage: Arc<Stage>,
    pub(crate) dimensions: usize,
}

impl Running {
    /// The base URL of the API: what LLM_BASE_URL is set to.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Puts a script in force.
    pub fn script(&self, script: Script) {
        self.stage.set(script);
    }

    /// The bodies received so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        self.stage.requests()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Connections that a script keeps silent would hold up a graceful end.
        self.task.abort();
    }
}

/// Listens and serves in the background.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    let stage = Arc::new(Stage::default());
    let shared = Arc::new(Shared { stage: Arc::clone(&stage), dimensions: settings.dimensions });
    let listen = |error| StartError(settings.address, error);
    let listener = TcpListener::bind(settings.address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, router(shared)).with_graceful_shutdown(async move {
        drop(stopped.await);
    });
    #[expect(clippy::disallowed_methods, reason = "the handle is owned by Running, which ends the task")]
    let task = tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the server ended");
        }
    });
    Ok(Running { address, stage, task, _stop: stop })
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat::completions))
        .route("/v1/embeddings", post(embeddings::embeddings))
        .route("/v1/models", get(chat::models))
        .route("/script", put(set_script))
        .route("/requests", get(requests).delete(forget))
        .route("/healthz", get(async || "ok"))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(shared)
}

async fn set_script(State(shared): State<Arc<Shared>>, Json(script): Json<Script>) -> StatusCode {
    shared.stage.set(script);
    StatusCode::NO_CONTENT
}

async fn requests(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.stage.requests()))
}

async fn forget(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.stage.forget();
    StatusCode::NO_CONTENT
}
