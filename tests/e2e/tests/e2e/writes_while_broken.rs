//! While something is broken, the operator does not write again and again: once per object and minute is enough.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use e2e::shell::kubectl;
use e2e::{Cluster, Environment};
use serde_json::{Value, json};
use tokio::time::Instant;

/// Everything that the operator writes into a namespace.
const KINDS: &str = "chatbotenvironments,deployments,services,secrets,jobs,networkpolicies,poddisruptionbudgets,\
    serviceaccounts,events";
const OPERATOR: &str = "chatbot-operator";
const WINDOW: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_written_at_most_once_a_minute() {
    let cluster = Cluster::get().await;
    let no_secret = Environment::prepare(&cluster, "still-no-secret").await;
    kubectl(&["--namespace", &no_secret.namespace, "delete", "secret", "chatbot"]).await;
    no_secret.apply(json!({})).await;
    let no_image = Environment::prepare(&cluster, "still-no-image").await;
    no_image.apply(json!({"image": "localhost/nobody-made-this:1"})).await;
    let refused = Environment::prepare(&cluster, "still-refused").await;
    refused.apply(json!({"settings": {"REQUEST_TIMEOUT": "whenever"}})).await;
    let broken = [(no_secret, "Secret chatbot"), (no_image, "nobody-made-this"), (refused, "REQUEST_TIMEOUT")];
    for (environment, words) in &broken {
        environment.says("Ready", "False", words).await;
    }

    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let began = Instant::now();
    while began.elapsed() < WINDOW {
        for (environment, _) in &broken {
            for (object, write) in writes(&environment.namespace).await {
                seen.entry(object).or_default().insert(write);
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // The first look shows the write before the window, so one write in it makes two.
    let often: Vec<_> = seen.iter().filter(|(_, writes)| writes.len() > 2).collect();
    assert!(often.is_empty(), "written more than once in {WINDOW:?}: {often:#?}");
    for (environment, _) in broken {
        environment.remove().await;
    }
}

/// The operator's last write of each object in a namespace, told apart by its time and place.
async fn writes(namespace: &str) -> Vec<(String, String)> {
    let raw = kubectl(&["--namespace", namespace, "get", KINDS, "-o", "json", "--show-managed-fields"]).await;
    let list: Value = serde_json::from_str(&raw).expect("kubectl prints JSON");
    let items = list["items"].as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|item| Some((name(namespace, item), last_write(item)?))).collect()
}

fn name(namespace: &str, item: &Value) -> String {
    format!("{namespace} {} {}", item["kind"], item["metadata"]["name"])
}

/// None where the operator did not write it.
fn last_write(item: &Value) -> Option<String> {
    if item["kind"] == "Event" {
        let is_ours = item["reportingComponent"] == OPERATOR;
        return is_ours.then(|| item["metadata"]["resourceVersion"].to_string());
    }
    let managers = item["metadata"]["managedFields"].as_array()?;
    let ours = managers.iter().filter(|entry| entry["manager"] == OPERATOR);
    ours.map(|entry| entry["time"].to_string()).max()
}
