//! Environments that are paused, suspended, or being deleted.

use super::*;

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

fn pause(cluster: &Cluster, pause: &str) {
    cluster.change(ENVIRONMENT, |environment| {
        environment["metadata"]["annotations"] = json!({"chatbot.platform/pause": pause});
    });
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
async fn a_release_that_is_paused_says_that_it_is_paused() {
    let cluster = checked_environment().await;
    pause(&cluster, "true");
    cluster.reconcile().await;
    assert_eq!(ready(&cluster), told("False", "Paused"));
}
