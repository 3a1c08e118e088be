//! Processes of pods, reached from their nodes.

use serde_json::{Value, json};

use crate::shell::kubectl;
use crate::toolbox;

/// Where a pod may see all of its node.
const NAMESPACE: &str = "kube-system";

/// Whoever may send signals to the processes of any pod, on every node. It is there before it is needed: what takes a moment longer
/// strikes another moment than the one that was meant.
pub struct Nodes {
    helpers: Vec<String>,
}

/// A process of a pod, as its node knows it.
pub struct Process {
    helper: String,
    number: String,
}

impl Nodes {
    /// Helpers for the test of this name, one on each node.
    pub async fn reach(test: &str) -> Self {
        let nodes = kubectl(&["get", "nodes", "-o", "jsonpath={.items[*].metadata.name}"]).await;
        let mut helpers = Vec::new();
        for (number, node) in nodes.split_whitespace().enumerate() {
            let helper = format!("e2e-{test}-{number}");
            // One that an earlier run left there may be about to end.
            kubectl(&["--namespace", NAMESPACE, "delete", "pod", &helper, "--ignore-not-found"]).await;
            toolbox::start(NAMESPACE, &helper, &manifest(&helper, node)).await;
            helpers.push(helper);
        }
        Self { helpers }
    }

    /// The pods' processes stand still: they keep their connections, and do not know how long it lasts.
    ///
    /// # Panics
    /// When there is none.
    pub async fn freeze(&self, pods: &[String]) -> Vec<Process> {
        let mut frozen = Vec::new();
        for helper in &self.helpers {
            let said = run(helper, &freezing(pods)).await;
            let numbers = said.split_whitespace().map(str::to_owned);
            frozen.extend(numbers.map(|number| Process { helper: helper.clone(), number }));
        }
        assert!(!frozen.is_empty(), "no process of {pods:?} was found");
        frozen
    }

    /// They go on.
    pub async fn thaw(&self, processes: &[Process]) {
        self.signal("CONT", processes).await;
    }

    /// They are gone, without a moment for last words. Those that are gone already are no failure.
    pub async fn kill(&self, processes: &[Process]) {
        self.signal("KILL", processes).await;
    }

    /// Runs a script among the files of a pod's first process, although its image has no shell.
    ///
    /// # Panics
    /// When there is no such pod.
    pub async fn act_in(&self, pod: &str, script: &str) {
        let mut count = 0;
        for helper in &self.helpers {
            let processes = run(helper, &finding(pod, "echo ${one#/proc/}")).await;
            for number in processes.split_whitespace().take(1) {
                let inside = script.replace("/data/", &format!("/proc/{number}/root/data/"));
                run(helper, &inside).await;
                count += 1;
            }
        }
        assert!(count > 0, "no process of {pod} was found");
    }

    /// Ends the help.
    pub async fn leave(self) {
        for helper in &self.helpers {
            kubectl(&["--namespace", NAMESPACE, "delete", "pod", helper, "--ignore-not-found", "--wait=false"]).await;
        }
    }

    async fn signal(&self, name: &str, processes: &[Process]) {
        for helper in &self.helpers {
            let own = processes.iter().filter(|process| process.helper == *helper);
            let numbers: Vec<&str> = own.map(|process| process.number.as_str()).collect();
            run(helper, &format!("for one in {}; do kill -{name} $one; done; true", numbers.join(" "))).await;
        }
    }
}

async fn run(helper: &str, script: &str) -> String {
    kubectl(&["--namespace", NAMESPACE, "exec", helper, "--", "sh", "-c", script]).await
}

/// Processes are known by the host name that their container was given.
fn freezing(pods: &[String]) -> String {
    finding(&pods.join("|"), "kill -STOP ${one#/proc/} && echo ${one#/proc/}")
}

fn finding(pods: &str, action: &str) -> String {
    format!(
        "for one in /proc/[0-9]*; do
           if tr '\\0' '\\n' 2>/dev/null <$one/environ | grep -qxE 'HOSTNAME=({pods})'; then {action}; fi
         done; true"
    )
}

fn manifest(helper: &str, node: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": helper, "namespace": NAMESPACE},
        "spec": {
            "nodeName": node, "hostPID": true, "terminationGracePeriodSeconds": 0, "restartPolicy": "Never",
            "containers": [{
                "name": "toolbox", "image": "localhost/toolbox:1", "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", "7200"], "securityContext": {"privileged": true, "runAsUser": 0},
            }],
        },
    })
}
