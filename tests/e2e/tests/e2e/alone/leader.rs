//! Two operators stand ready, one of them works: when it dies, the other goes on.

use e2e::asker::Asker;
use e2e::cluster::OPERATOR_NAMESPACE;
use e2e::environment::PATIENCE;
use e2e::node::Nodes;
use e2e::shell::kubectl;
use e2e::{Cluster, Environment, operator, until};
use serde_json::{Value, json};

use crate::beside::blue_green::{phase, traffic};

#[tokio::test(flavor = "multi_thread")]
async fn when_the_leader_is_killed_another_takes_over_and_acts() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "leader").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    let nodes = Nodes::reach("leader").await;
    let leads = |leader: &(String, Vec<String>)| leader.1.len() == 2 && leader.1.contains(&leader.0);
    let both = || async { (operator::leader().await, operator::pods().await) };
    let (killed, _) = until("one of two operators leads", PATIENCE, both, leads).await;

    operator::kill(&nodes, std::slice::from_ref(&killed)).await;
    environment.apply(json!({"app": {"replicas": 2}})).await;

    // Which one is a race between the standby and the pod that takes the place of the killed one.
    let (_, running) = until("another one leads", PATIENCE, both, |now| leads(now) && now.0 != killed).await;
    assert!(!running.contains(&killed), "{running:?}");
    let replicas = ["get", "deployment", "leader-app-blue", "-o", "jsonpath={.spec.replicas}"];
    let args = [&["--namespace", environment.namespace.as_str()][..], &replicas].concat();
    until("the change is acted on", PATIENCE, || kubectl(&args), |replicas| replicas == "2").await;
    environment.ready().await;
    nodes.leave().await;
    environment.remove().await;
}

/// The worst that can happen to a Lease: its holder stands still while it moves the traffic, another one takes over and moves it
/// back, and then the first one wakes up and believes that it still leads.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_stood_still_while_another_took_over_in_mid_switch_changes_nothing() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "frozen").await;
    want(&environment, "scripted", &Value::Null).await;
    environment.ready().await;
    let before = environment.status().await["release"]["id"].clone();
    let both = || async { (operator::leader().await, operator::pods().await) };
    let leads = |now: &(String, Vec<String>)| now.1.len() == 2 && now.1.contains(&now.0);
    let (frozen, _) = until("one of two operators leads", PATIENCE, both, leads).await;
    let nodes = Nodes::reach("frozen").await;
    let asker = Asker::start(&environment).await;

    // Workers that no node takes: the switch does not end.
    let too_large = json!({"requests": {"cpu": "100", "memory": "128Mi"}, "limits": {"cpu": "100", "memory": "512Mi"}});
    want(&environment, "frozen-2", &too_large).await;
    phase(&environment, "Switch").await;
    until("the traffic is moved", PATIENCE, || traffic(&environment), |colour| colour == "green").await;
    // Sooner than the kubelet calls it dead.
    let processes = nodes.freeze(std::slice::from_ref(&frozen)).await;
    environment.plugin(&["rollback"]).await;
    until("the other one moves the traffic back", PATIENCE, || traffic(&environment), |colour| colour == "blue").await;
    let moved_back = version_of_service(&environment).await;
    let restarted = restarts(&frozen).await;
    nodes.thaw(&processes).await;
    until("the one that woke up is gone", PATIENCE, || restarts(&frozen), |now| *now > restarted).await;
    let last_words = kubectl(&["--namespace", OPERATOR_NAMESPACE, "logs", "--previous", &frozen, "--tail=5"]).await;
    assert!(last_words.contains("lost the Lease"), "it ended itself: {last_words}");

    // The workers of the release before find no place either, until the spec is mended.
    want(&environment, "frozen-2", &Value::Null).await;
    phase(&environment, "Stable").await;
    assert_eq!((traffic(&environment).await.as_str(), version_of_service(&environment).await), ("blue", moved_back));
    assert_ne!(operator::leader().await, frozen);
    assert_eq!(environment.status().await["release"]["id"], before);
    let (answered, refused) = asker.said().await;
    assert!(answered > 10 && refused.is_empty(), "users noticed ({answered} answered): {refused:#?}");
    nodes.leave().await;
    environment.remove().await;
}

async fn want(environment: &Environment, model: &str, workers: &Value) {
    let own_namespace = json!({"matchLabels": {"kubernetes.io/metadata.name": environment.namespace}});
    let settings = json!({"LLM_MODEL": model, "REQUEST_TIMEOUT": "30", "RATE_LIMIT_PER_MINUTE": "1000000"});
    environment
        .apply(json!({
            "release": {"strategy": "BlueGreen", "bake": "10m", "checkTimeout": "15m"}, "settings": settings,
            "network": {"allowFrom": [{"namespaceSelector": own_namespace}]}, "worker": {"resources": workers},
        }))
        .await;
}

/// Any write, even one that is undone at once, makes another version.
async fn version_of_service(environment: &Environment) -> String {
    let version = "jsonpath={.metadata.resourceVersion}";
    kubectl(&["--namespace", &environment.namespace, "get", "service", &environment.name, "-o", version]).await
}

async fn restarts(pod: &str) -> usize {
    let count = "jsonpath={.status.containerStatuses[0].restartCount}";
    let count = kubectl(&["--namespace", OPERATOR_NAMESPACE, "get", "pod", pod, "-o", count]).await;
    count.parse().expect("a number of restarts")
}
