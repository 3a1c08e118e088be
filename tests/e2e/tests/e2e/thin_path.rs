//! One apply, one answered question.

use e2e::environment::PATIENCE;
use e2e::shell::kubectl;
use e2e::{Cluster, Environment, toolbox, until};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn one_apply_gives_an_environment_that_answers_from_an_uploaded_document() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "thin").await;
    let model = json!({"settings": {"LLM_BASE_URL": "http://model.chatbot-platform.svc:8080/v1", "LLM_MODEL": "smollm2", "LLM_MAX_TOKENS": "160", "LLM_FREQUENCY_PENALTY": "0.3"}});
    environment.apply(model).await;
    environment.ready().await;

    environment.plugin(&["upload", "tests/fixtures/documents/backups.md", "--wait", "120s"]).await;
    let answer = environment.plugin(&["ask", "How long are backups kept in production?"]).await;

    let (said, sources) = answer.split_once("Sources").unwrap_or_else(|| panic!("no sources in {answer}"));
    assert!(!said.trim().is_empty(), "the model said something: {answer}");
    assert!(sources.contains("backups.md"), "the document is named as a source: {answer}");
    environment.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_in_persian_finds_the_persian_paragraph() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "persian").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    environment.plugin(&["upload", "tests/fixtures/documents/restores-fa.md", "--wait", "120s"]).await;

    // Arabic yeh and kaf where the document has the Persian letters.
    let answer = environment.plugin(&["ask", "چه كسي بازيابي ثبت مي‌كند؟"]).await;

    assert!(answer.contains("بازیابی"), "the Persian section is cited: {answer}");
    environment.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_setting_is_a_release_that_nobody_notices_and_a_new_replica_count_is_none() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "release").await;
    let own_namespace = json!({"matchLabels": {"kubernetes.io/metadata.name": environment.namespace}});
    let want = async |replicas: u8, model: &str| {
        let network = json!({"allowFrom": [{"namespaceSelector": own_namespace}]});
        let settings = json!({"LLM_MODEL": model, "RATE_LIMIT_PER_MINUTE": "1000000"});
        environment.apply(json!({"app": {"replicas": replicas}, "network": network, "settings": settings})).await;
    };
    want(1, "scripted").await;
    environment.ready().await;
    let first = environment.status().await["release"]["id"].clone();

    want(2, "scripted").await;
    environment.ready().await;
    assert_eq!(environment.status().await["release"]["id"], first, "replicas are no release");

    asking_without_end(&environment).await;
    until("questions are answered", PATIENCE, || said(&environment), |said| said.contains("answered")).await;
    want(2, "scripted-2").await;
    let changed =
        |status: &serde_json::Value| status["release"]["id"] != first && status["release"]["phase"] == "Stable";
    until("a second release is finished", PATIENCE, || environment.status(), changed).await;
    environment.ready().await;

    let said = said(&environment).await;
    let answered = said.lines().filter(|line| *line == "answered").count();
    assert!(answered > 10, "only {answered} questions were asked:\n{said}");
    assert!(!said.contains("refused"), "users noticed the release:\n{said}");
    environment.remove().await;
}

/// A pod that asks four times a second through the Service, each time by a new connection, and notes what came of it.
async fn asking_without_end(environment: &Environment) {
    let (namespace, deployment) = (environment.namespace.as_str(), format!("deployment/{}-app-blue", environment.name));
    let make = ["chatbot", "user", "key", "create", "--user", "asker", "--name", "e2e", "--ttl", "1h", "--json"];
    let made = kubectl(&[&["--namespace", namespace, "exec", &deployment, "--"][..], &make].concat()).await;
    let made: serde_json::Value = serde_json::from_str(made.lines().last().unwrap_or_default()).expect("a key as JSON");
    let key = made["key"].as_str().expect("the key");
    let body = r#"{"message": "Are you there?"}"#;
    let request = format!(
        "POST /api/v1/chat HTTP/1.1\\r\\nHost: {0}\\r\\nAuthorization: Bearer {key}\\r\\nContent-Type: application/json\\r\\n\
         Content-Length: {1}\\r\\nConnection: close\\r\\n\\r\\n{body}",
        environment.name,
        body.len()
    );
    // nc leaves when its input ends, so that is kept open for longer than an answer takes; many askers take turns meanwhile.
    let script = format!(
        "ask() {{ {{ printf '{request}'; sleep 5; }} | nc -w 5 {} 80 | head -n 1; }}
         asker() {{ sleep $(($1 % 5)); while true; do
           said=$(ask); case $said in *' 200 '*) echo answered;; *) echo \"refused: $said\";; esac; done; }}
         for number in $(seq 20); do asker $number & done; wait",
        environment.name
    );
    toolbox::pod(namespace, "asker", &json!({"e2e": "asker"}), &script).await;
}

/// What the asking pod noted so far.
async fn said(environment: &Environment) -> String {
    kubectl(&["--namespace", &environment.namespace, "logs", "asker", "--tail=-1"]).await
}
