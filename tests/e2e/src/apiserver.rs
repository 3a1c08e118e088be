//! The API server of a cluster whose processes are this machine's own (tests/cluster).

use std::time::Duration;

use crate::shell::{must, run};
use crate::until;

/// A stopped process is slow for a moment when it goes on.
const PATIENCE: Duration = Duration::from_secs(120);

/// Holds the API server up for as long: connections stay open, and nobody gets an answer.
///
/// # Panics
/// When there is none of the cluster `CHAOS_CLUSTER`.
pub async fn away_for(time: Duration) {
    let number = std::env::var("CHAOS_CLUSTER").expect("CHAOS_CLUSTER is the number of a cluster of tests/cluster");
    let process = format!("^kube-apiserver .*/chatbot-cluster/{number}/");
    must("pkill", &["-STOP", "-f", &process], "").await;
    tokio::time::sleep(time).await;
    must("pkill", &["-CONT", "-f", &process], "").await;
    let ready = async || run("kubectl", &["get", "--raw", "/readyz"], "").await.success;
    until("the API server is back", PATIENCE, ready, |ready| *ready).await;
}
