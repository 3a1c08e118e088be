//! `chatbot worker`: background jobs, with /health* and /metrics on PORT.

use std::{process::ExitCode, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{CommandError, process, signals::Signals};
use crate::{app::App, config::Config, health, jobs::runner};

/// How often a worker looks whether the schema is there.
const SCHEMA_POLL: Duration = Duration::from_secs(2);

pub(super) fn run(env: impl Fn(&str) -> Option<String>) -> Result<ExitCode, CommandError> {
    let config = Config::from_env(env)?;
    process::runtime(config.server.threads)?.block_on(async {
        let guard = process::telemetry(&config, "chatbot-worker")?;
        let result = Box::pin(work(App::new(config, "chatbot-worker")?)).await;
        drop(guard);
        result.map(|()| ExitCode::SUCCESS)
    })
}

async fn work(app: App) -> Result<(), CommandError> {
    let mut signals = Signals::listen().map_err(CommandError::Process)?;
    let address = app.config.server.address;
    let listener =
        TcpListener::bind(address).await.map_err(|source| CommandError::Listen { address, port: "PORT", source })?;
    let stop = CancellationToken::new();
    let working = schema_then_jobs(&app, stop.clone());
    tokio::pin!(working);
    let serving = health::server::serve(app.clone(), listener);
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut working => return ended,
        () = &mut serving => return Ok(()),
        () = signals.received() => {
            app.draining.begin();
            stop.cancel();
        }
    }
    tokio::select! {
        ended = &mut working => ended,
        () = &mut serving => Ok(()),
        () = signals.received() => Ok(()),
    }
}

/// A worker that is started before the schema is there waits for it.
async fn schema_then_jobs(app: &App, stop: CancellationToken) -> Result<(), CommandError> {
    while let Err(reason) = app.readiness().await {
        if stop.is_cancelled() {
            return Ok(());
        }
        tracing::warn!(reason, "not working yet");
        tokio::time::sleep(SCHEMA_POLL).await;
    }
    Ok(runner::run(app, stop).await?)
}
