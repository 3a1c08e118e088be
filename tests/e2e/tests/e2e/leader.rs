//! Two operators stand ready, one of them works: when it dies, the other goes on.

use e2e::environment::PATIENCE;
use e2e::shell::kubectl;
use e2e::{Cluster, Environment, operator, until};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn when_the_leader_is_killed_another_takes_over_and_acts() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "leader").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    let leads = |leader: &(String, Vec<String>)| leader.1.len() == 2 && leader.1.contains(&leader.0);
    let both = || async { (operator::leader().await, operator::pods().await) };
    let (killed, _) = until("one of two operators leads", PATIENCE, both, leads).await;

    operator::kill(std::slice::from_ref(&killed)).await;
    environment.apply(json!({"app": {"replicas": 2}})).await;

    // Which one is a race between the standby and the pod that takes the place of the killed one.
    let (_, running) = until("another one leads", PATIENCE, both, |now| leads(now) && now.0 != killed).await;
    assert!(!running.contains(&killed), "{running:?}");
    let replicas = ["get", "deployment", "leader-app-blue", "-o", "jsonpath={.spec.replicas}"];
    let args = [&["--namespace", environment.namespace.as_str()][..], &replicas].concat();
    until("the change is acted on", PATIENCE, || kubectl(&args), |replicas| replicas == "2").await;
    environment.ready().await;
    environment.remove().await;
}
