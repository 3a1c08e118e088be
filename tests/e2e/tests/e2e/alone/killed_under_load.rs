//! The operator is killed at every boundary of releases beside the active one while users ask: nobody notices, and no answer
//! that was given is lost.

use std::collections::BTreeSet;

use e2e::asker::Asker;
use e2e::environment::PATIENCE;
use e2e::node::Nodes;
use e2e::postgres::sql;
use e2e::{Cluster, Environment, operator, until};
use serde_json::Value;

use crate::beside::blue_green::want_within;

/// Longer than a busy machine takes for an answer: what fails here is not slow.
pub(super) const REQUEST_TIMEOUT: &str = "30";

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_an_operator_that_dies_at_every_boundary_of_a_release() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "boundary").await;
    want_within(&environment, "scripted", "10s", "Automatic", REQUEST_TIMEOUT).await;
    environment.ready().await;
    let nodes = Nodes::reach("boundary").await;
    let asker = Asker::start(&environment).await;

    want_within(&environment, "boundary-2", "10s", "Automatic", REQUEST_TIMEOUT).await;
    let killed = kill_at_every_boundary(&environment, &nodes, async |_| {}).await;
    assert!(["Backup", "Migrate", "Start", "Bake"].iter().all(|phase| killed.contains(*phase)), "{killed:?}");
    let status = environment.status().await;
    let good = status["release"]["id"].clone();
    assert_eq!((&status["history"][0]["id"], status["history"][0]["outcome"].as_str()), (&good, Some("Succeeded")));

    want_within(&environment, "boundary-3", "10m", "Automatic", REQUEST_TIMEOUT).await;
    let killed = kill_at_every_boundary(&environment, &nodes, async |phase| {
        if phase == "Bake" {
            environment.plugin(&["rollback"]).await;
        }
    })
    .await;
    assert!(killed.contains("Bake"), "{killed:?}");
    let status = environment.status().await;
    assert_eq!((&status["release"]["id"], status["history"][0]["outcome"].as_str()), (&good, Some("RolledBack")));

    let (answered, refused) = asker.said().await;
    assert!(answered > 10 && refused.is_empty(), "users noticed ({answered} answered): {refused:#?}");
    let kept: usize = sql("boundary_chatbot", "select count(*) from messages where role = 'assistant'")
        .await
        .parse()
        .expect("a number of messages");
    assert!(kept >= answered, "{answered} answers were given, and {kept} are kept");
    nodes.leave().await;
    environment.remove().await;
}

/// Kills every operator as soon as a phase is seen for the first time, until no release is under way; tells in which that was.
async fn kill_at_every_boundary(
    environment: &Environment,
    nodes: &Nodes,
    mut then: impl AsyncFnMut(&str),
) -> BTreeSet<String> {
    let mut killed = BTreeSet::new();
    loop {
        let is_news = |status: &Value| {
            let phase = phase_of(status);
            is_over(status) || (!phase.is_empty() && !killed.contains(phase))
        };
        let status = until("the release goes on", PATIENCE, || seen(environment), is_news).await;
        if is_over(&status) {
            return killed;
        }
        let phase = phase_of(&status).to_owned();
        operator::kill_all(nodes).await;
        then(&phase).await;
        killed.insert(phase);
    }
}

pub(super) async fn seen(environment: &Environment) -> Value {
    let whole = serde_json::to_value(environment.get().await).unwrap_or_default();
    let mut status = whole["status"].clone();
    status["wantedGeneration"] = whole["metadata"]["generation"].clone();
    status
}

pub(super) fn is_over(status: &Value) -> bool {
    status["observedGeneration"] == status["wantedGeneration"] && status["release"]["candidate"].is_null()
}

/// The step that has not ended.
pub(super) fn phase_of(status: &Value) -> &str {
    let open = status["release"]["steps"].as_array().and_then(|steps| steps.last());
    open.filter(|step| step["outcome"] == "Running").and_then(|step| step["name"].as_str()).unwrap_or_default()
}
