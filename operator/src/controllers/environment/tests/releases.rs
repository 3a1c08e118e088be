//! Releases of the one colour, from the changed spec to their end.

use super::*;

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
    assert!(cluster.get(&secret).is_some(), "a person may return to it");
    for image in 3..14 {
        ask_for(&cluster, &format!("chatbot:{image}"));
        release(&cluster).await;
    }
    assert_eq!(cluster.get(&secret), None, "for as long as history knows it");
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
    assert_eq!(status_of(&cluster).phase, crate::crd::Phase::Backup);
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
    let cluster = new_environment(NO_BACKUP).await;
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
async fn a_job_of_an_earlier_environment_of_the_same_name_is_not_taken_for_its_own() {
    let cluster = new_environment(NO_BACKUP).await;
    cluster.reconcile().await;
    let job = format!("/apis/batch/v1/namespaces/chatbot-dev/jobs/dev-migrate-{}", candidate(&cluster));
    cluster.run_pods();
    cluster.change(&job, |job| job["metadata"]["ownerReferences"][0]["uid"] = json!("earlier"));
    cluster.reconcile().await;
    assert_eq!(status_of(&cluster).phase, crate::crd::Phase::Migrate);
    cluster.remove(&job);
    caches_age(10).await;
    release(&cluster).await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
}

/// Jobs and pods are watched one beside the other, and a finished pod may be removed at any time, by a node drain say.
#[tokio::test]
async fn a_job_whose_last_words_are_not_there_is_waited_for_and_then_run_again() {
    let cluster = new_environment(NO_BACKUP).await;
    cluster.reconcile().await;
    let name = format!("dev-migrate-{}", candidate(&cluster));
    let job = format!("/apis/batch/v1/namespaces/chatbot-dev/jobs/{name}");
    let end = || cluster.end_job(&job, "Complete", 0, r#"{"schema":"20260101000000","applied":[]}"#);
    end();
    cluster.lose_pods_of(&name);
    cluster.reconcile().await;
    assert_eq!(status_of(&cluster).phase, crate::crd::Phase::Migrate, "its pod may be seen in a moment");
    cluster.later(60);
    cluster.reconcile().await;
    cluster.reconcile().await;
    assert_eq!(status_of(&cluster).phase, crate::crd::Phase::Migrate);
    assert!(cluster.get(&job).is_some_and(|job| job.get("status").is_none()), "it is made anew");
    end();
    cluster.reconcile().await;
    assert_eq!(status_of(&cluster).phase, crate::crd::Phase::Start);
}
