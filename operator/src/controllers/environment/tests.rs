use serde_json::{Value, json};

use super::resolve::fixtures;
use crate::{
    controllers::fake::{Cluster, container},
    crd::{ChatbotEnvironment, Tier, conditions},
};

const APP: &str = "/apis/apps/v1/namespaces/chatbot-dev/deployments/dev-app-blue";
const SERVICE: &str = "/api/v1/namespaces/chatbot-dev/services/dev";
const ENVIRONMENT: &str = "/apis/chatbot.platform/v1alpha1/namespaces/chatbot-dev/chatbotenvironments/dev";

fn condition(environment: &ChatbotEnvironment, type_: &str) -> Option<(String, String, String)> {
    let conditions = &environment.status.as_ref()?.conditions;
    let found = conditions::find(conditions, type_)?;
    Some((found.status.clone(), found.reason.clone(), found.message.clone()))
}

/// Status and reason of Ready.
fn ready(cluster: &Cluster) -> (String, String) {
    let (status, reason, _) = condition(&cluster.environment(), conditions::READY).unwrap();
    (status, reason)
}

fn message(cluster: &Cluster) -> String {
    condition(&cluster.environment(), conditions::READY).unwrap().2
}

fn told(status: &str, reason: &str) -> (String, String) {
    (status.to_owned(), reason.to_owned())
}

fn with_secret(cluster: &Cluster) {
    let variables = fixtures::user_variables();
    let pairs: Vec<_> = variables.iter().map(|(key, value)| (*key, value.as_str())).collect();
    cluster.put_secret("chatbot-dev", "chatbot", &pairs);
}

/// Every pod answers that it is well and runs this release.
fn pods_are_well(cluster: &Cluster, release: &str) {
    let services = json!([{"name": "postgresql", "healthy": true, "required": true, "message": "1.2 ms"}, {"name": "redis", "healthy": true}]);
    cluster.pods_answer(
        200,
        json!({"status": "ok", "releaseId": release, "schema": {"compatible": true}, "services": services}),
    );
}

fn candidate(cluster: &Cluster) -> String {
    cluster.environment().status.unwrap().release.unwrap().candidate.unwrap().id
}

async fn new_environment(more: &str) -> Cluster {
    let cluster = Cluster::with(fixtures::environment(Tier::Dev, more)).await;
    with_secret(&cluster);
    cluster
}

/// The candidate's pods answer well, and everything comes to rest.
async fn release(cluster: &Cluster) {
    cluster.reconcile().await;
    pods_are_well(cluster, &candidate(cluster));
    cluster.settle().await;
}

async fn running_environment() -> Cluster {
    let cluster = new_environment("").await;
    release(&cluster).await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
    cluster
}

fn ask_for(cluster: &Cluster, image: &str) {
    cluster.change(ENVIRONMENT, |environment| {
        environment["spec"]["image"] = json!(image);
        environment["metadata"]["generation"] = json!(2);
    });
}

fn image_of(cluster: &Cluster, path: &str) -> Value {
    cluster.get(path).unwrap()["spec"]["template"]["spec"]["containers"][0]["image"].clone()
}

#[tokio::test]
async fn a_new_environment_is_released_and_comes_to_rest() {
    let cluster = running_environment().await;
    let status = cluster.environment().status.unwrap();
    let release = status.release.unwrap();
    assert_eq!(release.phase, crate::crd::Phase::Stable);
    assert_eq!(release.image_tag.as_deref(), Some("1.4.0"));
    assert_eq!(release.schema.as_deref(), Some("20260101000000"));
    assert_eq!(release.candidate, None);
    assert_eq!(release.steps.len(), 5);
    assert_eq!(status.observed_generation, Some(1));
    assert_eq!(status.url.as_deref(), Some("http://dev.chatbot-dev.svc"));
    assert_eq!(condition(&cluster.environment(), conditions::RECONCILING), None);
    assert_eq!(condition(&cluster.environment(), conditions::STALLED), None);
    let (healthy, reason, _) = condition(&cluster.environment(), conditions::SERVICES_HEALTHY).unwrap();
    assert_eq!((healthy.as_str(), reason.as_str()), ("True", "AllServicesHealthy"));
    assert_eq!(cluster.get(SERVICE).unwrap()["spec"]["selector"]["chatbot.platform/colour"], "blue");
}

