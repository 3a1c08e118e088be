//! Three environments, one set of services.

use std::time::Duration;

use e2e::environment::merge;
use e2e::{Cluster, Environment};
use serde_json::{Value, json};

/// Requests small enough that three tiers fit a two-core machine.
fn small() -> Value {
    let resources = json!({"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}});
    json!({"app": {"resources": resources}, "worker": {"replicas": 1, "resources": resources}})
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_stage_and_prod_answer_at_once_on_one_set_of_services() {
    let cluster = Cluster::get().await;
    let mut running = Vec::new();
    for (name, tier) in [("three-dev", "dev"), ("three-stage", "stage"), ("three-prod", "prod")] {
        let environment = Environment::prepare(&cluster, name).await;
        let mut change = small();
        merge(&mut change, json!({"tier": tier}));
        environment.apply(change).await;
        running.push(environment);
    }
    for environment in &running {
        environment.ready().await;
        environment.plugin(&["upload", "tests/fixtures/documents/backups.md", "--wait", "120s"]).await;
    }
    let answers = running.iter().map(|environment| environment.plugin(&["ask", "Who may read a backup?"]));
    for answer in futures::future::join_all(answers).await {
        assert!(answer.contains("backups.md"), "{answer}");
    }
    for environment in &running {
        environment.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_database_twice_is_refused_and_the_second_says_with_whom() {
    let cluster = Cluster::get().await;
    let first = Environment::prepare(&cluster, "owner").await;
    first.apply(json!({})).await;
    first.ready().await;
    let second = Environment::prepare(&cluster, "intruder").await;
    second.apply(json!({"resourcePrefix": "owner_"})).await;

    let message = second.says("Stalled", "True", "e2e-owner/owner").await;

    assert!(!message.contains("postgres"), "no connection string in {message}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    first.ready().await;
    second.remove().await;
    first.remove().await;
}
