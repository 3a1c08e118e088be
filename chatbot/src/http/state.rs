//! What handlers share.

use axum::extract::FromRef;
use tokio_util::task::TaskTracker;

use super::v1::Live;
use crate::app::App;
use crate::retrieval::Searcher;

/// The App, and the answers in the making: they outlive a client that goes away, and the process waits for them.
#[derive(Clone)]
pub(super) struct Http {
    pub(super) app: App,
    pub(super) searcher: Searcher,
    pub(super) answers: TaskTracker,
    pub(super) live: Live,
}

impl Http {
    pub(super) fn new(app: App, answers: TaskTracker) -> Self {
        let searcher = Searcher::new(app.qdrant.clone(), app.embedder.clone());
        Self { app, searcher, answers, live: Live::default() }
    }
}

impl FromRef<Http> for App {
    fn from_ref(http: &Http) -> Self {
        http.app.clone()
    }
}
