//! A release beside the active one, from the changed spec to the end of its bake, and back.

use super::*;
use crate::crd::{Colour, Phase};

const BLUE: &str = "/apis/apps/v1/namespaces/chatbot-dev/deployments/dev-app-blue";
const GREEN: &str = "/apis/apps/v1/namespaces/chatbot-dev/deployments/dev-app-green";
const BLUE_WORKER: &str = "/apis/apps/v1/namespaces/chatbot-dev/deployments/dev-worker-blue";
const GREEN_WORKER: &str = "/apis/apps/v1/namespaces/chatbot-dev/deployments/dev-worker-green";
const PREVIEW: &str = "/api/v1/namespaces/chatbot-dev/services/dev-preview";
pub(super) const NEW: &str = "registry.example/acme/chatbot:1.5.0";

pub(super) async fn blue_green(more: &str) -> Cluster {
    let cluster = new_environment(&format!("  release: {{strategy: BlueGreen, bake: 10m{more}}}\n")).await;
    release(&cluster).await;
    if phase_of(&cluster) == Phase::Promote {
        annotate(&cluster, "chatbot.platform/promote", &candidate(&cluster));
        cluster.settle().await;
    }
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
    cluster
}

/// A new image is on its way, and has got as far as this phase.
pub(super) async fn releasing(cluster: &Cluster, phase: Phase) {
    ask_for(cluster, NEW);
    reach(cluster, phase).await;
}

pub(super) async fn reach(cluster: &Cluster, phase: Phase) {
    cluster.reconcile().await;
    pods_are_well(cluster, &candidate(cluster));
    cluster.users_saw(0, 0);
    for _ in 0..40 {
        if phase_of(cluster) == phase {
            return cluster.users_saw(1000, 1);
        }
        cluster.run_pods();
        cluster.reconcile().await;
    }
    panic!("still in {:?}: {}", phase_of(cluster), message(cluster));
}

fn phase_of(cluster: &Cluster) -> Phase {
    cluster.environment().status.unwrap().release.unwrap().phase
}

fn traffic(cluster: &Cluster, service: &str) -> Value {
    cluster.get(service).unwrap()["spec"]["selector"]["chatbot.platform/colour"].clone()
}

pub(super) fn annotate(cluster: &Cluster, annotation: &str, value: &str) {
    cluster.change(ENVIRONMENT, |environment| environment["metadata"]["annotations"][annotation] = json!(value));
}

fn exist(cluster: &Cluster, paths: [&str; 4]) -> [bool; 4] {
    paths.map(|path| cluster.get(path).is_some())
}

/// Every server ends again and again.
fn crash(cluster: &Cluster) {
    let mut crashed = container(false, 4, &json!({"waiting": {"reason": "CrashLoopBackOff"}}));
    let now = cluster.now().to_string();
    crashed["lastState"] = json!({"terminated": {"exitCode": 1, "message": "error: out of luck", "finishedAt": now}});
    cluster.change_pods("app", &json!({"containerStatuses": [crashed]}));
}

const WORKLOADS: [&str; 4] = [BLUE, GREEN, BLUE_WORKER, GREEN_WORKER];

#[tokio::test]
async fn the_candidate_stands_beside_the_active_release_and_is_previewed() {
    let cluster = blue_green("").await;
    releasing(&cluster, Phase::Check).await;
    assert_eq!(exist(&cluster, WORKLOADS), [true, true, true, false]);
    assert_eq!(
        (image_of(&cluster, BLUE), image_of(&cluster, GREEN)),
        (json!("registry.example/acme/chatbot:1.4.0"), json!(NEW))
    );
    assert_eq!((traffic(&cluster, SERVICE), traffic(&cluster, PREVIEW)), (json!("blue"), json!("green")));
}