#[tokio::test]
async fn nothing_is_written_when_nothing_changed() {
    let cluster = running_environment().await;
    for _ in 0..3 {
        cluster.later(30);
        cluster.reconcile().await;
    }
    assert_eq!(cluster.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_written_by_an_operator_that_starts_anew() {
    let cluster = running_environment().await;
    let fresh =
        crate::controllers::context::Context { memory: std::sync::Arc::default(), ..cluster.ctx.as_ref().clone() };
    let environment = std::sync::Arc::new(cluster.environment());
    super::reconcile(environment, std::sync::Arc::new(fresh)).await.unwrap();
    assert_eq!(cluster.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn no_call_at_all_is_made_for_a_version_that_is_known_to_be_outdated() {
    let cluster = running_environment().await;
    let environment = cluster.environment();
    cluster
        .ctx
        .memory
        .outdate(&crate::controllers::fake::target(&environment), environment.metadata.resource_version.clone());
    cluster.reconcile().await;
    assert_eq!(cluster.calls(), []);
}

#[tokio::test]
async fn users_reach_no_pod_before_the_first_release_was_checked() {
    let cluster = new_environment("").await;
    cluster.reconcile().await;
    let selector =
        |cluster: &Cluster| cluster.get(SERVICE).unwrap()["spec"]["selector"]["chatbot.platform/colour"].clone();
    while cluster.environment().status.unwrap().release.unwrap().active.is_none() {
        assert_eq!(selector(&cluster), "none");
        pods_are_well(&cluster, &candidate(&cluster));
        cluster.run_pods();
        cluster.reconcile().await;
    }
    assert_eq!(selector(&cluster), "blue");
}

#[tokio::test]
async fn drift_is_undone_and_a_deleted_child_comes_back() {
    let cluster = running_environment().await;
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(10)).await;
    cluster.change(SERVICE, |service| service["spec"]["selector"]["chatbot.platform/colour"] = json!("green"));
    cluster.remove(APP);
    tokio::time::resume();
    cluster.reconcile().await;
    assert_eq!(cluster.writes(), ["PATCH dev-app-blue", "PATCH dev", "PATCH dev", "POST events"]);
    assert_eq!(cluster.get(SERVICE).unwrap()["spec"]["selector"]["chatbot.platform/colour"], "blue");
}

#[tokio::test]
async fn what_others_add_to_a_child_is_left_alone() {
    let cluster = running_environment().await;
    cluster.change(APP, |app| app["metadata"]["annotations"]["team"] = json!("web"));
    cluster.reconcile().await;
    assert_eq!(cluster.writes(), Vec::<String>::new());
}

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

#[tokio::test]
async fn a_new_image_is_released_over_the_old_one() {
    let cluster = running_environment().await;
    let old = cluster.environment().status.unwrap().release.unwrap().id.unwrap();
    ask_for(&cluster, "chatbot:2");
    release(&cluster).await;
    assert_eq!(image_of(&cluster, APP), "chatbot:2");
    let status = cluster.environment().status.unwrap();
    assert_eq!(status.history.len(), 2);
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
    let secret = format!("/api/v1/namespaces/chatbot-dev/secrets/dev-release-{old}");
    assert_eq!(cluster.get(&secret), None, "settings of the old release are not kept for ever");
}

#[tokio::test]
async fn a_new_release_that_ends_sooner_does_not_touch_the_pods_of_the_one_that_serves() {
    let cluster = new_environment("  settings: {REQUEST_TIMEOUT: '3600'}\n").await;
    release(&cluster).await;
    cluster.change(ENVIRONMENT, |environment| {
        environment["spec"]["settings"] = json!({});
        environment["metadata"]["generation"] = json!(2);
    });
    cluster.reconcile().await;
    assert_eq!(status_of(&cluster).phase, crate::crd::Phase::Migrate);
    let writes = cluster.writes();
    assert!(!writes.contains(&"PATCH dev-app-blue".to_owned()), "{writes:?}");
    let grace = |cluster: &Cluster| {
        cluster.get(APP).unwrap()["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].clone()
    };
    assert_eq!(grace(&cluster), 3630);
    release(&cluster).await;
    assert_eq!(grace(&cluster), 180);
}

#[tokio::test]
async fn a_release_that_fails_its_check_is_discarded_and_not_tried_again() {
    let cluster = running_environment().await;
    ask_for(&cluster, "chatbot:2");
    cluster.reconcile().await;
    let bad = candidate(&cluster);
    for _ in 0..6 {
        cluster.run_pods();
        cluster.reconcile().await;
    }
    assert_eq!(image_of(&cluster, APP), "chatbot:2", "the check waits");
    cluster.later(600);
    cluster.settle().await;
    assert_eq!(image_of(&cluster, APP), "registry.example/acme/chatbot:1.4.0");
    assert_eq!(ready(&cluster), told("False", "ReleaseFailed"));
    assert!(message(&cluster).contains(&format!("chatbot.platform/retry={bad}")), "{}", message(&cluster));
    cluster.later(6000);
    cluster.settle().await;
    assert_eq!(cluster.environment().status.unwrap().failed_releases.len(), 1);
    cluster.change(ENVIRONMENT, |environment| {
        environment["metadata"]["annotations"] = json!({"chatbot.platform/retry": bad});
    });
    release(&cluster).await;
    assert_eq!(image_of(&cluster, APP), "chatbot:2");
    assert_eq!(cluster.environment().status.unwrap().release.unwrap().retried, Some(bad));
}

#[tokio::test]
async fn a_failed_migration_is_quoted_and_tried_again() {
    let cluster = new_environment("").await;
    cluster.reconcile().await;
    let job = format!("/apis/batch/v1/namespaces/chatbot-dev/jobs/dev-migrate-{}", candidate(&cluster));
    cluster.end_job(&job, "Failed", 1, "error: cannot reach the database\n");
    cluster.reconcile().await;
    assert_eq!(ready(&cluster), told("False", "MigrationFailed"));
    assert!(message(&cluster).contains("the migration failed: cannot reach the database"), "{}", message(&cluster));
    cluster.writes();
    cluster.later(61);
    cluster.reconcile().await;
    assert_eq!(cluster.get(&job), None, "it is removed after its rest");
    cluster.reconcile().await;
    assert!(cluster.get(&job).is_some(), "and made anew");
}

#[tokio::test]
async fn troubles_of_pods_are_told_with_what_to_do() {
    let waiting = |reason: &str, message: &str| {
        let state = json!({"waiting": {"reason": reason, "message": message}});
        json!({"phase": "Pending", "containerStatuses": [container(false, 0, &state)]})
    };
    let mut crash = container(false, 3, &json!({"waiting": {"reason": "CrashLoopBackOff"}}));
    crash["lastState"] =
        json!({"terminated": {"exitCode": 1, "message": "{\"level\":\"info\"}\nerror: SECRET_KEY is too short\n"}});
    let mut killed = container(false, 1, &json!({"running": {}}));
    killed["lastState"] = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    let scheduled = json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: Insufficient cpu"}]);
    let cases = [
        (
            waiting("ImagePullBackOff", "ErrImagePull: chatbot:9: not found"),
            "ImagePullFailed",
            "the registry does not have it",
        ),
        (waiting("InvalidImageName", ""), "ImagePullFailed", "its name is no image reference"),
        (json!({"containerStatuses": [crash]}), "CrashLoop", "SECRET_KEY is too short"),
        (json!({"containerStatuses": [killed]}), "OutOfMemory", "raise spec.app.resources.limits.memory"),
        (json!({"phase": "Pending", "conditions": scheduled}), "Unschedulable", "Insufficient cpu"),
    ];
    for (status, reason, words) in cases {
        let cluster = running_environment().await;
        cluster.change_pods("app", &status);
        cluster.reconcile().await;
        assert_eq!(ready(&cluster), told("True", "ReleaseActive"), "{reason} beside a pod that works");
        assert!(message(&cluster).contains(words), "{}", message(&cluster));
        cluster.deployments_tell(&json!({"replicas": 1, "availableReplicas": 0}));
        cluster.reconcile().await;
        assert_eq!(ready(&cluster), told("False", reason));
        assert!(message(&cluster).contains(words), "{}", message(&cluster));
        cluster.writes();
        cluster.reconcile().await;
        assert_eq!(cluster.writes(), Vec::<String>::new(), "{reason} is told once");
        cluster.settle().await;
        assert_eq!(ready(&cluster), told("True", "ReleaseActive"), "{reason} is over");
    }
}

#[tokio::test]
async fn a_quota_is_told_from_the_deployment_that_meets_it() {
    let cluster = running_environment().await;
    let message_of =
        "pods \"dev-app-blue-1\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2";
    let conditions =
        json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message_of}]);
    cluster.deployments_tell(&json!({"conditions": conditions, "replicas": 0}));
    cluster.reconcile().await;
    assert_eq!(ready(&cluster), told("False", "QuotaExceeded"));
    assert!(message(&cluster).contains("exceeded quota: small"), "{}", message(&cluster));
    assert!(!message(&cluster).contains("dev-app-blue-1"), "{}", message(&cluster));
}

#[tokio::test]
async fn a_database_that_is_down_is_told_by_the_pods_that_wait_for_it() {
    let cluster = running_environment().await;
    let services = json!([{"name": "postgresql", "healthy": false, "required": true, "message": "connection refused"}]);
    cluster.pods_answer(503, json!({"status": "unavailable", "services": services}));
    let unready = json!({"phase": "Running", "podIP": "127.0.0.1", "containerStatuses": [container(false, 0, &json!({"running": {}}))]});
    cluster.change_pods("app", &unready);
    cluster.deployments_tell(&json!({"replicas": 1}));
    cluster.reconcile().await;
    assert_eq!(ready(&cluster), told("False", "PodsNotReady"));
    assert!(message(&cluster).contains("postgresql is down: it cannot be reached"), "{}", message(&cluster));
    let (healthy, ..) = condition(&cluster.environment(), conditions::SERVICES_HEALTHY).unwrap();
    assert_eq!(healthy, "False");
}

#[tokio::test]
async fn a_refused_object_is_told_and_not_written_again_in_haste() {
    let cluster = running_environment().await;
    cluster.remove(SERVICE);
    cluster.refuse("/services/", 403, "services \"dev\" is forbidden: exceeded quota: small, requested: services=1");
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(10)).await;
    tokio::time::resume();
    cluster.reconcile().await;
    assert_eq!(ready(&cluster), told("False", "QuotaExceeded"));
    assert_eq!(condition(&cluster.environment(), conditions::STALLED).unwrap().1, "QuotaExceeded");
    cluster.writes();
    for _ in 0..5 {
        cluster.reconcile().await;
    }
    assert_eq!(cluster.writes(), Vec::<String>::new());
    cluster.allow_everything();
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    tokio::time::resume();
    cluster.settle().await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

#[tokio::test]
async fn a_paused_environment_is_watched_and_not_touched() {
    let cluster = running_environment().await;
    cluster.change(ENVIRONMENT, |environment| {
        environment["metadata"]["annotations"] = json!({"chatbot.platform/pause": "true"});
    });
    ask_for(&cluster, "chatbot:2");
    cluster.remove(SERVICE);
    cluster.reconcile().await;
    assert_eq!(ready(&cluster), told("False", "Paused"));
    assert_eq!(cluster.writes(), ["PATCH dev", "POST events"]);
}

#[tokio::test]
async fn a_suspended_environment_runs_no_pod_and_keeps_its_release() {
    let cluster = running_environment().await;
    cluster.change(ENVIRONMENT, |environment| environment["spec"]["suspend"] = json!(true));
    cluster.settle().await;
    assert_eq!(cluster.get(APP).unwrap()["spec"]["replicas"], 0);
    assert_eq!(ready(&cluster), told("False", "Suspended"));
    let release = cluster.environment().status.unwrap().release.unwrap();
    assert_eq!((release.phase, release.image_tag.as_deref()), (crate::crd::Phase::Suspended, Some("1.4.0")));
    cluster.change(ENVIRONMENT, |environment| environment["spec"]["suspend"] = json!(false));
    cluster.settle().await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

/// An older environment claims the database that `dev` serves from since this moment.
fn claimed_by_another(cluster: &Cluster, own_since: &str, other_since: &str) {
    let release = cluster.environment().status.unwrap().release.unwrap().id.unwrap();
    let path = format!("/api/v1/namespaces/chatbot-dev/secrets/dev-release-{release}");
    cluster.change(&path, |secret| secret["metadata"]["creationTimestamp"] = json!(own_since));
    let mut claim = cluster.get(&path).unwrap();
    let mut other = serde_json::to_value(fixtures::minimal(Tier::Dev)).unwrap();
    other["metadata"] =
        json!({"name": "first", "namespace": "other", "creationTimestamp": "2025-01-01T00:00:00Z", "uid": "older"});
    claim["metadata"]["namespace"] = json!("other");
    claim["metadata"]["creationTimestamp"] = json!(other_since);
    claim["metadata"]["labels"]["chatbot.platform/environment"] = json!("first");
    cluster.put("/apis/chatbot.platform/v1alpha1/namespaces/other/chatbotenvironments/first", other);
    cluster.put("/api/v1/namespaces/other/secrets/first-release-x", claim);
}

async fn look_at_dev(cluster: &Cluster) -> Result<(), crate::error::Error> {
    let is_dev = |found: &ChatbotEnvironment| found.metadata.namespace.as_deref() == Some("chatbot-dev");
    let environment = cluster.ctx.stores.environments.find(is_dev).unwrap();
    super::reconcile(environment, std::sync::Arc::clone(&cluster.ctx)).await.map(drop)
}

#[tokio::test]
async fn a_database_that_another_environment_claimed_first_is_refused_by_its_name() {
    let cluster = running_environment().await;
    claimed_by_another(&cluster, "2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z");
    look_at_dev(&cluster).await.unwrap();
    let (status, reason, message) = condition(&cluster.environment(), conditions::STALLED).unwrap();
    assert_eq!((status.as_str(), reason.as_str()), ("True", "DatabaseShared"));
    assert!(message.contains("belongs to ChatbotEnvironment other/first"), "{message}");
}

#[tokio::test]
async fn an_older_environment_does_not_take_the_database_of_one_that_serves() {
    let cluster = running_environment().await;
    claimed_by_another(&cluster, "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z");
    look_at_dev(&cluster).await.unwrap();
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

#[tokio::test]
async fn nothing_is_made_for_an_environment_that_is_being_deleted() {
    let cluster = running_environment().await;
    cluster.change(ENVIRONMENT, |environment| {
        environment["metadata"]["deletionTimestamp"] = json!("2026-11-01T00:00:00Z");
    });
    cluster.remove(SERVICE);
    cluster.remove(APP);
    cluster.reconcile().await;
    assert_eq!(cluster.calls(), []);
}

#[tokio::test]
async fn an_object_of_the_same_name_that_somebody_else_made_is_not_taken_over() {
    let cluster = new_environment("").await;
    let shop = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "dev", "namespace": "chatbot-dev", "labels": {"app": "shop"}}, "spec": {}});
    cluster.put(SERVICE, shop);
    cluster.reconcile().await;
    assert_eq!(ready(&cluster), told("False", "ApplyRefused"));
    assert!(
        message(&cluster).contains("Service dev: ") && message(&cluster).contains("exists already"),
        "{}",
        message(&cluster)
    );
    assert_eq!(cluster.get(SERVICE).unwrap()["metadata"]["labels"], json!({"app": "shop"}));
}

