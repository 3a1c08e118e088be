//! Install, upgrade and uninstall by Helm: an upgrade restarts no workload, an uninstall leaves environments running.

use std::collections::BTreeMap;

use e2e::cluster::{OPERATOR_NAMESPACE, helm_install, rolled_out};
use e2e::shell::{kubectl, must};
use e2e::{Cluster, Environment, operator};
use serde_json::{Value, json};

use crate::beside::blue_green::{phase, want_within};

#[tokio::test(flavor = "multi_thread")]
async fn upgrading_or_uninstalling_the_charts_restarts_no_workload() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "upgrade").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    environment.gives("MonitorHealthy", "True", "MonitorReady").await;
    let (before, uid) = (pods(&environment.namespace).await, uid(&environment).await);

    let operators = operator::pods().await;
    helm_install("chatbot-operator", OPERATOR_NAMESPACE, &["--set", "logLevel=debug"]).await;
    rolled_out(OPERATOR_NAMESPACE).await;
    assert!(!operator::pods().await.iter().any(|pod| operators.contains(pod)), "the value is one of the pods' own");
    environment.ready().await;
    assert_eq!(pods(&environment.namespace).await, before, "after the upgrade");

    for chart in ["chatbot-operator", "chatbot-crds"] {
        must("helm", &["uninstall", chart, "--namespace", OPERATOR_NAMESPACE, "--wait"], "").await;
        assert_eq!(self::uid(&environment).await, uid, "definition and environment stay without {chart}");
        assert_eq!(pods(&environment.namespace).await, before, "without {chart}");
    }

    for chart in ["chatbot-crds", "chatbot-operator"] {
        helm_install(chart, OPERATOR_NAMESPACE, &[]).await;
    }
    rolled_out(OPERATOR_NAMESPACE).await;
    environment.apply(json!({"app": {"workers": 2}})).await;
    environment.ready().await;
    assert_eq!(self::uid(&environment).await, uid, "after the second install");
    environment.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_is_upgraded_in_mid_bake_goes_on_with_it_and_restarts_no_pod() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "baking").await;
    want_within(&environment, "scripted", "10m", "Automatic", "30").await;
    environment.ready().await;
    want_within(&environment, "baking-2", "10m", "Automatic", "30").await;
    phase(&environment, "Bake").await;
    environment.gives("MonitorHealthy", "True", "MonitorReady").await;
    let (before, until) = (pods(&environment.namespace).await, bake_until(&environment).await);
    assert!(
        before.keys().any(|name| name.contains("-blue-")) && before.keys().any(|name| name.contains("-green-")),
        "{before:?}"
    );

    helm_install("chatbot-operator", OPERATOR_NAMESPACE, &["--set", "logLevel=debug"]).await;
    rolled_out(OPERATOR_NAMESPACE).await;
    assert!(until.is_string() && bake_until(&environment).await == until, "the bake goes on as it was: {until}");
    environment.plugin(&["promote"]).await;
    phase(&environment, "Stable").await;
    let after = pods(&environment.namespace).await;
    let left: BTreeMap<_, _> = before.into_iter().filter(|(name, _)| !name.contains("-blue-")).collect();
    assert_eq!(after, left, "the pods of the new colour, and of the task monitor, are those of before");
    assert_eq!(environment.status().await["history"][0]["outcome"], "Succeeded");

    helm_install("chatbot-operator", OPERATOR_NAMESPACE, &[]).await;
    rolled_out(OPERATOR_NAMESPACE).await;
    environment.remove().await;
}

async fn bake_until(environment: &Environment) -> Value {
    environment.status().await["release"]["bakeUntil"].clone()
}

/// A definition that was deleted and made anew would have taken the environment along.
async fn uid(environment: &Environment) -> Option<String> {
    environment.get().await.metadata.uid
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_the_chart_does_not_know_is_refused() {
    Cluster::get().await;
    let output = e2e::shell::run("helm", &["template", "charts/chatbot-operator", "--set", "replicaCuont=3"], "").await;
    assert!(!output.success && output.stderr.contains("replicaCuont"), "{}", output.stderr);
}

/// Name → uid and restarts of every running pod, but for those of Jobs, which end by themselves.
async fn pods(namespace: &str) -> BTreeMap<String, String> {
    let lasting = ["-l", "!batch.kubernetes.io/job-name", "--field-selector=status.phase=Running", "-o", "json"];
    let raw = kubectl(&[&["--namespace", namespace, "get", "pods"][..], &lasting].concat()).await;
    let list: Value = serde_json::from_str(&raw).unwrap();
    let describe = |pod: &Value| {
        let restarts = &pod["status"]["containerStatuses"][0]["restartCount"];
        (pod["metadata"]["name"].to_string(), format!("{} {restarts}", pod["metadata"]["uid"]))
    };
    list["items"].as_array().unwrap().iter().map(describe).collect()
}
