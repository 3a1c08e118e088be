//! The task monitor as those meet it who look after an environment: ready, reached, of the release that serves, and gone when it is
//! not wanted.

use std::process::Stdio;
use std::time::Duration;

use e2e::environment::PATIENCE;
use e2e::shell::{kubectl, run};
use e2e::toolbox::{self, IDLE};
use e2e::{Cluster, Environment, until};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

const OBJECTS: &str = "deployment,service,networkpolicy";

#[tokio::test(flavor = "multi_thread")]
async fn the_task_monitor_answers_follows_a_release_and_goes_when_it_is_switched_off() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "watched").await;
    let own_namespace = json!({"matchLabels": {"kubernetes.io/metadata.name": environment.namespace}});
    let network = json!({"allowFrom": [{"namespaceSelector": own_namespace}]});
    environment.apply(json!({"network": network})).await;
    environment.ready().await;
    environment.gives("MonitorHealthy", "True", "MonitorReady").await;
    toolbox::pod(&environment.namespace, "looker", &json!({"e2e": "looker"}), IDLE).await;
    answers_through_its_service(&environment).await;
    answers_through_the_plugin(&environment).await;
    assert_eq!(release_of_monitor(&environment).await, release(&environment).await);

    let first = release(&environment).await;
    environment.apply(json!({"network": network, "settings": {"LLM_MODEL": "watched-2"}})).await;
    let both = || async { (release(&environment).await, release_of_monitor(&environment).await) };
    until("the monitor is of the next release", PATIENCE, both, |(new, own)| *new != first && new == own).await;
    environment.ready().await;
    environment.gives("MonitorHealthy", "True", "MonitorReady").await;
    answers_through_its_service(&environment).await;

    environment
        .apply(json!({"network": network, "settings": {"LLM_MODEL": "watched-2"}, "monitor": {"enabled": false}}))
        .await;
    until("it is gone", PATIENCE, || objects(&environment), Vec::is_empty).await;
    environment.gives("MonitorHealthy", "Unknown", "MonitorOff").await;
    environment.ready().await;
    environment.remove().await;
}

/// From another pod of the namespace, past its NetworkPolicy.
async fn answers_through_its_service(environment: &Environment) {
    let host = format!("{}-monitor", environment.name);
    let request = format!("GET /healthcheck HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n\\r\\n");
    let script = format!("{{ printf '{request}'; sleep 3; }} | nc -w 5 {host} 5555 | head -n 1");
    let args = ["--namespace", &environment.namespace, "exec", "looker", "--", "sh", "-c", &script];
    let ask = || async { run("kubectl", &args, "").await.stdout };
    until("/healthcheck answers through the Service", PATIENCE, ask, |said| said.contains(" 200 ")).await;
}

/// As a person opens it, until the command is ended.
async fn answers_through_the_plugin(environment: &Environment) {
    let mut child = Command::new("kubectl")
        .args(["chatbot", "monitor", "--namespace", &environment.namespace, &environment.name, "--port", "0"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("starting kubectl");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
    let line = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await.expect("an address in time");
    let line = line.expect("reading the plugin").expect("the plugin goes on");
    let url = line.split_whitespace().last().expect("an address");
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).no_proxy().build().expect("a client");
    let answer = client.get(format!("{url}healthcheck")).send().await.expect("the monitor answers");
    assert!(answer.status().is_success(), "{line}: {}", answer.status());
}

async fn release(environment: &Environment) -> Value {
    environment.status().await["release"]["id"].clone()
}

/// The release that the monitor's pod is to be of.
async fn release_of_monitor(environment: &Environment) -> Value {
    let path = r"jsonpath={.spec.template.metadata.labels.chatbot\.platform/release}";
    let deployment = format!("{}-monitor", environment.name);
    json!(kubectl(&["--namespace", &environment.namespace, "get", "deployment", &deployment, "-o", path]).await)
}

/// What the operator made for the monitor.
async fn objects(environment: &Environment) -> Vec<String> {
    let of_it = "app.kubernetes.io/component=monitor";
    let get = ["--namespace", &environment.namespace, "get", OBJECTS, "-l", of_it, "-o", "name"];
    kubectl(&get).await.lines().map(str::to_owned).collect()
}
