//! What is wrong, as a person reads it in the condition.

use super::*;

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
    caches_age(10).await;
    cluster.reconcile().await;
    assert_eq!(ready(&cluster), told("False", "QuotaExceeded"));
    assert_eq!(condition(&cluster.environment(), conditions::STALLED).unwrap().1, "QuotaExceeded");
    cluster.writes();
    for _ in 0..5 {
        cluster.reconcile().await;
    }
    assert_eq!(cluster.writes(), Vec::<String>::new());
    cluster.allow_everything();
    caches_age(61).await;
    cluster.settle().await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

#[tokio::test]
async fn what_cannot_be_removed_is_named_and_keeps_nothing_else_from_going_on() {
    let cluster = running_environment().await;
    cluster.refuse("DELETE /apis/batch/v1/namespaces/chatbot-dev/jobs/", 403, "secrets is forbidden");
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
    cluster.writes();
    for _ in 0..5 {
        cluster.reconcile().await;
    }
    assert_eq!(cluster.writes(), Vec::<String>::new(), "a refused removal is not repeated in haste");
    cluster.allow_everything();
    caches_age(61).await;
    cluster.settle().await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

#[tokio::test]
async fn what_is_gone_though_the_caches_show_it_is_removed_once() {
    let cluster = new_environment("  app: {autoscaling: {min: 1, max: 3}}\n").await;
    release(&cluster).await;
    cluster.change(ENVIRONMENT, |environment| {
        environment["spec"]["app"] = json!({"replicas": 1});
    });
    cluster.vanish("/apis/autoscaling/v2/namespaces/chatbot-dev/horizontalpodautoscalers/dev-app");
    let deletions = |cluster: &Cluster| -> Vec<String> {
        cluster.writes().into_iter().filter(|write| write.starts_with("DELETE")).collect()
    };
    cluster.reconcile().await;
    assert_eq!(deletions(&cluster), ["DELETE dev-app"]);
    for _ in 0..5 {
        cluster.reconcile().await;
    }
    assert_eq!(deletions(&cluster), Vec::<String>::new());
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
    cluster.refuse("DELETE /apis/batch/v1/namespaces/chatbot-dev/jobs/", 403, why);
    ask_for(&cluster, "chatbot:2");
    cluster.reconcile().await;
    pods_are_well(&cluster, &candidate(&cluster));
    for _ in 0..40 {
        cluster.run_pods();
        cluster.reconcile().await;
        if log.text().contains("not deleted") {
            break;
        }
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
async fn a_job_without_pods_is_explained_and_an_operator_that_may_not_ask_why_goes_on() {
    let cluster = new_environment(NO_BACKUP).await;
    cluster.refuse("GET /apis/events.k8s.io/v1/namespaces/chatbot-dev/events", 403, "events is forbidden");
    cluster.reconcile().await;
    let job = format!("/apis/batch/v1/namespaces/chatbot-dev/jobs/dev-migrate-{}", candidate(&cluster));
    cluster.change(&job, |job| job["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z"));
    cluster.reconcile().await;
    assert!(cluster.calls().iter().any(|call| call.method == "GET" && call.path.ends_with("/events")));
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
        let cluster = new_environment(NO_BACKUP).await;
        cluster.reconcile().await;
        let job = format!("/apis/batch/v1/namespaces/chatbot-dev/jobs/dev-migrate-{}", candidate(&cluster));
        cluster.end_job(&job, "Suspended", 1, "");
        cluster.change_pods("migrate", &status);
        cluster.reconcile().await;
        assert_eq!(ready(&cluster), told("False", reason));
        assert!(!message(&cluster).contains("spec."), "{}", message(&cluster));
    }
}