#[tokio::test]
async fn what_a_prometheus_is_not_to_scrape_any_more_is_removed() {
    let cluster = running_environment().await;
    let environment = cluster.environment();
    for (kind, plural, name) in
        [("ServiceMonitor", "servicemonitors", "dev"), ("PodMonitor", "podmonitors", "dev-worker")]
    {
        let path = format!("/apis/monitoring.coreos.com/v1/namespaces/chatbot-dev/{plural}/{name}");
        let owner = json!({"apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotEnvironment", "name": "dev", "uid": environment.metadata.uid});
        let labels = cluster.get(SERVICE).unwrap()["metadata"]["labels"].clone();
        let metadata = json!({"name": name, "namespace": "chatbot-dev", "labels": labels, "ownerReferences": [owner]});
        cluster.put(&path, json!({"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": metadata}));
        cluster.reconcile().await;
        assert_eq!(cluster.get(&path), None, "{kind}");
    }
}

#[tokio::test]
async fn what_cannot_be_removed_is_named_and_keeps_nothing_else_from_going_on() {
    let cluster = running_environment().await;
    cluster.refuse("DELETE /api/v1/namespaces/chatbot-dev/secrets/", 403, "secrets is forbidden");
    ask_for(&cluster, "chatbot:2");
    cluster.reconcile().await;
    pods_are_well(&cluster, &candidate(&cluster));
    for _ in 0..10 {
        cluster.run_pods();
        cluster.reconcile().await;
    }
    assert_eq!(status_of(&cluster).image_tag.as_deref(), Some("2"));
    assert_eq!(ready(&cluster), told("False", "ApplyRefused"));
    assert!(message(&cluster).contains("cannot be removed"), "{}", message(&cluster));
}

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Listens for as long as the guard lives.
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || log.clone()).finish();
        tracing::subscriber::set_default(subscriber)
    }
}

