//! `chatbot monitor`: the task monitor, on MONITOR_PORT.
//!
//! It takes no part in any job: it can be stopped and started at will, and several may run.

use std::{process::ExitCode, time::Duration};

use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{CommandError, process, signals::Signals};
use crate::{
    app::App,
    config::{Config, embedding::Embedding},
    monitor,
};

/// Requests in work get at most this long after the signal.
const GRACE: Duration = Duration::from_secs(10);

pub(super) fn run(env: impl Fn(&str) -> Option<String>) -> Result<ExitCode, CommandError> {
    // It embeds nothing: the model would be memory for nothing.
    let config = Config { embedding: Embedding::None, ..Config::from_env(env)? };
    process::runtime(config.server.threads)?.block_on(async {
        let guard = process::telemetry(&config, "chatbot-monitor")?;
        let result = Box::pin(serve(App::new(config, "chatbot-monitor")?)).await;
        drop(guard);
        result.map(|()| ExitCode::SUCCESS)
    })
}

async fn serve(app: App) -> Result<(), CommandError> {
    let mut signals = Signals::listen().map_err(CommandError::Process)?;
    let (address, port) = (app.config.server.monitor_address, "MONITOR_PORT");
    let listener = TcpListener::bind(address).await.map_err(|source| CommandError::Listen { address, port, source })?;
    tracing::info!(%address, release = app.config.environment.release_id, "the task monitor listens");
    let stop = CancellationToken::new();
    let serving = monitor::serve(app.clone(), listener, stop.clone());
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => return Ok(()),
        () = signals.received() => app.draining.begin(),
    }
    stop.cancel();
    tokio::select! {
        ended = timeout(GRACE, serving) => {
            if ended.is_err() {
                tracing::warn!("requests that were still in work are cut off");
            }
        }
        () = signals.received() => {}
    }
    Ok(())
}
