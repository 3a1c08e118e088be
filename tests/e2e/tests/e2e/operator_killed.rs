//! The operator is killed at each step of a rolling release, and the release still ends where it should.

use e2e::environment::PATIENCE;
use e2e::shell::kubectl;
use e2e::{Cluster, Environment, until};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_release_resumes_wherever_the_operator_was_killed() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "killed").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    for step in ["Migrate", "Start", "Check", "Switch", "Finish"] {
        let before = environment.status().await["release"]["id"].clone();
        environment.apply(json!({"settings": {"LLM_MODEL": format!("killed-at-{step}")}})).await;
        let reached = |status: &Value| has_reached(status, step, &before);
        until(&format!("{step} is reached"), PATIENCE, || environment.status(), reached).await;
        kill_operator().await;
        let finished = |status: &Value| status["release"]["id"] != before && status["release"]["phase"] == "Stable";
        let status =
            until(&format!("finished after a kill at {step}"), PATIENCE, || environment.status(), finished).await;
        assert_eq!(status["failedReleases"].as_array().map_or(0, Vec::len), 0, "no release failed: {status:#}");
        environment.ready().await;
    }
    environment.remove().await;
}

/// Steps are short: one that has passed counts as reached.
fn has_reached(status: &Value, step: &str, before: &Value) -> bool {
    let steps = status["release"]["steps"].as_array().cloned().unwrap_or_default();
    let of_candidate = status["release"]["candidate"]["id"].is_string() || status["release"]["id"] != *before;
    of_candidate && steps.iter().any(|entry| entry["name"] == step)
}

async fn kill_operator() {
    let selector = "app.kubernetes.io/name=chatbot-operator";
    kubectl(&[
        "--namespace",
        "chatbot-system",
        "delete",
        "pods",
        "-l",
        selector,
        "--grace-period=0",
        "--force",
        "--wait=false",
    ])
    .await;
}
