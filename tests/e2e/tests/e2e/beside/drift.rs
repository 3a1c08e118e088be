//! A settled environment is left alone; what somebody changes or deletes comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::environment::PATIENCE;
use e2e::shell::kubectl;
use e2e::{Cluster, Environment, until};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_operator_writes_nothing() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "settled").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    let settled = |versions: &(BTreeMap<String, String>, BTreeMap<String, String>)| versions.0 == versions.1;
    // Controllers of the cluster finish their own bookkeeping first: two readings ten seconds apart must agree ...
    let twice = || async {
        let before = versions(&environment).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        (before, versions(&environment).await)
    };
    let (before, _) = until("the environment has settled", PATIENCE, twice, settled).await;
    // ... and then nothing moves over two more probes of the operator.
    tokio::time::sleep(Duration::from_secs(65)).await;
    assert_eq!(before, versions(&environment).await, "something was written to a settled environment");
    environment.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_undone_and_a_deleted_child_comes_back() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "drift").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    let namespace = environment.namespace.as_str();

    let wrong = json!({"spec": {"selector": {"chatbot.platform/colour": "nobody"}}}).to_string();
    kubectl(&["--namespace", namespace, "patch", "service", "drift", "--type=merge", "-p", &wrong]).await;
    let selector = || object(namespace, "service", "drift");
    until("the selector is back", PATIENCE, selector, |service| {
        service["spec"]["selector"]["chatbot.platform/colour"] == "blue"
    })
    .await;

    for (kind, name) in
        [("deployment", "drift-app-blue"), ("service", "drift"), ("networkpolicy", "drift-default-deny")]
    {
        let uid = object(namespace, kind, name).await["metadata"]["uid"].clone();
        assert!(uid.is_string(), "{kind}/{name} is there");
        kubectl(&["--namespace", namespace, "delete", kind, name]).await;
        let back = |child: &Value| child["metadata"]["uid"].is_string() && child["metadata"]["uid"] != uid;
        until(&format!("{kind}/{name} comes back"), PATIENCE, || object(namespace, kind, name), back).await;
    }
    environment.ready().await;
    environment.remove().await;
}

/// Server-side apply leaves alone what it does not speak of: an addition is as good as a change where it means something.
#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_adds_where_it_changes_the_meaning_is_taken_away() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "added").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    let namespace = environment.namespace.as_str();
    let selector = json!({"spec": {"selector": {"x": "y"}}});
    let pods = json!({"spec": {"podSelector": {"matchLabels": {"x": "y"}}}});
    let rule = json!({"spec": {"ingress": [{}]}});
    let nodes = json!({"spec": {"template": {"spec": {"nodeSelector": {"no": "such-node"}}}}});
    for (kind, name, addition, field) in [
        ("service", "added", selector, "/spec/selector"),
        ("networkpolicy", "added-default-deny", pods, "/spec/podSelector"),
        ("networkpolicy", "added-default-deny", rule, "/spec/ingress"),
        ("deployment", "added-app-blue", nodes, "/spec/template/spec/nodeSelector"),
    ] {
        let before = object(namespace, kind, name).await.pointer(field).cloned();
        kubectl(&["--namespace", namespace, "patch", kind, name, "--type=merge", "-p", &addition.to_string()]).await;
        let as_before = |found: &Value| found.pointer(field) == before.as_ref();
        until(&format!("{kind}/{name} is as it was"), PATIENCE, || object(namespace, kind, name), as_before).await;
    }

    kubectl(&["--namespace", namespace, "set", "env", "deployment/added-app-blue", "ADDED=1"]).await;
    let variables = || object(namespace, "deployment", "added-app-blue");
    let is_gone = |app: &Value| {
        let variables = app.pointer("/spec/template/spec/containers/0/env").and_then(Value::as_array);
        variables.is_some_and(|all| all.iter().all(|variable| variable["name"] != "ADDED"))
    };
    until("the variable is gone", PATIENCE, variables, is_gone).await;
    environment.ready().await;
    environment.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_the_environment_leaves_its_database_alone() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "deleted").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    kubectl(&["--namespace", &environment.namespace, "delete", "chatbotenvironment", "deleted"]).await;
    let pods = || kubectl_owned(&environment.namespace);
    until("the workloads are gone", PATIENCE, pods, String::is_empty).await;

    let sql = "select count(*) from pg_database where datname = 'deleted_chatbot'";
    let args = [
        "--namespace",
        "chatbot-platform",
        "exec",
        "statefulset/postgresql",
        "--",
        "psql",
        "-U",
        "postgres",
        "-Atc",
        sql,
    ];
    assert_eq!(kubectl(&args).await.trim(), "1", "the database is still there");
    environment.remove().await;
}

async fn kubectl_owned(namespace: &str) -> String {
    kubectl(&["--namespace", namespace, "get", "deployments,services,pods", "-o", "name"]).await
}

async fn object(namespace: &str, kind: &str, name: &str) -> Value {
    let raw = kubectl(&["--namespace", namespace, "get", kind, name, "--ignore-not-found", "-o", "json"]).await;
    serde_json::from_str(&raw).unwrap_or(Value::Null)
}

/// The resource version of everything in the namespace that the operator could write, but for events.
async fn versions(environment: &Environment) -> BTreeMap<String, String> {
    let kinds =
        "chatbotenvironments,deployments,services,secrets,jobs,networkpolicies,poddisruptionbudgets,serviceaccounts";
    let raw = kubectl(&["--namespace", &environment.namespace, "get", kinds, "-o", "json"]).await;
    let list: Value = serde_json::from_str(&raw).unwrap();
    let key = |item: &Value| format!("{}/{}", item["kind"], item["metadata"]["name"]);
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (key(item), item["metadata"]["resourceVersion"].to_string()))
        .collect()
}
