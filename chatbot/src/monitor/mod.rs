//! The task monitor: what workers do, did and cannot do, and what a person can do about it.
//!
//! ```text
//! router     every route; the server around it is the API's own
//! login      who somebody is, and what they may; session: the cookie that says so; visitor: who asks
//! refusal    what is not answered as asked, as a page or as a problem document
//! live       one look at the database for all who watch
//! overview   facts, put together for people; alarms and diagnosis: what is wrong, and the way out; all pure
//! actions    what a person may do, said and recorded
//! past       rates and latencies; latency: quantiles
//! redact     what looks like a secret is not shown
//! api        JSON under /api; pages: HTML, which needs no script to be read
//! ```
//!
//! It holds no state but its last look, so that any number of them may run beside each other.

mod actions;
pub mod alarms;
mod api;
mod assets;
pub mod diagnosis;
mod fields;
mod gauges;
pub mod latency;
mod live;
mod login;
pub mod overview;
mod pages;
mod past;
pub mod redact;
mod refusal;
mod router;
mod session;
mod state;
mod tasks;
mod visitor;

use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub use router::{openapi, router};
use state::Monitor;

use crate::{app::App, http::connections};

/// Serves until `stop` is cancelled, then finishes the requests in work.
pub async fn serve(app: App, listener: TcpListener, stop: CancellationToken) {
    let monitor = Monitor::new(app);
    // Ends with this function.
    let mut aside = JoinSet::new();
    aside.spawn(monitor.live.clone().keep_looking());
    connections::serve(listener, router(monitor), stop, connections::Limits::default()).await;
}
