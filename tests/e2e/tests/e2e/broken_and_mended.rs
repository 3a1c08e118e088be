//! What breaks is named, with what to do; what ran keeps running; once mended, the environment recovers by itself.

use e2e::environment::SECRET_KEY;
use e2e::shell::{apply, kubectl};
use e2e::{Cluster, Environment};
use serde_json::json;

/// The line that every mended environment must end with.
async fn mended(environment: Environment) {
    environment.ready().await;
    environment.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret_is_named_and_its_arrival_is_enough() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "no-secret").await;
    kubectl(&["--namespace", &environment.namespace, "delete", "secret", "chatbot"]).await;
    environment.apply(json!({})).await;
    environment.says("Ready", "False", "chatbot").await;

    environment.write_secret(&[("SECRET_KEY", SECRET_KEY), ("OPENROUTER_API_KEY", "x")]).await;
    mended(environment).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_key_is_named_and_its_value_never_is() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "no-key").await;
    environment.write_secret(&[("SECRET_KEY", SECRET_KEY)]).await;
    environment.apply(json!({})).await;

    environment.says("Ready", "False", "OPENROUTER_API_KEY").await;
    let whole = environment.status().await.to_string();
    assert!(!whole.contains(SECRET_KEY), "a secret value stands in the status");

    environment.write_secret(&[("SECRET_KEY", SECRET_KEY), ("OPENROUTER_API_KEY", "x")]).await;
    mended(environment).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_pulled_leaves_the_old_release_answering() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "no-image").await;
    environment.apply(json!({})).await;
    environment.ready().await;

    environment.apply(json!({"image": "localhost/nobody-made-this:1"})).await;
    environment.says("Ready", "False", "nobody-made-this").await;
    assert!(!environment.plugin(&["ask", "Are you there?"]).await.is_empty(), "the old release answers");

    environment.apply(json!({})).await;
    mended(environment).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_says_why_and_changes_nothing_that_runs() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "no-database").await;
    let nowhere = "postgresql://nobody@postgresql.chatbot-platform.svc:5432/not_there";
    let keys = [("SECRET_KEY", SECRET_KEY), ("OPENROUTER_API_KEY", "x")];
    environment.write_secret(&[keys[0], keys[1], ("DATABASE_URL", nowhere)]).await;
    environment.apply(json!({"provision": null})).await;
    let wanted = [
        ("REDIS_URL", "redis://redis.chatbot-platform.svc:6379/0"),
        ("QDRANT_URL", "http://qdrant.chatbot-platform.svc:6333"),
    ];
    environment.says("Ready", "False", "REDIS_URL").await;
    environment.write_secret(&[keys[0], keys[1], ("DATABASE_URL", nowhere), wanted[0], wanted[1]]).await;
    environment.says("Ready", "False", "igrat").await;

    environment.write_secret(&keys).await;
    environment.apply(json!({})).await;
    mended(environment).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_the_program_refuses_is_named_in_the_condition() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "crash").await;
    environment.apply(json!({"settings": {"REQUEST_TIMEOUT": "whenever"}})).await;
    environment.says("Ready", "False", "REQUEST_TIMEOUT").await;

    environment.apply(json!({})).await;
    mended(environment).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_leaves_no_room_is_named() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "quota").await;
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight", "namespace": environment.namespace},
        "spec": {"hard": {"pods": "0"}},
    });
    apply(&quota.to_string()).await;
    environment.apply(json!({})).await;
    environment.says("Ready", "False", "quota").await;

    kubectl(&["--namespace", &environment.namespace, "delete", "resourcequota", "tight"]).await;
    mended(environment).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_go_down_are_named_and_noticed_when_they_return() {
    let cluster = Cluster::get().await;
    let environment = Environment::prepare(&cluster, "outage").await;
    environment.apply(json!({})).await;
    environment.ready().await;
    for (service, workload) in
        [("redis", "deployment/redis"), ("qdrant", "statefulset/qdrant"), ("postgresql", "statefulset/postgresql")]
    {
        scale(workload, 0).await;
        environment.says("ServicesHealthy", "False", service).await;
        scale(workload, 1).await;
        environment.says("ServicesHealthy", "True", "").await;
        environment.ready().await;
    }
    mended(environment).await;
}

async fn scale(workload: &str, replicas: u8) {
    kubectl(&["--namespace", "chatbot-platform", "scale", workload, &format!("--replicas={replicas}")]).await;
    kubectl(&["--namespace", "chatbot-platform", "rollout", "status", workload, "--timeout=120s"]).await;
}
