//! `chatbot serve`: the HTTP API.
//!
//! Stopping: SIGTERM → /health/ready says no, requests are still taken for DRAIN_DELAY, until every load balancer knows →
//! no new connections, requests in work are finished → the end. A second signal ends it at once.

use std::{process::ExitCode, time::Duration};

use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{CommandError, process, signals::Signals};
use crate::{app::App, config::Config, http};

/// Requests in work get at most this long after the last accepted one, beyond their own deadline.
const GRACE: Duration = Duration::from_secs(5);
/// What an answer takes beside the model: the search before it, keeping it afterwards.
const AROUND_THE_MODEL: Duration = Duration::from_secs(15);

pub(super) fn run(env: impl Fn(&str) -> Option<String>) -> Result<ExitCode, CommandError> {
    let config = Config::from_env(env)?;
    process::runtime(config.server.threads)?.block_on(async {
        let guard = process::telemetry(&config, "chatbot-app")?;
        let result = serve(App::new(config, "chatbot-app")?).await;
        drop(guard);
        result.map(|()| ExitCode::SUCCESS)
    })
}

async fn serve(app: App) -> Result<(), CommandError> {
    let mut signals = Signals::listen().map_err(CommandError::Process)?;
    let address = app.config.server.address;
    let listener =
        TcpListener::bind(address).await.map_err(|source| CommandError::Listen { address, port: "PORT", source })?;
    tracing::info!(%address, release = app.config.environment.release_id, "listening");
    let stop = CancellationToken::new();
    let serving = http::serve(app.clone(), listener, stop.clone());
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => return Ok(()),
        () = signals.received() => app.draining.begin(),
    }
    tokio::select! {
        () = &mut serving => return Ok(()),
        () = tokio::time::sleep(app.config.server.drain_delay) => stop.cancel(),
        () = signals.received() => return Ok(()),
    }
    finish(&app, serving, &mut signals).await;
    Ok(())
}

async fn finish(app: &App, serving: impl Future<Output = ()>, signals: &mut Signals) {
    let limit = longest(&app.config) + GRACE;
    tokio::select! {
        ended = timeout(limit, serving) => {
            if ended.is_err() {
                tracing::warn!(seconds = limit.as_secs(), "requests that were still in work are cut off");
            }
        }
        () = signals.received() => {}
    }
}

/// How long a request that was accepted last can still take; the deadline of requests does not end streams.
fn longest(config: &Config) -> Duration {
    config.server.request_timeout.max(config.llm.timeout + AROUND_THE_MODEL)
}
