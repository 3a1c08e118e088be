//! While something is broken, the operator does not write again and again: once per object and minute is enough.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use e2e::cluster::SERVICES_NAMESPACE;
use e2e::environment::SECRET_KEY;
use e2e::shell::{apply, kubectl};
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
    let broken = broken(&cluster).await;
    scale_database(0).await;
    for (environment, reason) in &broken {
        environment.gives("Ready", "False", reason).await;
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
    scale_database(1).await;
    for (environment, _) in broken {
        environment.remove().await;
    }
}

/// Environments of which each is broken in its own way, with the reason that it gives; the last one once its database is down.
async fn broken(cluster: &Cluster) -> Vec<(Environment, &'static str)> {
    let prepare = async |name: &str| Environment::prepare(cluster, name).await;
    let no_secret = prepare("still-no-secret").await;
    kubectl(&["--namespace", &no_secret.namespace, "delete", "secret", "chatbot"]).await;
    no_secret.apply(json!({})).await;
    let no_image = prepare("still-no-image").await;
    no_image.apply(json!({"image": "localhost/nobody-made-this:1"})).await;
    let refused = prepare("still-refused").await;
    let whenever = json!({"REQUEST_TIMEOUT": "whenever"});
    refused.apply(json!({"settings": whenever, "release": {"checkTimeout": "15m"}})).await;
    let no_room = prepare("still-no-room").await;
    apply(&no_pods(&no_room.namespace).to_string()).await;
    no_room.apply(json!({})).await;
    let not_migrated = prepare("still-not-migrated").await;
    let nowhere = "postgresql://still:a-password-of-its-own@nowhere.chatbot-platform.svc:5432/still";
    let keys = [("SECRET_KEY", SECRET_KEY), ("OPENROUTER_API_KEY", "x"), ("DATABASE_URL", nowhere)];
    not_migrated.write_secret(&keys).await;
    not_migrated.apply(json!({})).await;
    let no_database = prepare("still-no-database").await;
    no_database.apply(json!({})).await;

    no_database.ready().await;
    let broken = vec![
        (no_secret, "SecretNotFound"),
        (no_image, "ImagePullFailed"),
        (refused, "CrashLoop"),
        (no_room, "QuotaExceeded"),
        (not_migrated, "MigrationFailed"),
    ];
    for (environment, reason) in &broken {
        environment.gives("Ready", "False", reason).await;
    }
    broken.into_iter().chain([(no_database, "PodsNotReady")]).collect()
}

fn no_pods(namespace: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight", "namespace": namespace},
        "spec": {"hard": {"pods": "0"}},
    })
}

async fn scale_database(replicas: u8) {
    let (namespace, workload) = (["--namespace", SERVICES_NAMESPACE], "statefulset/postgresql");
    kubectl(&[&namespace[..], &["scale", workload, &format!("--replicas={replicas}")]].concat()).await;
    kubectl(&[&namespace[..], &["rollout", "status", workload, "--timeout=120s"]].concat()).await;
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