/// A node drain in the bake must not take the colour that may have to take the traffic back.
#[tokio::test]
async fn in_the_bake_both_colours_are_held_to_one_eviction_at_a_time() {
    let cluster = Cluster::with(fixtures::minimal(Tier::Stage)).await;
    let variables = fixtures::user_variables();
    let pairs: Vec<_> = variables.iter().map(|(key, value)| (*key, value.as_str())).collect();
    cluster.put_secret("chatbot-stage", "chatbot", &pairs);
    release(&cluster).await;
    let environment = "/apis/chatbot.platform/v1alpha1/namespaces/chatbot-stage/chatbotenvironments/stage";
    cluster.change(environment, |environment| environment["spec"]["image"] = json!(NEW));
    reach(&cluster, Phase::Bake).await;
    let is_held = |workload: &str| {
        let path = format!("/apis/policy/v1/namespaces/chatbot-stage/poddisruptionbudgets/stage-{workload}");
        cluster.get(&path).is_some()
    };
    let held = ["app-blue", "app-green", "worker-blue", "worker-green"].map(is_held);
    assert_eq!(held, [true, true, false, true]);
}

#[tokio::test]
async fn a_bake_that_goes_well_ends_with_the_old_colour_gone() {
    let cluster = blue_green("").await;
    let old = cluster.environment().status.unwrap().release.unwrap().id.unwrap();
    releasing(&cluster, Phase::Bake).await;
    assert_eq!(
        exist(&cluster, WORKLOADS),
        [true, true, false, true],
        "the old servers stay ready, and one colour works"
    );
    assert_eq!((traffic(&cluster, SERVICE), traffic(&cluster, PREVIEW)), (json!("green"), json!("none")));
    cluster.reconcile().await;
    let status = cluster.environment().status.unwrap().release.unwrap();
    assert_eq!(status.previous.map(|previous| (previous.id, previous.colour)), Some((old.clone(), Colour::Blue)));
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
    assert!(message(&cluster).contains("is watched until 2026-"), "{}", message(&cluster));
    assert!(status.steps.last().unwrap().message.starts_with("1000 requests, 0.1 % failed"), "{:?}", status.steps);
    let secrets =
        |cluster: &Cluster| cluster.get(&format!("/api/v1/namespaces/chatbot-dev/secrets/dev-release-{old}")).is_some();
    assert!(secrets(&cluster), "what the old release was started with stays with it");

    cluster.later(600);
    cluster.settle().await;
    assert_eq!(exist(&cluster, WORKLOADS), [false, true, false, true]);
    assert!(secrets(&cluster), "and is kept for as long as a person may return to it");
    assert_eq!(phase_of(&cluster), Phase::Stable);
}

#[tokio::test]
async fn a_release_that_crashes_in_its_bake_is_taken_back_and_says_so() {
    let cluster = blue_green("").await;
    releasing(&cluster, Phase::Bake).await;
    let new = candidate(&cluster);
    crash(&cluster);
    cluster.reconcile().await;
    assert_eq!((phase_of(&cluster), traffic(&cluster, SERVICE)), (Phase::Rollback, json!("blue")));
    cluster.settle().await;
    assert_eq!(exist(&cluster, WORKLOADS), [true, false, true, false]);
    let status = cluster.environment().status.unwrap();
    assert_eq!(status.failed_releases[0].id, new);
    assert_eq!(status.history[0].outcome, crate::crd::environment_status::Outcome::RolledBack);
    assert_eq!(ready(&cluster), told("False", "ReleaseFailed"));
    assert!(message(&cluster).contains("goes on serving"), "{}", message(&cluster));
}