#[tokio::test]
async fn what_the_api_server_quotes_is_logged_and_shown_without_credentials() {
    let why = "admission webhook denied postgres://chat:hunter2@db/chat";
    let log = Log::default();
    let _guard = log.listen();
    let cluster = running_environment().await;
    cluster.refuse("DELETE /api/v1/namespaces/chatbot-dev/secrets/", 403, why);
    ask_for(&cluster, "chatbot:2");
    cluster.reconcile().await;
    pods_are_well(&cluster, &candidate(&cluster));
    for _ in 0..10 {
        cluster.run_pods();
        cluster.reconcile().await;
    }
    let other = new_environment("").await;
    other.refuse("/services/", 403, why);
    other.reconcile().await;
    let log = log.text();
    assert!(log.contains("not deleted") && log.contains("refused"), "{log}");
    for (said, by) in [(log, "the log"), (message(&cluster), "one condition"), (message(&other), "another")] {
        assert!(said.contains("postgres://***@db/chat") && !said.contains("hunter2"), "{by}: {said}");
    }
}

#[tokio::test]
async fn calls_that_fail_again_and_again_are_told_and_forgotten_when_they_work() {
    let cluster = running_environment().await;
    let own = crate::controllers::fake::target(&cluster.environment());
    cluster.refuse("GET /api/v1/namespaces/chatbot-dev/secrets/chatbot", 403, "secrets \"chatbot\" is forbidden");
    look_at_dev(&cluster).await.unwrap_err();
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"), "once is no trouble");
    cluster.ctx.memory.failed(&own);
    cluster.ctx.memory.failed(&own);
    look_at_dev(&cluster).await.unwrap_err();
    assert_eq!(ready(&cluster), told("Unknown", "ApiError"));
    assert!(message(&cluster).contains("reading Secret chatbot-dev/chatbot failed"), "{}", message(&cluster));
    cluster.allow_everything();
    cluster.reconcile().await;
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
        writes.filter(|write| write.contains("-provision-") || write.contains("-migrate-")).collect()
    };
    let made = jobs(&cluster);
    assert!(made.len() == 1 && made[0].starts_with("PATCH dev-provision-"), "{made:?}");
    cluster.run_pods();
    cluster.reconcile().await;
    let made = jobs(&cluster);
    assert!(made.len() == 1 && made[0].starts_with("PATCH dev-migrate-"), "{made:?}");
    pods_are_well(&cluster, &candidate(&cluster));
    cluster.settle().await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

