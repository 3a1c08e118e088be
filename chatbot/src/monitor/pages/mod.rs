//! Pages: HTML that needs no script to be read, one page per file.
//!
//! Sections that change by themselves are made here for the page and for the stream alike; the script only puts them in place.

mod charts;
mod frame;
mod history;
mod login;
mod overview;
mod parts;
pub(super) mod refused;
mod schedules;
pub(super) mod sections;
mod task;
mod tasks;
mod workers;

use axum::Router;
use axum::routing::{get, post};

use super::state::Monitor;

/// Every page, and every form's way.
pub(super) fn routes() -> Router<Monitor> {
    Router::new()
        .route("/", get(overview::show))
        .route("/login", get(login::show).post(login::submit))
        .route("/logout", post(login::leave))
        .route("/workers", get(workers::show))
        .route("/tasks", get(tasks::show))
        .route("/tasks/retry", post(tasks::retry_all))
        .route("/tasks/{id}", get(task::show))
        .route("/tasks/{id}/{verb}", post(task::act))
        .route("/schedules", get(schedules::show))
        .route("/schedules/{name}/run", post(schedules::run))
        .route("/queues/{name}/{verb}", post(overview::pause))
        .route("/history", get(history::show))
}
