//! What handlers share.

use std::fmt;

use axum::extract::FromRef;

use super::live::Live;
use crate::app::App;

/// The App, and the last look at the database.
#[derive(Clone)]
pub struct Monitor {
    pub(super) app: App,
    pub(super) live: Live,
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Monitor")
    }
}

impl Monitor {
    /// A monitor of this App's database.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { live: Live::new(&app), app }
    }
}

impl FromRef<Monitor> for App {
    fn from_ref(monitor: &Monitor) -> Self {
        monitor.app.clone()
    }
}
