//! Releases beside the active one: watched after the switch, promoted and taken back by a person or by what users suffer.

use e2e::asker::Asker;
use e2e::environment::PATIENCE;
use e2e::shell::kubectl;
use e2e::{Cluster, Environment, until, upstream};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_watched_beside_the_old_colour_and_taken_back_when_its_users_suffer() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "colours").await;
    want(&environment, "scripted", "10s", "Automatic").await;
    environment.ready().await;
    let asker = Asker::start(&environment).await;

    want(&environment, "colours-2", "20s", "Automatic").await;
    phase(&environment, "Bake").await;
    assert_eq!(environment.status().await["release"]["previous"]["colour"], "blue", "the old colour stays ready");
    assert_eq!(
        workloads(&environment).await,
        ["colours-app-blue", "colours-app-green", "colours-monitor", "colours-worker-green"]
    );
    assert_eq!(traffic(&environment).await, "green");
    environment.ready().await;
    phase(&environment, "Stable").await;
    assert_eq!(workloads(&environment).await, ["colours-app-green", "colours-monitor", "colours-worker-green"]);
    let (answered, refused) = asker.said().await;
    assert!(
        answered > 10 && refused.is_empty(),
        "users noticed a release that went well ({answered} answered): {refused:#?}"
    );
    let good = environment.status().await["release"]["id"].clone();

    // Well at first, and silent once it has users: each question now takes longer than a request may.
    want_within(&environment, "colours-3", "10m", "Automatic", "2").await;
    phase(&environment, "Bake").await;
    upstream::play("colours-3", &[json!({"kind": "hang"})]).await;
    let message = environment.says("Ready", "False", "requests failed").await;
    assert!(message.contains("goes on serving"), "{message}");
    upstream::play("colours-3", &[]).await;
    let status = environment.status().await;
    assert_eq!(
        (&status["release"]["id"], &status["history"][0]["outcome"]),
        (&good, &json!("RolledBack")),
        "{status:#}"
    );
    assert_eq!(traffic(&environment).await, "green");
    let (before, _) = asker.said().await;
    until("the old release answers", PATIENCE, || asker.said(), |(answered, _)| *answered > before + 5).await;

    want(&environment, "colours-2", "20s", "Automatic").await;
    environment.ready().await;
    environment.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_promotes_a_release_and_takes_it_back() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "person").await;
    want(&environment, "scripted", "10m", "Manual").await;
    phase(&environment, "Promote").await;
    environment.plugin(&["promote"]).await;
    phase(&environment, "Stable").await;
    let first = environment.status().await["release"]["id"].clone();

    want(&environment, "person-2", "10m", "Manual").await;
    let message = environment.gives("Ready", "False", "AwaitingPromotion").await;
    assert!(message.contains("chatbot.platform/promote="), "{message}");
    assert_eq!((traffic(&environment).await.as_str(), preview(&environment).await.as_str()), ("blue", "green"));
    assert!(!environment.plugin(&["ask", "Are you there?"]).await.is_empty(), "the release before goes on serving");

    environment.plugin(&["promote"]).await;
    phase(&environment, "Bake").await;
    assert_eq!((traffic(&environment).await.as_str(), preview(&environment).await.as_str()), ("green", "none"));
    environment.plugin(&["rollback"]).await;
    phase(&environment, "Stable").await;
    let message = environment.gives("Ready", "False", "RolledBack").await;
    assert!(message.contains("is held back: a person took it back"), "{message}");
    let status = environment.status().await;
    assert_eq!(
        (&status["release"]["id"], &status["history"][0]["outcome"]),
        (&first, &json!("RolledBack")),
        "{status:#}"
    );
    assert_eq!(workloads(&environment).await, ["person-app-blue", "person-monitor", "person-worker-blue"]);
    environment.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_returns_to_an_earlier_release_after_its_bake_and_comes_back() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "returned").await;
    let serves = async |model: &str| {
        let ready = |status: &Value| status["release"]["phase"] == "Stable";
        until(&format!("{model} serves"), PATIENCE, || environment.status(), ready).await["release"]["id"].clone()
    };
    want(&environment, "scripted", "1s", "Automatic").await;
    environment.ready().await;
    let first = serves("scripted").await;
    want(&environment, "returned-2", "1s", "Automatic").await;
    environment.ready().await;
    let second = serves("returned-2").await;
    assert_ne!(first, second);

    let said = environment.plugin(&["rollback", "--dry-run"]).await;
    assert!(said.contains("steps: Backup -> Migrate (expand) -> Start -> Check"), "{said}");
    environment.plugin(&["rollback"]).await;
    let message = environment.gives("Ready", "False", "RolledBack").await;
    assert!(message.contains("is held back: a person took it back"), "{message}");
    let status = environment.status().await;
    assert_eq!((&status["release"]["id"], &status["history"][0]["id"]), (&first, &first), "{status:#}");
    assert!(!environment.plugin(&["ask", "Are you there?"]).await.is_empty(), "the earlier release answers");
    let history = environment.plugin(&["history"]).await;
    assert!(history.contains(second.as_str().unwrap_or("?")) && history.contains("serves"), "{history}");
    let said = environment.plugin(&["diff"]).await;
    assert!(said.contains("variable LLM_MODEL: changed") && said.contains("it is held back"), "{said}");

    environment.plugin(&["retry"]).await;
    environment.ready().await;
    assert_eq!(environment.status().await["release"]["id"], second);
    environment.plugin(&["rollback", "--to", first.as_str().unwrap_or("?")]).await;
    environment.gives("Ready", "False", "RolledBack").await;
    assert_eq!(environment.status().await["release"]["id"], first);
    environment.remove().await;
}

