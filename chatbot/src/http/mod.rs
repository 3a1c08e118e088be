//! The HTTP API: routes, the middleware stack, problems. Handlers may call `chat` and `store`, never the workers of
//! `jobs`.
//!
//! ```text
//! router      every route, and the OpenAPI document made of them
//! layers      the whole middleware stack, outermost first; bodies: their memory
//! connections accepting and ending them
//! problem     RFC 9457: one enum of what can go wrong, and its status
//! extract     who is calling, JSON bodies, queries, pages
//! v1          /api/v1, one endpoint per file
//! openai      /v1, the OpenAI API, one endpoint per file
//! operations  /health, /metrics; rehearsal: a question of the operator's
//! ```

mod bodies;
pub(crate) mod connections;
mod extract;
pub(crate) mod layers;
mod openai;
mod operations;
pub mod problem;
mod rehearsal;
mod router;
mod state;
#[cfg(test)]
mod tests;
mod v1;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;

pub(crate) use extract::client;
pub use router::{openapi, router};

/// Serves until `stop` is cancelled, then finishes the requests in work and keeps the answers that were being made.
pub async fn serve(app: App, listener: TcpListener, stop: CancellationToken) {
    let answers = TaskTracker::new();
    let router = router(app, answers.clone());
    connections::serve(listener, router, stop, connections::Limits::default()).await;
    answers.close();
    answers.wait().await;
}
