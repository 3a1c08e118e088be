//! What every worker looks after beside its jobs, and one of them does: schedules that are due, and the history of jobs.

use std::time::Duration;

use crate::{app::App, store::jobs::history};

use super::schedule;

/// Between two looks: no schedule is finer than a minute.
const INTERVAL: Duration = Duration::from_secs(10);

/// Looks for ever. What fails is tried again with the next look.
pub(super) async fn run(app: App) {
    declare(&app).await;
    loop {
        tokio::time::sleep(INTERVAL).await;
        look(&app).await;
    }
}

/// A schedule that is not known is not due: it is tried until it is.
async fn declare(app: &App) {
    while let Err(error) = schedule::declare(&app.db, app.clock.now()).await {
        tracing::warn!(%error, "schedules could not be made known");
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn look(app: &App) {
    match schedule::tick(&app.db, &app.queue, app.clock.now()).await {
        Ok(0) => {}
        Ok(jobs) => tracing::info!(jobs, "scheduled jobs are due"),
        Err(error) => tracing::warn!(%error, "whether schedules are due could not be seen"),
    }
    if let Err(error) = history::write(&app.db).await {
        tracing::warn!(%error, "the history of jobs could not be written; the next look makes up for it");
    }
}
