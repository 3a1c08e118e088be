//! The operator is killed in every step of a release, and the release still ends where it should.

use e2e::environment::PATIENCE;
use e2e::node::Nodes;
use e2e::postgres::{Lock, migration_lock};
use e2e::shell::apply;
use e2e::{Cluster, Environment, operator, until};
use serde_json::{Value, json};

const DATABASE: &str = "killed_chatbot";

#[tokio::test(flavor = "multi_thread")]
async fn a_release_resumes_in_whichever_step_the_operator_was_killed() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "killed").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    let nodes = Nodes::reach("killed").await;
    let before = environment.status().await["release"]["id"].clone();
    let (too_large, fitting) = (json!({"resources": of_a_hundred_cpus()}), Value::Null);
    // Another model's server that is not there yet, and pods that no node takes: every step stands still until it is let go.
    let want = async |app: &Value, worker: &Value| {
        let model = json!({"LLM_BASE_URL": format!("http://late.{}.svc:8080/v1", environment.namespace)});
        let release = json!({"checkTimeout": "15m"});
        environment.apply(json!({"settings": model, "release": release, "app": app, "worker": worker})).await;
    };

    let migrations = Lock::hold(DATABASE, migration_lock(DATABASE)).await;
    let dumps = Lock::hold_table(DATABASE, "users").await;
    want(&too_large, &too_large).await;
    killed_in("Backup", &environment, &nodes).await;
    dumps.release().await;

    killed_in("Migrate", &environment, &nodes).await;
    migrations.release().await;

    killed_in("Start", &environment, &nodes).await;
    want(&fitting, &too_large).await;

    killed_in("Check", &environment, &nodes).await;
    let migrations = Lock::hold(DATABASE, migration_lock(DATABASE)).await;
    apply(&late_service(&environment).to_string()).await;

    killed_in("Switch", &environment, &nodes).await;
    want(&fitting, &fitting).await;

    killed_in("Finish", &environment, &nodes).await;
    migrations.release().await;

    environment.ready().await;
    let stable = |status: &Value| status["release"]["phase"] == "Stable";
    let status = until("the release is finished", PATIENCE, || environment.status(), stable).await;
    assert_ended_well(&status, &before);
    nodes.leave().await;
    environment.remove().await;
}

/// One release, with each step once, and none that failed.
fn assert_ended_well(status: &Value, before: &Value) {
    assert_eq!(status["failedReleases"].as_array().map_or(0, Vec::len), 0, "a release failed: {status:#}");
    assert_ne!(status["release"]["id"], *before, "the new release serves: {status:#}");
    let steps = status["release"]["steps"].as_array().cloned().unwrap_or_default();
    let names: Vec<_> = steps.iter().filter_map(|step| step["name"].as_str()).collect();
    assert_eq!(names, ["Backup", "Migrate", "Start", "Check", "Switch", "Finish"], "{status:#}");
    assert!(steps.iter().all(|step| step["outcome"] == "Succeeded"), "{status:#}");
    let history = status["history"].as_array().map_or(0, Vec::len);
    assert_eq!(history, 2, "the first release and this one: {status:#}");
}

/// Kills the operator while the release stands in this step; the next operator finds it there.
async fn killed_in(step: &str, environment: &Environment, nodes: &Nodes) {
    let open = || async { open_step(&environment.status().await) };
    until(&format!("the release is in {step}"), PATIENCE, open, |name| name == step).await;
    operator::kill_all(nodes).await;
    assert_eq!(open().await, step, "the step was held open while the operator was away");
}

/// The step of the log that has not ended.
fn open_step(status: &Value) -> String {
    let steps = status["release"]["steps"].as_array().cloned().unwrap_or_default();
    let open = steps.last().filter(|step| step["outcome"] == "Running");
    open.and_then(|step| step["name"].as_str()).unwrap_or_default().to_owned()
}

fn of_a_hundred_cpus() -> Value {
    json!({"requests": {"cpu": "100", "memory": "128Mi"}, "limits": {"cpu": "100", "memory": "512Mi"}})
}

/// The scripted upstream under another name.
fn late_service(environment: &Environment) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "late", "namespace": environment.namespace},
        "spec": {"type": "ExternalName", "externalName": "upstream.chatbot-platform.svc.cluster.local"},
    })
}
