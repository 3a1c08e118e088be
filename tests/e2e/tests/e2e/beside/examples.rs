//! Every file of examples/ can be applied as it is and comes to what it promises, so that a reader can copy it.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::environment::{chatbot_image, copy_admin_secret, merge};
use e2e::shell::{apply, kubectl, root};
use e2e::{Cluster, Environment, until};
use serde_json::{Value, json};

/// Several environments start at once on two cores.
const PATIENCE: Duration = Duration::from_secs(480);
const AT_ONCE: usize = 8;

/// Status and reason of Ready.
type Outcome = (&'static str, &'static str);
const SERVES: Outcome = ("True", "ReleaseActive");
/// Its services are at example.org.
const NO_SERVICES: Outcome = ("False", "MigrationFailed");
/// So are prod's, which makes a backup first or nothing.
const NO_BACKUP: Outcome = ("False", "BackupFailed");

/// What each example comes to on a cluster that has the trial's services and nothing else.
const EXAMPLES: [(&str, Outcome); 15] = [
    ("autoscaled", SERVES),
    ("gateway", SERVES),
    ("ingress", SERVES),
    ("minimal", NO_SERVICES),
    ("private-registry", ("False", "ImagePullFailed")),
    ("sized", SERVES),
    ("stage", SERVES),
    ("suspended", ("False", "Suspended")),
    ("backups", SERVES),
    ("dev", SERVES),
    ("network", SERVES),
    ("provisioned", SERVES),
    ("release", ("False", "AwaitingPromotion")),
    ("prod", NO_BACKUP),
    ("settings", SERVES),
];

/// Objects by which others act on an environment; they go with the fields that ask for them.
const FOR_OTHERS: [(&str, &str); 4] = [
    ("autoscaled", "horizontalpodautoscaler/autoscaled-app"),
    ("autoscaled", "horizontalpodautoscaler/autoscaled-worker"),
    ("gateway", "httproute/gateway"),
    ("ingress", "ingress/ingress"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_example_comes_to_what_it_promises() {
    let cluster = Cluster::get().await;
    let listed: BTreeSet<String> = EXAMPLES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files(), listed, "every file of examples/ is in the table");
    for batch in EXAMPLES.chunks(AT_ONCE) {
        let mut applied = Vec::new();
        for (example, outcome) in batch {
            let environments = apply_example(&cluster, example).await;
            applied.extend(environments.into_iter().map(|environment| (environment, *outcome)));
        }
        for (environment, (status, reason)) in &applied {
            let is_there = |seen: &(String, String, String)| seen.0 == *status && seen.1 == *reason;
            let what = format!("{}: Ready={status} because of {reason}", environment.name);
            until(&what, PATIENCE, || environment.condition("Ready"), is_there).await;
        }
        let environments: Vec<_> = applied.into_iter().map(|(environment, _)| environment).collect();
        assert_objects_for_others_settle_and_go(&environments).await;
        for environment in environments {
            environment.remove().await;
        }
    }
}

fn files() -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join("examples")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let examples = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    examples.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

/// Applies a file, with the administrator's Secret in its namespace, as README.md there says.
async fn apply_example(cluster: &Cluster, example: &str) -> Vec<Environment> {
    let path = format!("examples/{example}.yaml");
    let objects = kubectl(&["apply", "--dry-run=client", "-o", "json", "-f", &path]).await;
    let objects: Value = serde_json::from_str(&objects).expect("kubectl prints JSON");
    let objects = objects["items"].as_array().cloned().expect("a list");
    let of_kind = |kind: &str| objects.iter().filter(|object| object["kind"] == kind).cloned().collect::<Vec<_>>();
    for namespace in of_kind("Namespace") {
        let name = namespace["metadata"]["name"].as_str().unwrap();
        kubectl(&["delete", "namespace", name, "--ignore-not-found", "--timeout=500s"]).await;
        apply(&namespace.to_string()).await;
        copy_admin_secret(name).await;
    }
    for secret in of_kind("Secret") {
        apply(&secret.to_string()).await;
    }
    let mut environments = Vec::new();
    for environment in of_kind("ChatbotEnvironment") {
        let metadata = environment["metadata"].clone();
        apply(&small(environment).to_string()).await;
        let text = |field: &str| metadata[field].as_str().unwrap().to_owned();
        let client = cluster.client.clone();
        environments.push(Environment { namespace: text("namespace"), name: text("name"), client });
    }
    environments
}

/// As it is written, but for the image under test, and for what lets several stand side by side on two cores and one database
/// server: small requests, and a prefix of its own.
fn small(mut environment: Value) -> Value {
    let prefix = environment["metadata"]["name"].as_str().map(|name| format!("example_{name}_"));
    let spec = &mut environment["spec"];
    if spec["image"].as_str().is_some_and(|image| image.starts_with("localhost/")) {
        spec["image"] = json!(chatbot_image());
    }
    if spec["resourcePrefix"].is_null() {
        spec["resourcePrefix"] = json!(prefix);
    }
    // An autoscaler counts in percent of the requests: tiny ones would be exceeded at once.
    let cpu = if spec["app"]["autoscaling"].is_null() { "10m" } else { "100m" };
    for component in ["app", "worker"] {
        merge(&mut spec[component], json!({"resources": {"requests": {"cpu": cpu, "memory": "64Mi"}}}));
    }
    environment
}

async fn assert_objects_for_others_settle_and_go(environments: &[Environment]) {
    let named = |name: &str| environments.iter().find(|environment| environment.name == name);
    let theirs = FOR_OTHERS.iter().filter_map(|(name, object)| Some((named(name)?, *object)));
    let theirs: Vec<(&Environment, &str)> = theirs.collect();
    let mut before = Vec::new();
    for (environment, object) in &theirs {
        before.push(written(&environment.namespace, object).await);
    }
    tokio::time::sleep(Duration::from_secs(if theirs.is_empty() { 0 } else { 30 })).await;
    for ((environment, object), before) in theirs.iter().zip(before) {
        let after = written(&environment.namespace, object).await;
        assert_eq!(after, before, "{object} is settled, and nobody writes it");
    }
    for (environment, object) in &theirs {
        let asks = json!({"spec": {
            "app": {"autoscaling": null}, "worker": {"autoscaling": null}, "host": null, "tls": null, "routing": null,
        }});
        let (namespace, patch) = (["--namespace", environment.namespace.as_str()], asks.to_string());
        let patch = ["patch", "chatbotenvironment", &environment.name, "--type=merge", "-p", &patch];
        kubectl(&[&namespace[..], &patch].concat()).await;
        let left = [&namespace[..], &["get", object, "--ignore-not-found", "-o", "name"]].concat();
        until(&format!("{object} goes"), PATIENCE, || kubectl(&left), String::is_empty).await;
        environment.ready().await;
    }
}

/// What was written of an object: everything but its status, with the time of the operator's last write.
async fn written(namespace: &str, object: &str) -> Value {
    let get = ["--namespace", namespace, "get", object, "-o", "json", "--show-managed-fields"];
    let mut object: Value = serde_json::from_str(&kubectl(&get).await).expect("kubectl prints JSON");
    let managers = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let operator = managers.iter().filter(|entry| entry["manager"] == "chatbot-operator");
    let times: Vec<Value> = operator.map(|entry| entry["time"].clone()).collect();
    assert!(!times.is_empty(), "the operator has written it: {object:#}");
    for field in ["managedFields", "resourceVersion"] {
        object["metadata"].as_object_mut().unwrap().remove(field);
    }
    json!({"metadata": object["metadata"], "spec": object["spec"], "written": times})
}
