//! Waits for something to become true: reads are retried, since a cluster is told of changes a moment later.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Calls `read` every half second until `holds` accepts what it returned, and returns that.
///
/// # Panics
/// With what was awaited and the last thing seen, when `within` has passed.
pub async fn until<T, F>(what: &str, within: Duration, mut read: impl FnMut() -> F, holds: impl Fn(&T) -> bool) -> T
where
    T: Debug,
    F: Future<Output = T>,
{
    let began = Instant::now();
    loop {
        let seen = read().await;
        if holds(&seen) {
            return seen;
        }
        assert!(began.elapsed() < within, "not within {within:?}: {what}; last seen: {seen:#?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
