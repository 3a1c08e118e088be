//! What `/health` says, for the server and for the worker alike.
//!
//! Only PostgreSQL and its schema decide readiness: with anything else down the program still answers, less well, and
//! says so.

mod checks;
mod outage;
mod report;
pub mod server;
#[cfg(test)]
mod tests;
mod troubles;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

pub use report::{Overall, Report, Required, Schema, Service};

use crate::app::App;

/// What was found is shown to everyone who asks within this time: probes must not multiply checks.
const FRESH: Duration = Duration::from_secs(1);

/// What was found last.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    report: Kept<Report>,
    required: Kept<Required>,
    troubles: troubles::Troubles,
}

/// A finding and when it was made.
type Dated<T> = (Instant, Arc<T>);

/// Keeps a finding while it is fresh. Who asks while something is being found out waits for it, and asks nobody: a service
/// that hangs is not asked once for every probe. What finds out must have a deadline of its own.
#[derive(Clone, Debug)]
struct Kept<T>(Arc<Mutex<Option<Dated<T>>>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Kept<T> {
    async fn or_else(&self, find: impl Future<Output = T>) -> Arc<T> {
        let mut kept = self.0.lock().await;
        if let Some((at, finding)) = kept.as_ref()
            && at.elapsed() < FRESH
        {
            return Arc::clone(finding);
        }
        let finding = Arc::new(find.await);
        *kept = Some((Instant::now(), Arc::clone(&finding)));
        finding
    }
}

impl App {
    /// How the process and its services are, at most a second old.
    pub async fn health(&self) -> Arc<Report> {
        self.health.report.or_else(Box::pin(checks::run(self))).await
    }

    /// Whether traffic may come, else why not. It asks PostgreSQL alone: a probe must not wait for a service that is
    /// not required, or its outage would take every pod out of service.
    ///
    /// # Errors
    /// The reason, in words.
    pub async fn readiness(&self) -> Result<(), String> {
        if self.draining.has_begun() {
            return Err("the process is being stopped".to_owned());
        }
        self.health.required.or_else(checks::required(self)).await.readiness()
    }
}
