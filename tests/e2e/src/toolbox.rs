//! Pods with a shell and the usual small programs, inside the cluster: the product's own images have none.

use std::time::Duration;

use serde_json::{Value, json};

use crate::shell::{apply, kubectl};
use crate::until;

const PATIENCE: Duration = Duration::from_secs(60);
/// A pod that only waits for commands.
pub const IDLE: &str = "sleep 3600";

/// Starts a pod with these labels that runs `script`, and waits until it does.
pub async fn pod(namespace: &str, name: &str, labels: &Value, script: &str) {
    start(namespace, name, &manifest(namespace, name, labels, script)).await;
}

/// Makes the pod `name` of this manifest, and waits until it runs.
pub(crate) async fn start(namespace: &str, name: &str, manifest: &Value) {
    apply(&manifest.to_string()).await;
    let phase =
        || async { kubectl(&["--namespace", namespace, "get", "pod", name, "-o", "jsonpath={.status.phase}"]).await };
    until(&format!("{namespace}/{name} runs"), PATIENCE, phase, |phase| phase == "Running").await;
}

fn manifest(namespace: &str, name: &str, labels: &Value, script: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 0, "restartPolicy": "Never",
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "toolbox", "image": "localhost/toolbox:1", "imagePullPolicy": "IfNotPresent",
                "command": ["sh", "-c", script],
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
                "resources": {"requests": {"cpu": "5m", "memory": "8Mi"}},
            }],
        },
    })
}