async fn want(environment: &Environment, model: &str, bake: &str, promotion: &str) {
    want_within(environment, model, bake, promotion, "30").await;
}

/// The same, with the seconds that a request may take.
pub(crate) async fn want_within(environment: &Environment, model: &str, bake: &str, promotion: &str, seconds: &str) {
    let own_namespace = json!({"matchLabels": {"kubernetes.io/metadata.name": environment.namespace}});
    let analysis = json!({"interval": "1s", "minRequests": 5});
    environment
        .apply(json!({
            "release": {
                "strategy": "BlueGreen", "bake": bake, "promotion": promotion, "analysis": analysis, "checkTimeout": "10m",
            },
            "network": {"allowFrom": [{"namespaceSelector": own_namespace}]},
            "settings": {"LLM_MODEL": model, "REQUEST_TIMEOUT": seconds, "RATE_LIMIT_PER_MINUTE": "1000000"},
        }))
        .await;
}

/// Waits until the release that the spec asks for is in this phase.
pub(crate) async fn phase(environment: &Environment, wanted: &str) {
    let current = |status: &Value| {
        status["release"]["phase"] == wanted && status["observedGeneration"] == status["wantedGeneration"]
    };
    until(&format!("the release is in {wanted}"), PATIENCE, || seen(environment), current).await;
}

/// The status, with the generation that it should speak of.
async fn seen(environment: &Environment) -> Value {
    let whole = serde_json::to_value(environment.get().await).unwrap();
    let mut status = whole["status"].clone();
    status["wantedGeneration"] = whole["metadata"]["generation"].clone();
    status
}

async fn workloads(environment: &Environment) -> Vec<String> {
    let names = ["get", "deployments", "-o", "jsonpath={.items[*].metadata.name}"];
    let names = kubectl(&[&["--namespace", environment.namespace.as_str()][..], &names].concat()).await;
    names.split_whitespace().map(str::to_owned).collect()
}

pub(crate) async fn traffic(environment: &Environment) -> String {
    selected(environment, &environment.name).await
}

async fn preview(environment: &Environment) -> String {
    selected(environment, &format!("{}-preview", environment.name)).await
}

async fn selected(environment: &Environment, service: &str) -> String {
    let path = r"jsonpath={.spec.selector.chatbot\.platform/colour}";
    kubectl(&["--namespace", &environment.namespace, "get", "service", service, "-o", path]).await
}
