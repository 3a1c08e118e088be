//! Who reaches whom, tried with real connections: pods that wear the labels of those they stand for, and strangers.

use e2e::cluster::{OPERATOR_NAMESPACE, SERVICES_NAMESPACE};
use e2e::shell::{apply, kubectl, run};
use e2e::toolbox::{self, IDLE};
use e2e::{Cluster, Environment, until};
use serde_json::{Value, json};

const FRIENDS: &str = "e2e-friends";
const STRANGERS: &str = "e2e-strangers";
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// From which pod (namespace/name) to which address, and whether that is let through.
fn table() -> Vec<(&'static str, &'static str, u16, bool)> {
    let (app, database, redis) =
        ("network.e2e-network.svc", "postgresql.chatbot-platform.svc", "redis.chatbot-platform.svc");
    let (mail, monitor) = ("smtp.chatbot-platform.svc", "network-monitor.e2e-network.svc");
    vec![
        ("e2e-friends/friend", app, 80, true),
        ("e2e-strangers/stranger", app, 80, false),
        ("e2e-strangers/as-app-of-another", app, 80, false),
        ("e2e-network/stranger", app, 80, false),
        // Health and metrics are on the port of the app itself.
        ("chatbot-system/as-operator", app, 80, true),
        ("chatbot-system/stranger", app, 80, false),
        ("chatbot-platform/as-prometheus", app, 80, true),
        ("chatbot-platform/stranger", app, 80, false),
        ("e2e-strangers/as-prometheus", app, 80, false),
        ("e2e-network/as-app", database, 5432, true),
        ("e2e-network/as-app", redis, 6379, true),
        ("e2e-network/as-app", "qdrant.chatbot-platform.svc", 6333, true),
        ("e2e-network/as-app", "s3.chatbot-platform.svc", 7070, true),
        ("e2e-network/as-app", "model.chatbot-platform.svc", 8080, true),
        ("e2e-network/as-app", "kubernetes.default.svc", 443, false),
        // No variable names a mail server, which is there for others.
        ("e2e-strangers/stranger", mail, 1025, true),
        ("e2e-network/as-app", mail, 1025, false),
        ("e2e-network/as-worker", database, 5432, true),
        ("e2e-network/as-worker", app, 80, false),
        ("e2e-network/as-worker", mail, 1025, false),
        ("e2e-friends/friend", monitor, 5555, true),
        ("chatbot-platform/as-prometheus", monitor, 5555, true),
        ("e2e-strangers/stranger", monitor, 5555, false),
        ("e2e-network/as-app", monitor, 5555, false),
        ("e2e-network/as-monitor", database, 5432, true),
        ("e2e-network/as-monitor", redis, 6379, true),
        ("e2e-network/as-monitor", "qdrant.chatbot-platform.svc", 6333, false),
        ("e2e-network/as-monitor", "model.chatbot-platform.svc", 8080, false),
        ("e2e-network/as-migrate", database, 5432, true),
        ("e2e-network/as-migrate", redis, 6379, false),
        ("e2e-network/as-migrate", app, 80, false),
    ]
}

/// The labels that each pod of the table wears.
fn pods() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (FRIENDS, "friend", json!({})),
        (STRANGERS, "stranger", json!({})),
        (STRANGERS, "as-app-of-another", component("another", "app")),
        (STRANGERS, "as-prometheus", json!({"app.kubernetes.io/name": "prometheus"})),
        (OPERATOR_NAMESPACE, "stranger", json!({})),
        (OPERATOR_NAMESPACE, "as-operator", json!({"app.kubernetes.io/name": "chatbot-operator"})),
        (SERVICES_NAMESPACE, "stranger", json!({})),
        (SERVICES_NAMESPACE, "as-prometheus", json!({"app.kubernetes.io/name": "prometheus"})),
        ("e2e-network", "stranger", json!({})),
        ("e2e-network", "as-app", component("network", "app")),
        ("e2e-network", "as-worker", component("network", "worker")),
        ("e2e-network", "as-monitor", component("network", "monitor")),
        ("e2e-network", "as-migrate", component("network", "migrate")),
    ]
}

fn component(environment: &str, component: &str) -> Value {
    json!({
        "app.kubernetes.io/name": "chatbot", "app.kubernetes.io/instance": environment,
        "app.kubernetes.io/component": component, "chatbot.platform/environment": environment,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_reach_the_app_and_its_services_who_are_meant_to() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "network").await;
    let friends = json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": FRIENDS}}}]);
    environment.apply(json!({"network": {"allowFrom": friends}})).await;
    environment.ready().await;
    for namespace in [FRIENDS, STRANGERS] {
        apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}).to_string()).await;
    }
    for (namespace, name, labels) in pods() {
        toolbox::pod(namespace, name, &labels, IDLE).await;
    }

    for (from, host, port, expected) in table() {
        let reached = || connects(from, host, port);
        until(&format!("{from} → {host}:{port} = {expected}"), PATIENCE, reached, |seen| *seen == expected).await;
    }
    for (namespace, name, _) in pods() {
        kubectl(&["--namespace", namespace, "delete", "pod", name, "--wait=false"]).await;
    }
    for namespace in [FRIENDS, STRANGERS] {
        kubectl(&["delete", "namespace", namespace, "--wait=false"]).await;
    }
    environment.remove().await;
}

/// Whether a TCP connection is accepted, tried from inside the pod.
async fn connects(from: &str, host: &str, port: u16) -> bool {
    let (namespace, name) = from.split_once('/').unwrap();
    let try_it = format!("nc -w 3 {host} {port} </dev/null");
    let args = ["--namespace", namespace, "exec", name, "--", "sh", "-c", &try_it];
    run("kubectl", &args, "").await.success
}
