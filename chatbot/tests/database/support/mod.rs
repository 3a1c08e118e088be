//! A database, an App and the services around it.

mod app;
pub(crate) mod files;
mod postgres;
mod process;
mod qdrant;
mod redis;
mod s3;

pub(crate) use app::{app, app_with, document, user, variables, with};
pub(crate) use postgres::{Database, beside, empty, migrated, migration_labels, newest_version, rows, server_url};
pub(crate) use process::{Output, Process, refusal, run, run_with_input, stand_in, start};
pub(crate) use qdrant::{accept, failing, forgiving, slow};
pub(crate) use redis::{Redis, redis};
pub(crate) use s3::{S3, s3};

/// Waits until `condition` holds, at most half a minute; says what it waited for when it does not.
pub(crate) async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..300 {
        if let Some(value) = condition().await {
            return value;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("waited in vain for {what}");
}
