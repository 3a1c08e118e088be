//! An environment is released and comes to rest; what drifts comes back, and nothing else is written.

use super::*;

#[tokio::test]
async fn a_new_environment_is_released_and_comes_to_rest() {
    let cluster = running_environment().await;
    let status = cluster.environment().status.unwrap();
    let release = status.release.unwrap();
    assert_eq!(release.phase, crate::crd::Phase::Stable);
    assert_eq!(release.image_tag.as_deref(), Some("1.4.0"));
    assert_eq!(release.schema.as_deref(), Some("20260101000000"));
    assert_eq!(release.candidate, None);
    assert_eq!(release.steps.len(), 6);
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
    reconcile(environment, std::sync::Arc::new(fresh)).await.unwrap();
    assert_eq!(cluster.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_cache_that_lags_is_not_decided_from_and_holds_no_release_up() {
    let cluster = new_environment(NO_BACKUP).await;
    let cached = std::sync::Arc::new(cluster.environment());
    let look = async || reconcile(std::sync::Arc::clone(&cached), std::sync::Arc::clone(&cluster.ctx)).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..5 {
        look().await;
        pods_are_well(&cluster, &candidate(&cluster));
        cluster.run_pods();
        seen.push(cluster.environment().status.unwrap().release.unwrap().phase.to_string());
        // Nobody else writes: none of these writes was refused as made from an old version.
        assert_eq!(cluster.environment().status.unwrap().release.unwrap().steps.len(), seen.len());
    }
    assert_eq!(seen, ["Migrate", "Start", "Check", "Switch", "Finish"]);
}

#[tokio::test]
async fn no_call_at_all_is_made_while_a_cache_is_far_behind() {
    let cluster = running_environment().await;
    let environment = cluster.environment();
    let target = crate::controllers::fake::target(&environment);
    for _ in 0..9 {
        cluster.ctx.memory.wrote_status(&target, environment.metadata.resource_version.clone(), environment.clone());
    }
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

/// Later than the last write has to show in the caches.
async fn a_moment_later() {
    caches_age(10).await;
}

#[tokio::test]
async fn what_others_add_is_taken_away_where_it_changes_the_meaning() {
    type Change = fn(&mut Value);
    let policy = "/apis/networking.k8s.io/v1/namespaces/chatbot-dev/networkpolicies/dev-default-deny";
    let cases: [(&str, &str, Change); 5] = [
        ("a label that no pod has", SERVICE, |service| service["spec"]["selector"]["x"] = json!("y")),
        ("a port", SERVICE, |service| {
            service["spec"]["ports"].as_array_mut().unwrap().push(json!({"port": 22, "protocol": "TCP"}));
        }),
        ("a label that no pod has", policy, |policy| policy["spec"]["podSelector"]["matchLabels"]["x"] = json!("y")),
        ("a rule that lets everybody in", policy, |policy| policy["spec"]["ingress"] = json!([{}])),
        ("a variable", APP, |app| {
            let variables = &mut app["spec"]["template"]["spec"]["containers"][0]["env"];
            variables.as_array_mut().unwrap().push(json!({"name": "DEBUG", "value": "true"}));
        }),
    ];
    for (name, path, change) in cases {
        let cluster = running_environment().await;
        let before = cluster.get(path).unwrap()["spec"].clone();
        a_moment_later().await;
        cluster.change(path, change);
        cluster.reconcile().await;
        assert_eq!(cluster.get(path).unwrap()["spec"], before, "{name} in {path}");
        cluster.settle().await;
        assert_eq!(ready(&cluster), told("True", "ReleaseActive"), "{name} in {path}");
    }
}

#[tokio::test]
async fn what_a_webhook_adds_to_every_write_is_accepted() {
    let cluster = running_environment().await;
    cluster.admit_with(APP, json!({"spec": {"template": {"spec": {"nodeSelector": {"pool": "small"}}}}}));
    a_moment_later().await;
    cluster.remove(APP);
    cluster.reconcile().await;
    assert_eq!(cluster.get(APP).unwrap()["spec"]["template"]["spec"]["nodeSelector"], json!({"pool": "small"}));
    cluster.settle().await;
    a_moment_later().await;
    cluster.reconcile().await;
    assert_eq!(cluster.writes(), Vec::<String>::new());
}