#[tokio::test]
async fn fields_without_machinery_are_named() {
    let cluster =
        Cluster::with(fixtures::environment(Tier::Dev, "  monitor: {enabled: true}\n  release: {promotion: Manual}\n"))
            .await;
    with_secret(&cluster);
    cluster.reconcile().await;
    let (status, reason, message) = condition(&cluster.environment(), conditions::SPEC_SUPPORTED).unwrap();
    assert_eq!((status.as_str(), reason.as_str()), ("False", "FieldsNotActive"));
    assert!(message.contains("monitor:") && message.contains("release.promotion:"), "{message}");
}

#[tokio::test]
async fn a_job_without_pods_is_explained_and_an_operator_that_may_not_ask_why_goes_on() {
    let cluster = new_environment("").await;
    cluster.refuse("GET /apis/events.k8s.io/v1/namespaces/chatbot-dev/events", 403, "events is forbidden");
    cluster.reconcile().await;
    let job = format!("/apis/batch/v1/namespaces/chatbot-dev/jobs/dev-migrate-{}", candidate(&cluster));
    cluster.change(&job, |job| job["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z"));
    cluster.reconcile().await;
    assert!(cluster.calls().iter().any(|call| call.method == "GET" && call.path.ends_with("/events")));
    release(&cluster).await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

fn suspend(cluster: &Cluster, suspend: bool) {
    cluster.change(ENVIRONMENT, |environment| environment["spec"]["suspend"] = json!(suspend));
}

fn pause(cluster: &Cluster, pause: &str) {
    cluster.change(ENVIRONMENT, |environment| {
        environment["metadata"]["annotations"] = json!({"chatbot.platform/pause": pause});
    });
}

fn status_of(cluster: &Cluster) -> crate::crd::environment_status::ReleaseStatus {
    cluster.environment().status.unwrap().release.unwrap()
}

/// A second release whose servers are being checked, and do not pass.
async fn checked_environment() -> Cluster {
    let cluster = running_environment().await;
    ask_for(&cluster, "chatbot:2");
    while status_of(&cluster).phase != crate::crd::Phase::Check {
        cluster.reconcile().await;
        cluster.run_pods();
    }
    cluster
}

/// What a person does to the cluster.
type Deed = fn(&Cluster);

#[tokio::test]
async fn a_release_that_was_suspended_paused_or_blocked_for_hours_goes_on_where_it_stood() {
    let stop: [(&str, Deed, Deed); 3] = [
        ("suspended", |cluster| suspend(cluster, true), |cluster| suspend(cluster, false)),
        ("paused", |cluster| pause(cluster, "true"), |cluster| pause(cluster, "false")),
        ("blocked", |cluster| cluster.put_secret("chatbot-dev", "chatbot", &[("SECRET_KEY", "x")]), with_secret),
    ];
    for (name, stop, go_on) in stop {
        let cluster = checked_environment().await;
        let candidate = candidate(&cluster);
        stop(&cluster);
        cluster.reconcile().await;
        assert!(status_of(&cluster).held_since.is_some(), "{name}");
        cluster.later(7200);
        cluster.reconcile().await;
        go_on(&cluster);
        cluster.reconcile().await;
        let release = status_of(&cluster);
        assert_eq!(release.candidate.unwrap().id, candidate, "{name}");
        assert_eq!((release.held_since, release.steps.last().unwrap().held_seconds), (None, Some(7200)), "{name}");
        pods_are_well(&cluster, &candidate);
        cluster.settle().await;
        assert_eq!(status_of(&cluster).id, Some(candidate), "{name}");
    }
}

#[tokio::test]
async fn servers_that_were_at_zero_are_not_taken_for_checked() {
    let cluster = checked_environment().await;
    suspend(&cluster, true);
    for _ in 0..3 {
        cluster.reconcile().await;
        cluster.run_pods();
    }
    assert_eq!(cluster.get(APP).unwrap()["spec"]["replicas"], 0);
    suspend(&cluster, false);
    cluster.reconcile().await;
    assert_eq!(status_of(&cluster).phase, crate::crd::Phase::Check);
}

#[tokio::test]
async fn the_record_of_an_evicted_pod_holds_up_no_release() {
    let cluster = checked_environment().await;
    let release = candidate(&cluster);
    let old = status_of(&cluster).id.unwrap();
    for (number, of) in [(1, &release), (2, &old)] {
        let mut pod = cluster.get(&format!("/api/v1/namespaces/chatbot-dev/pods/dev-app-blue-{release}-0")).unwrap();
        pod["metadata"]["name"] = json!(format!("evicted-{number}"));
        pod["metadata"]["labels"]["chatbot.platform/release"] = json!(of);
        let end = container(false, 1, &json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}));
        pod["status"] = json!({"phase": "Failed", "reason": "Evicted", "containerStatuses": [end]});
        cluster.put(&format!("/api/v1/namespaces/chatbot-dev/pods/evicted-{number}"), pod);
    }
    pods_are_well(&cluster, &release);
    cluster.settle().await;
    assert_eq!(status_of(&cluster).phase, crate::crd::Phase::Stable);
    assert_eq!(message(&cluster), format!("release {release} serves"));
}