/// From the fallen servers to the webhook of the people who should know, and to the metric that says why.
#[tokio::test]
async fn that_a_release_was_taken_back_reaches_the_webhook() {
    let server = wiremock::MockServer::start().await;
    let taken = wiremock::ResponseTemplate::new(200);
    wiremock::Mock::given(wiremock::matchers::method("POST")).respond_with(taken).mount(&server).await;
    let mut cluster = blue_green("").await;
    let delivery = cluster.notifies(&server.uri());
    releasing(&cluster, Phase::Bake).await;
    let new = candidate(&cluster);
    crash(&cluster);
    cluster.reconcile().await;
    cluster.settle().await;
    let metrics = cluster.ctx.metrics.encode().unwrap();
    assert!(metrics.contains("chatbot_release_rollbacks_total{reason=\"crash\"} 1"), "{metrics}");
    drop(cluster);
    assert!(delivery.finish(std::time::Duration::from_mins(1)).await);
    let sent = server.received_requests().await.unwrap();
    let told: Vec<Value> = sent.iter().map(|request| request.body_json().unwrap()).collect();
    let ended = told.iter().find(|message| message["reason"] == "RolledBack");
    let ended = ended.unwrap_or_else(|| panic!("nobody was told: {told:#?}"));
    assert_eq!(
        [&ended["namespace"], &ended["environment"], &ended["warning"]],
        [&json!("chatbot-dev"), &json!("dev"), &json!(true)]
    );
    let said = ended["message"].as_str().unwrap();
    let words = "was taken back: container app ends again and again: out of luck";
    assert!(said.starts_with(&format!("release {new} ({NEW})")) && said.contains(words), "{said}");
}

