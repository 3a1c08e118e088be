//! The scripted upstream of the cluster: what a model answers from now on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::SERVICES_NAMESPACE;
use crate::forward::Forward;

/// Makes a model do these steps, one per request, the last one again and again; none brings back its usual answers.
///
/// # Panics
/// When the upstream does not take the script.
pub async fn play(model: &str, steps: &[Value]) {
    let forward = Forward::open(SERVICES_NAMESPACE, "service/upstream", 8080).await;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).no_proxy().build().expect("a client");
    let script = json!({"model": model, "steps": steps});
    let answer =
        client.put(format!("{}/script", forward.url)).json(&script).send().await.expect("the upstream answers");
    assert!(answer.status().is_success(), "the upstream refuses {script}: {}", answer.status());
}
