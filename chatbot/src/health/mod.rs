//! What `/health` says, for the server and for the worker alike.
//!
//! Only PostgreSQL and its schema decide readiness: with anything else down the program still answers, less well, and
//! says so.

mod checks;
mod report;
pub mod server;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

pub use report::{Overall, Report, Schema, Service};

use crate::app::App;

/// A report is shown to everyone who asks within this time: probes must not multiply checks.
const FRESH: Duration = Duration::from_secs(1);

/// A report and when it was made.
type Dated = (Instant, Arc<Report>);

/// The last report.
#[derive(Clone, Debug, Default)]
pub struct Cache(Arc<Mutex<Option<Dated>>>);

impl Cache {
    fn fresh(&self) -> Option<Arc<Report>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, report)| Arc::clone(report))
    }

    fn keep(&self, report: &Arc<Report>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(report)));
    }
}

impl App {
    /// How the process and its services are, at most a second old.
    pub async fn health(&self) -> Arc<Report> {
        if let Some(report) = self.health.fresh() {
            return report;
        }
        let report = Arc::new(checks::run(self).await);
        self.health.keep(&report);
        report
    }

    /// Whether traffic may come, else why not.
    ///
    /// # Errors
    /// The reason, in words.
    pub async fn readiness(&self) -> Result<(), String> {
        if self.draining.has_begun() {
            return Err("the process is being stopped".to_owned());
        }
        self.health().await.readiness()
    }
}