#[tokio::test]
async fn a_release_that_another_spec_takes_back_counts_as_such() {
    let cluster = blue_green("").await;
    releasing(&cluster, Phase::Bake).await;
    ask_for(&cluster, "registry.example/acme/chatbot:1.6.0");
    for _ in 0..30 {
        cluster.run_pods();
        cluster.reconcile().await;
    }
    let metrics = cluster.ctx.metrics.encode().unwrap();
    assert!(metrics.contains("chatbot_release_rollbacks_total{reason=\"superseded\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_bake_is_watched_though_the_secret_lost_a_key_meanwhile() {
    let cluster = blue_green("").await;
    releasing(&cluster, Phase::Bake).await;
    cluster.put_secret("chatbot-dev", "chatbot", &[("SECRET_KEY", "x")]);
    cluster.reconcile().await;
    cluster.reconcile().await;
    assert_eq!((phase_of(&cluster), ready(&cluster)), (Phase::Bake, told("False", "SecretKeysMissing")));
    crash(&cluster);
    cluster.reconcile().await;
    assert_eq!((phase_of(&cluster), traffic(&cluster, SERVICE)), (Phase::Rollback, json!("blue")));
    for _ in 0..5 {
        cluster.run_pods();
        cluster.reconcile().await;
    }
    assert_eq!(exist(&cluster, WORKLOADS), [true, false, true, false]);
    assert_eq!(ready(&cluster), told("False", "SecretKeysMissing"), "what is missing is still said");
    let bad = cluster.environment().status.unwrap().failed_releases[0].id.clone();
    with_secret(&cluster);
    cluster.settle().await;
    assert_eq!(ready(&cluster), told("False", "ReleaseFailed"));
    assert!(message(&cluster).contains(&bad), "it is not tried again: {}", message(&cluster));
}

#[tokio::test]
async fn a_person_takes_a_release_back_by_its_id() {
    let cluster = blue_green("").await;
    releasing(&cluster, Phase::Bake).await;
    annotate(&cluster, "chatbot.platform/rollback", "0000000000");
    cluster.reconcile().await;
    assert_eq!(phase_of(&cluster), Phase::Bake, "a stale wish does nothing");
    annotate(&cluster, "chatbot.platform/rollback", &candidate(&cluster));
    cluster.reconcile().await;
    assert_eq!((phase_of(&cluster), traffic(&cluster, SERVICE)), (Phase::Rollback, json!("blue")));
}

#[tokio::test]
async fn pods_keep_their_resources_through_a_release_but_those_that_never_started_get_the_spec_s() {
    let cluster = blue_green("").await;
    releasing(&cluster, Phase::Bake).await;
    cluster.run_pods();
    assert_eq!(cluster.get(BLUE_WORKER), None);
    let ask = |cpu: &str| {
        let resources = json!({"requests": {"cpu": cpu}});
        cluster.change(ENVIRONMENT, |environment| environment["spec"]["worker"]["resources"] = resources);
    };
    let asked = || {
        let worker = cluster.get(BLUE_WORKER).unwrap();
        worker["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"].clone()
    };
    ask("100");
    annotate(&cluster, "chatbot.platform/rollback", &candidate(&cluster));
    cluster.reconcile().await;
    assert_eq!((phase_of(&cluster), asked()), (Phase::Rollback, json!("100")), "no node takes them");
    ask("200m");
    caches_age(10).await;
    cluster.reconcile().await;
    assert_eq!(asked(), "200m", "the mended spec");
    cluster.run_pods();
    ask("300m");
    caches_age(10).await;
    cluster.reconcile().await;
    assert_eq!((phase_of(&cluster), asked()), (Phase::Discard, json!("200m")), "they run");
}

#[tokio::test]
async fn a_release_waits_for_a_person_where_the_spec_says_so() {
    let cluster = blue_green(", promotion: Manual").await;
    releasing(&cluster, Phase::Promote).await;
    cluster.reconcile().await;
    assert_eq!(ready(&cluster), told("False", "AwaitingPromotion"));
    let id = candidate(&cluster);
    assert!(message(&cluster).contains(&format!("chatbot.platform/promote={id}")), "{}", message(&cluster));
    assert_eq!((traffic(&cluster, SERVICE), traffic(&cluster, PREVIEW)), (json!("blue"), json!("green")));
    annotate(&cluster, "chatbot.platform/promote", &id);
    cluster.reconcile().await;
    assert_eq!((phase_of(&cluster), traffic(&cluster, SERVICE)), (Phase::Switch, json!("green")));
}

#[tokio::test]
async fn a_release_that_is_held_says_what_a_person_can_do() {
    let cluster = blue_green(", onFailure: Hold").await;
    releasing(&cluster, Phase::Bake).await;
    crash(&cluster);
    cluster.reconcile().await;
    assert_eq!((phase_of(&cluster), traffic(&cluster, SERVICE)), (Phase::Held, json!("green")));
    cluster.reconcile().await;
    assert_eq!(ready(&cluster), told("False", "ReleaseHeld"));
    let said = message(&cluster);
    assert!(said.contains("chatbot.platform/rollback=") && said.contains("chatbot.platform/promote="), "{said}");
}

#[tokio::test]
async fn no_release_gets_the_traffic_that_answers_no_question() {
    let cluster = blue_green("").await;
    cluster.pods_answer_questions(503);
    releasing(&cluster, Phase::Check).await;
    cluster.run_pods();
    cluster.reconcile().await;
    cluster.reconcile().await;
    assert_eq!((phase_of(&cluster), traffic(&cluster, SERVICE)), (Phase::Check, json!("blue")));
    assert!(
        message(&cluster).contains("no answer to a question: /health/question answered 503"),
        "{}",
        message(&cluster)
    );
    cluster.pods_answer_questions(200);
    cluster.reconcile().await;
    assert_eq!(phase_of(&cluster), Phase::Switch);
}

#[tokio::test]
async fn an_outage_of_the_model_that_both_releases_see_blocks_nothing() {
    let cluster = blue_green("").await;
    cluster.pods_answer_questions(503);
    ask_for(&cluster, NEW);
    cluster.reconcile().await;
    let services = json!([{"name": "llm", "healthy": false, "message": "it refuses the connection"}]);
    let health = json!({"status": "degraded", "releaseId": candidate(&cluster), "schema": {"compatible": true}, "services": services});
    cluster.pods_answer(200, health);
    for _ in 0..20 {
        cluster.run_pods();
        cluster.reconcile().await;
    }
    assert_eq!(phase_of(&cluster), Phase::Bake, "{}", message(&cluster));
}
