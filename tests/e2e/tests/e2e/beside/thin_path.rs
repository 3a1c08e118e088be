//! One apply, one answered question.

use e2e::asker::Asker;
use e2e::environment::PATIENCE;
use e2e::{Cluster, Environment, until};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn one_apply_gives_an_environment_that_answers_from_an_uploaded_document() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "thin").await;
    let model = json!({"settings": {"LLM_BASE_URL": "http://model.chatbot-platform.svc:8080/v1", "LLM_MODEL": "smollm2", "LLM_MAX_TOKENS": "160", "LLM_FREQUENCY_PENALTY": "0.5"}});
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

    let asker = Asker::start(&environment).await;
    want(2, "scripted-2").await;
    let changed =
        |status: &serde_json::Value| status["release"]["id"] != first && status["release"]["phase"] == "Stable";
    until("a second release is finished", PATIENCE, || environment.status(), changed).await;
    environment.ready().await;

    let (answered, refused) = asker.said().await;
    assert!(answered > 10, "only {answered} questions were answered");
    assert!(refused.is_empty(), "users noticed the release: {refused:#?}");
    environment.remove().await;
}
