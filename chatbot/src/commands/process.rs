//! The runtime that commands run on.

use tokio::runtime::{Builder, Runtime};

use super::{CommandError, signals::Signals};
use crate::{
    config::{Config, DatabaseConfig, observability::Observability},
    telemetry,
};

/// A runtime with so many threads.
///
/// # Errors
/// The system refuses threads.
pub(super) fn runtime(threads: usize) -> Result<Runtime, CommandError> {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("chatbot")
        .enable_all()
        .build()
        .map_err(CommandError::Process)
}

/// Work that ends by itself, or where it stands on SIGTERM. The first process of a container that does not listen is
/// left alone by the signal, and its pod ends only when it is killed.
///
/// # Errors
/// Those of the work; that it was interrupted.
pub(super) async fn interruptible<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, CommandError>
where
    CommandError: From<E>,
{
    let mut signals = Signals::listen().map_err(CommandError::Process)?;
    tokio::select! {
        ended = work => Ok(ended?),
        () = signals.received() => Err(CommandError::Interrupted),
    }
}

/// Logs and traces of a long-running process. The first line says what is set in vain.
pub(super) fn telemetry(config: &Config, service: &'static str) -> Result<telemetry::Guard, CommandError> {
    let guard = telemetry::init(&config.observability, service, &config.environment.release_id)?;
    let unused = config.unused();
    if !unused.is_empty() {
        tracing::warn!(variables = unused.join(", "), "these are set, and have no effect in this version");
    }
    Ok(guard)
}

/// Logs of a command: progress is shown whatever the tier's level for servers.
pub(super) fn progress(config: &DatabaseConfig) -> Result<telemetry::Guard, CommandError> {
    Ok(telemetry::init(&verbose(&config.observability), "chatbot", &config.environment.release_id)?)
}

/// At least INFO: a Job that takes its time says what it is doing.
pub(super) fn verbose(config: &Observability) -> Observability {
    let log_level = config.log_level.max(tracing::level_filters::LevelFilter::INFO);
    Observability { log_level, otlp_endpoint: None, ..config.clone() }
}
