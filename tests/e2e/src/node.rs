//! Processes of pods, reached from their node.

use serde_json::json;

use crate::shell::kubectl;
use crate::toolbox;

/// Where a pod may see all of its node.
const NAMESPACE: &str = "kube-system";

/// Whoever may send signals to a pod's processes.
pub struct Node {
    pod: String,
    helper: String,
}

impl Node {
    /// The node on which this pod runs.
    pub async fn of(namespace: &str, pod: &str) -> Self {
        let node = kubectl(&["--namespace", namespace, "get", "pod", pod, "-o", "jsonpath={.spec.nodeName}"]).await;
        let helper = format!("e2e-of-{pod}");
        let manifest = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": helper, "namespace": NAMESPACE},
            "spec": {
                "nodeName": node, "hostPID": true, "terminationGracePeriodSeconds": 0, "restartPolicy": "Never",
                "containers": [{
                    "name": "toolbox", "image": "localhost/toolbox:1", "imagePullPolicy": "IfNotPresent",
                    "command": ["sleep", "3600"], "securityContext": {"privileged": true, "runAsUser": 0},
                }],
            },
        });
        toolbox::start(NAMESPACE, &helper, &manifest).await;
        Self { pod: pod.to_owned(), helper }
    }

    /// The pod's processes stand still: they keep their connections, and do not know how long it lasts.
    pub async fn freeze(&self) {
        self.signal("STOP").await;
    }

    /// They go on.
    pub async fn thaw(&self) {
        self.signal("CONT").await;
    }

    /// Ends the help.
    pub async fn leave(&self) {
        kubectl(&["--namespace", NAMESPACE, "delete", "pod", &self.helper, "--ignore-not-found", "--wait=false"]).await;
    }

    /// Processes are known by the host name that their container was given.
    async fn signal(&self, name: &str) {
        let script = format!(
            "found=1; for one in /proc/[0-9]*; do
               if tr '\\0' '\\n' 2>/dev/null <$one/environ | grep -qx HOSTNAME={}; then kill -{name} ${{one#/proc/}} && found=0; fi
             done; exit $found",
            self.pod
        );
        kubectl(&["--namespace", NAMESPACE, "exec", &self.helper, "--", "sh", "-c", &script]).await;
    }
}
