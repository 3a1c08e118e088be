//! The operator's own pods and Lease.

use std::time::Duration;

use crate::cluster::OPERATOR_NAMESPACE;
use crate::node::Nodes;
use crate::shell::kubectl;
use crate::until;

const SELECTOR: &str = "app.kubernetes.io/name=chatbot-operator,app.kubernetes.io/instance=chatbot-operator";
/// A Lease lasts 15 seconds, and a pod starts in a few.
const PATIENCE: Duration = Duration::from_secs(120);

/// Names of the pods that are not on their way out.
pub async fn pods() -> Vec<String> {
    let template = r#"{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{end}}{{end}}"#;
    let names = of_pods(&["get", "pods", "-o", &format!("go-template={template}")]).await;
    names.split_whitespace().map(str::to_owned).collect()
}

/// Addresses of the pods that have one.
pub async fn addresses() -> Vec<String> {
    let addresses = of_pods(&["get", "pods", "-o", "jsonpath={.items[*].status.podIP}"]).await;
    addresses.split_whitespace().map(str::to_owned).collect()
}

/// The pod that holds the Lease; empty while nobody does.
pub async fn leader() -> String {
    let holder = "jsonpath={.spec.holderIdentity}";
    kubectl(&["--namespace", OPERATOR_NAMESPACE, "get", "lease", "chatbot-operator", "-o", holder]).await
}

/// Ends pods as a crash does: their processes are killed, and hand no Lease over, write no last status and send no message.
///
/// A deletion alone would tell them first (SIGTERM comes before SIGKILL, whatever the grace period), and a killed process alone would be
/// started again in its place, later each time. So they stand still, are deleted, and are killed before they hear of it.
pub async fn kill(nodes: &Nodes, pods: &[String]) {
    let frozen = nodes.freeze(pods).await;
    let force = ["delete", "pod", "--grace-period=0", "--force", "--ignore-not-found", "--wait=false"];
    let names: Vec<&str> = pods.iter().map(String::as_str).collect();
    kubectl(&[&["--namespace", OPERATOR_NAMESPACE][..], &force, &names].concat()).await;
    nodes.kill(&frozen).await;
}

/// Kills every pod, and waits until a new one leads.
pub async fn kill_all(nodes: &Nodes) {
    let killed = pods().await;
    kill(nodes, &killed).await;
    let is_new = |leader: &String| !leader.is_empty() && !killed.contains(leader);
    until("a new operator leads", PATIENCE, leader, is_new).await;
}

/// Everything that the running pods have logged.
pub async fn logs() -> String {
    of_pods(&["logs", "--tail=-1", "--ignore-errors"]).await
}

async fn of_pods(args: &[&str]) -> String {
    kubectl(&[&["--namespace", OPERATOR_NAMESPACE][..], args, &["-l", SELECTOR]].concat()).await
}
