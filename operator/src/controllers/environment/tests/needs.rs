//! What an environment needs from outside: its Secrets, a database of its own, shared services.

use super::*;

#[tokio::test]
async fn a_missing_secret_is_named_and_its_appearance_is_acted_on() {
    let cluster = Cluster::with(fixtures::minimal(Tier::Dev)).await;
    cluster.reconcile().await;
    assert_eq!(ready(&cluster), told("False", "SecretNotFound"));
    assert!(
        message(&cluster).contains("Secret chatbot does not exist in namespace chatbot-dev"),
        "{}",
        message(&cluster)
    );
    assert_eq!(condition(&cluster.environment(), conditions::STALLED).unwrap().1, "SecretNotFound");
    assert_eq!(cluster.writes(), ["PATCH dev", "POST events"]);
    cluster.reconcile().await;
    assert_eq!(cluster.writes(), Vec::<String>::new(), "a lasting trouble is told once");
    with_secret(&cluster);
    cluster.reconcile().await;
    assert_eq!(condition(&cluster.environment(), conditions::STALLED), None);
    assert_eq!(ready(&cluster), told("False", "ReleaseInProgress"));
}

#[tokio::test]
async fn what_runs_is_looked_after_though_the_secret_lost_a_key() {
    let cluster = running_environment().await;
    let app = cluster.get(APP).unwrap()["spec"].clone();
    cluster.put_secret("chatbot-dev", "chatbot", &[("SECRET_KEY", "x")]);
    cluster.reconcile().await;
    cluster.remove(SERVICE);
    caches_age(61).await;
    cluster.reconcile().await;
    assert!(cluster.get(SERVICE).is_some(), "a deleted child comes back");
    assert_eq!(cluster.get(APP).unwrap()["spec"], app, "and nothing changes otherwise");
    assert_eq!(ready(&cluster), told("False", "SecretKeysMissing"));
    with_secret(&cluster);
    cluster.settle().await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

#[tokio::test]
async fn a_missing_key_is_named_in_the_condition_and_what_runs_goes_on() {
    let cluster = running_environment().await;
    cluster.put_secret("chatbot-dev", "chatbot", &[("SECRET_KEY", "x")]);
    cluster.reconcile().await;
    assert_eq!(ready(&cluster), told("False", "SecretKeysMissing"));
    assert!(
        message(&cluster).contains("DATABASE_URL, REDIS_URL, QDRANT_URL, OPENROUTER_API_KEY"),
        "{}",
        message(&cluster)
    );
    assert!(cluster.get(APP).is_some());
    assert_eq!(cluster.writes(), ["PATCH dev", "POST events"]);
}

/// The Secret of the release that serves.
fn own_secret(cluster: &Cluster) -> String {
    let release = cluster.environment().status.unwrap().release.unwrap().id.unwrap();
    format!("/api/v1/namespaces/chatbot-dev/secrets/dev-release-{release}")
}

fn made_at(cluster: &Cluster, secret: &str, time: &str) {
    cluster.change(secret, |secret| secret["metadata"]["creationTimestamp"] = json!(time));
}

/// An older environment claims the database that `dev` serves from since this moment, by a Secret of this owner.
fn claimed_by_another(cluster: &Cluster, own_since: &str, other_since: &str, owner: &str) {
    let path = own_secret(cluster);
    made_at(cluster, &path, own_since);
    let mut claim = cluster.get(&path).unwrap();
    let mut other = serde_json::to_value(fixtures::minimal(Tier::Dev)).unwrap();
    other["metadata"] =
        json!({"name": "first", "namespace": "other", "creationTimestamp": "2025-01-01T00:00:00Z", "uid": "older"});
    claim["metadata"]["namespace"] = json!("other");
    claim["metadata"]["creationTimestamp"] = json!(other_since);
    claim["metadata"]["annotations"] = json!({});
    claim["metadata"]["ownerReferences"][0]["uid"] = json!(owner);
    claim["metadata"]["labels"]["chatbot.platform/environment"] = json!("first");
    cluster.put("/apis/chatbot.platform/v1alpha1/namespaces/other/chatbotenvironments/first", other);
    cluster.put("/api/v1/namespaces/other/secrets/first-release-x", claim);
}

#[tokio::test]
async fn a_database_that_another_environment_claimed_first_is_refused_by_its_name() {
    let cluster = running_environment().await;
    claimed_by_another(&cluster, "2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z", "older");
    look_at_dev(&cluster).await.unwrap();
    let (status, reason, message) = condition(&cluster.environment(), conditions::STALLED).unwrap();
    assert_eq!((status.as_str(), reason.as_str()), ("True", "DatabaseShared"));
    assert!(message.contains("belongs to ChatbotEnvironment other/first"), "{message}");
}

#[tokio::test]
async fn an_older_environment_does_not_take_the_database_of_one_that_serves() {
    let cluster = running_environment().await;
    claimed_by_another(&cluster, "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "older");
    look_at_dev(&cluster).await.unwrap();
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

#[tokio::test]
async fn a_secret_of_another_owner_claims_nothing() {
    let cluster = running_environment().await;
    claimed_by_another(&cluster, "2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z", "of an earlier environment");
    look_at_dev(&cluster).await.unwrap();
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

#[tokio::test]
async fn a_release_does_not_give_up_the_database_that_the_one_before_claimed() {
    let cluster = running_environment().await;
    let first = own_secret(&cluster);
    made_at(&cluster, &first, "2026-01-02T12:00:00Z");
    ask_for(&cluster, "chatbot:2");
    release(&cluster).await;
    assert_ne!(own_secret(&cluster), first);
    cluster.remove(&first);
    claimed_by_another(&cluster, "2026-01-04T00:00:00Z", "2026-01-03T00:00:00Z", "older");
    look_at_dev(&cluster).await.unwrap();
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

#[tokio::test]
async fn what_an_environment_needs_on_shared_services_is_made_before_it_is_migrated() {
    let cluster = new_environment("  provision: {adminSecretRef: {name: platform-admin}}\n").await;
    cluster.put_secret(
        "chatbot-dev",
        "chatbot",
        &[("SECRET_KEY", "0123456789012345678901234567890123"), ("OPENROUTER_API_KEY", "k")],
    );
    let database = "postgresql://postgres:x@postgresql.platform.svc:5432/postgres";
    let admin = [("DATABASE_URL", database), ("REDIS_URL", "redis://redis:6379"), ("QDRANT_URL", "http://qdrant:6333")];
    cluster.put_secret("chatbot-dev", "platform-admin", &admin);
    cluster.reconcile().await;
    assert!(cluster.get("/api/v1/namespaces/chatbot-dev/secrets/dev-provisioned").is_some());
    cluster.reconcile().await;
    let jobs = |cluster: &Cluster| -> Vec<String> {
        let writes = cluster.writes().into_iter();
        writes.filter(|write| write.contains("-provision-") || write.contains("-backup-")).collect()
    };
    let made = jobs(&cluster);
    assert!(made.len() == 1 && made[0].starts_with("PATCH dev-provision-"), "{made:?}");
    cluster.run_pods();
    cluster.reconcile().await;
    let made = jobs(&cluster);
    assert!(made.len() == 1 && made[0].starts_with("PATCH dev-backup-"), "{made:?}");
    pods_are_well(&cluster, &candidate(&cluster));
    cluster.settle().await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

#[tokio::test]
async fn fields_without_effect_are_named() {
    let cluster =
        Cluster::with(fixtures::environment(Tier::Dev, "  backups: {rto: 2h}\n  release: {promotion: Manual}\n")).await;
    with_secret(&cluster);
    cluster.reconcile().await;
    let (status, reason, message) = condition(&cluster.environment(), conditions::SPEC_SUPPORTED).unwrap();
    assert_eq!((status.as_str(), reason.as_str()), ("False", "FieldsNotActive"));
    assert!(message.contains("backups.rto:") && message.contains("release.promotion:"), "{message}");
}

#[tokio::test]
async fn an_environment_that_lacks_something_still_tells_what_runs() {
    let cluster = running_environment().await;
    cluster.put_secret("chatbot-dev", "chatbot", &[("SECRET_KEY", "x")]);
    cluster.reconcile().await;
    assert_eq!(cluster.environment().status.unwrap().replicas, Some(1));
    suspend(&cluster, true);
    cluster.reconcile().await;
    assert!(message(&cluster).ends_with("spec.suspend takes effect once this is mended"), "{}", message(&cluster));
    assert_eq!(status_of(&cluster).phase, crate::crd::Phase::Stable, "its pods still run");
    with_secret(&cluster);
    cluster.settle().await;
    cluster.put_secret("chatbot-dev", "chatbot", &[("SECRET_KEY", "x")]);
    cluster.reconcile().await;
    assert_eq!(status_of(&cluster).phase, crate::crd::Phase::Suspended);
}
