//! The pool of connections.

use std::time::Duration;

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::config::database::Database;

/// A statement that takes longer than this is cancelled by the server.
const STATEMENT_TIMEOUT: &str = "30s";

/// Shorter than a check's own deadline, so that the check can say what was wrong.
const CHECK_WAIT: Duration = Duration::from_secs(2);

/// A pool that connects when first used: a start never waits for the database.
#[must_use]
pub fn lazy(config: &Database, application: &str) -> PgPool {
    PgPoolOptions::new()
        .max_connections(config.pool_size)
        .acquire_timeout(config.acquire_timeout)
        .idle_timeout(Duration::from_mins(5))
        .max_lifetime(Duration::from_mins(30))
        .connect_lazy_with(with_limits(config.options.clone(), application))
}

/// One connection for health checks: they must not wait behind requests for their turn.
#[must_use]
pub fn for_checks(config: &Database, application: &str) -> PgPool {
    PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(CHECK_WAIT)
        .idle_timeout(Duration::from_mins(5))
        .max_lifetime(Duration::from_mins(30))
        .connect_lazy_with(with_limits(config.options.clone(), application))
}

fn with_limits(options: PgConnectOptions, application: &str) -> PgConnectOptions {
    options
        .application_name(application)
        .options([("statement_timeout", STATEMENT_TIMEOUT), ("idle_in_transaction_session_timeout", "60s")])
}
