//! Who reaches whom, tried with real connections: pods that wear the labels of the environment's own pods, and strangers.

use e2e::shell::{apply, kubectl, run};
use e2e::{Cluster, Environment, until};
use serde_json::{Value, json};

const FRIENDS: &str = "e2e-friends";
const STRANGERS: &str = "e2e-strangers";
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// From which pod (namespace/name) to which address, and whether that is let through.
fn table() -> Vec<(&'static str, &'static str, u16, bool)> {
    let (app, database, redis) =
        ("network.e2e-network.svc", "postgresql.chatbot-platform.svc", "redis.chatbot-platform.svc");
    vec![
        ("e2e-friends/friend", app, 80, true),
        ("e2e-strangers/stranger", app, 80, false),
        ("e2e-network/stranger", app, 80, false),
        ("e2e-network/as-app", database, 5432, true),
        ("e2e-network/as-app", redis, 6379, true),
        ("e2e-network/as-app", "qdrant.chatbot-platform.svc", 6333, true),
        ("e2e-network/as-app", "kubernetes.default.svc", 443, false),
        ("e2e-network/as-worker", database, 5432, true),
        ("e2e-network/as-worker", app, 80, false),
        ("e2e-network/as-migrate", database, 5432, true),
        ("e2e-network/as-migrate", redis, 6379, false),
        ("e2e-network/as-migrate", app, 80, false),
    ]
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
    pod(FRIENDS, "friend", None).await;
    pod(STRANGERS, "stranger", None).await;
    pod(&environment.namespace, "stranger", None).await;
    for component in ["app", "worker", "migrate"] {
        pod(&environment.namespace, &format!("as-{component}"), Some(component)).await;
    }

    for (from, host, port, expected) in table() {
        let reached = || connects(from, host, port);
        until(&format!("{from} → {host}:{port} = {expected}"), PATIENCE, reached, |seen| *seen == expected).await;
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

/// A pod that waits, with the labels of one of the environment's components; not ready, so that no Service sends it traffic.
async fn pod(namespace: &str, name: &str, component: Option<&str>) {
    let mut labels = json!({"e2e": name});
    if let Some(component) = component {
        labels["app.kubernetes.io/name"] = json!("chatbot");
        labels["app.kubernetes.io/instance"] = json!("network");
        labels["app.kubernetes.io/component"] = json!(component);
        labels["chatbot.platform/environment"] = json!("network");
    }
    apply(&manifest(namespace, name, &labels).to_string()).await;
    let phase =
        || async { kubectl(&["--namespace", namespace, "get", "pod", name, "-o", "jsonpath={.status.phase}"]).await };
    until(&format!("{namespace}/{name} runs"), PATIENCE, phase, |phase| phase == "Running").await;
}

fn manifest(namespace: &str, name: &str, labels: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "probe", "image": "localhost/toolbox:1", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"],
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
                "resources": {"requests": {"cpu": "5m", "memory": "8Mi"}},
            }],
        },
    })
}