#[tokio::test]
async fn an_environment_without_servers_can_be_released() {
    let cluster = new_environment("  app: {replicas: 0}\n").await;
    release(&cluster).await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

#[tokio::test]
async fn a_first_release_that_failed_is_tried_again_by_itself_and_says_so() {
    let cluster = new_environment("").await;
    cluster.reconcile().await;
    let release = candidate(&cluster);
    cluster.settle().await;
    cluster.later(600);
    cluster.settle().await;
    assert_eq!(ready(&cluster), told("False", "ReleaseFailed"));
    assert!(message(&cluster).contains("it is tried again by itself"), "{}", message(&cluster));
    assert_eq!(condition(&cluster.environment(), conditions::STALLED), None);
    cluster.later(300);
    pods_are_well(&cluster, &release);
    cluster.settle().await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

#[tokio::test]
async fn a_release_that_is_paused_says_that_it_is_paused() {
    let cluster = checked_environment().await;
    pause(&cluster, "true");
    cluster.reconcile().await;
    assert_eq!(ready(&cluster), told("False", "Paused"));
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

#[tokio::test]
async fn a_job_of_an_earlier_environment_of_the_same_name_is_not_taken_for_its_own() {
    let cluster = new_environment("").await;
    cluster.reconcile().await;
    let job = format!("/apis/batch/v1/namespaces/chatbot-dev/jobs/dev-migrate-{}", candidate(&cluster));
    cluster.run_pods();
    cluster.change(&job, |job| job["metadata"]["ownerReferences"][0]["uid"] = json!("earlier"));
    cluster.reconcile().await;
    assert_eq!(status_of(&cluster).phase, crate::crd::Phase::Migrate);
    cluster.remove(&job);
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(10)).await;
    tokio::time::resume();
    release(&cluster).await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

#[tokio::test]
async fn nobody_is_told_to_change_a_field_that_a_job_does_not_have() {
    let mut killed = container(false, 1, &json!({"running": {}}));
    killed["lastState"] = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    let scheduled =
        json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient cpu"}]);
    let cases = [
        (json!({"containerStatuses": [killed]}), "OutOfMemory"),
        (json!({"phase": "Pending", "conditions": scheduled}), "Unschedulable"),
    ];
    for (status, reason) in cases {
        let cluster = new_environment("").await;
        cluster.reconcile().await;
        let job = format!("/apis/batch/v1/namespaces/chatbot-dev/jobs/dev-migrate-{}", candidate(&cluster));
        cluster.end_job(&job, "Suspended", 1, "");
        cluster.change_pods("migrate", &status);
        cluster.reconcile().await;
        assert_eq!(ready(&cluster), told("False", reason));
        assert!(!message(&cluster).contains("spec."), "{}", message(&cluster));
    }
}
