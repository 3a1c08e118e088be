//! Jobs in every kind of trouble, with a real worker: visible, with the reason and the way out.

use std::time::Duration;

use chatbot::{app::App, jobs::runner};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::world::{World, db_now, failure, job, worker};
use crate::support::{app, document, eventually, slow};

/// A worker beside the monitor; it ends with what is answered.
fn work(app: &App) -> JoinSet<()> {
    let (app, mut tasks) = (app.clone(), JoinSet::new());
    tasks.spawn(async move { runner::run(&app, CancellationToken::new()).await.unwrap() });
    tasks
}

async fn diagnosed(world: &World, id: i64, code: &str) -> Value {
    eventually(code, async || {
        let (_, task) = world.get(&format!("/api/tasks/{id}")).await;
        (task["diagnosis"]["code"] == code).then_some(task)
    })
    .await
}

async fn in_state(world: &World, id: i64, state: &str) {
    eventually(state, async || (world.state(id).await == state).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_nobody_knows_is_left_for_a_worker_that_does() {
    let world = World::new().await;
    let now = db_now(world.db()).await;
    let unknown = job(world.db(), json!({"kind": "of_another_release", "scheduled_at": now})).await;
    let known = job(world.db(), json!({"kind": "tidy_history", "args": {}})).await;
    let _working = work(&world.app);
    in_state(&world, known, "completed").await;
    let task = diagnosed(&world, unknown, "kind-unknown").await;
    assert_eq!((&task["state"], &task["attempt"]), (&json!("available"), &json!(0)), "nobody touched it");
    assert!(task["diagnosis"]["wayOut"].as_str().unwrap().contains("bring it back, or cancel"));
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_that_no_longer_parse_are_shown_with_what_is_wrong_with_them() {
    let world = World::new().await;
    let id = job(world.db(), json!({"args": {"document": "renamed since"}})).await;
    let _working = work(&world.app);
    in_state(&world, id, "retryable").await;
    let task = diagnosed(&world, id, "arguments").await;
    assert!(task["diagnosis"]["reason"].as_str().unwrap().contains("missing field `document_id`"), "{task}");
    assert!(task["errors"][0]["error"].as_str().unwrap().contains("document_id"), "{task}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_ever_becomes_a_dead_letter_and_comes_back_when_it_is_tried_again() {
    let world = World::new().await;
    // Its index is not there.
    let id = job(world.db(), json!({"max_attempts": 1})).await;
    let _working = work(&world.app);
    in_state(&world, id, "discarded").await;
    let task = diagnosed(&world, id, "given-up").await;
    assert!(task["diagnosis"]["reason"].as_str().unwrap().contains("after 1 of 1 attempts"), "{task}");
    let (_, dead) = world.get("/api/tasks?state=discarded").await;
    assert_eq!(dead["items"].as_array().unwrap().len(), 1);
    world.post(&format!("/api/tasks/{id}/retry")).await;
    eventually("another attempt", async || {
        let (_, task) = world.get(&format!("/api/tasks/{id}")).await;
        (task["attempt"] == 2 && task["state"] == "discarded").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_job_whose_worker_died_says_so_before_and_after_it_is_taken_back() {
    let world = World::new().await;
    let db = world.db();
    worker(db, "killed", json!({"low": 1}), &["remove_document"], 31.0).await;
    worker(db, "alive", json!({"low": 1}), &["remove_document"], 1.0).await;
    let now = db_now(db).await;
    let id = job(db, json!({"state": "running", "attempt": 1, "attempted_at": now, "attempted_by": ["killed"]})).await;
    diagnosed(&world, id, "worker-lost").await;
    chatbot::jobs::sweep::run(db, Duration::from_secs(30)).await.unwrap();
    let task = diagnosed(&world, id, "worker-died").await;
    assert_eq!(task["state"], "available");
    assert_eq!(task["diagnosis"]["reason"], "the worker killed stopped answering");
}

#[tokio::test]
async fn a_job_that_never_ends_rings_and_can_be_cancelled() {
    let world = World::new().await;
    let db = world.db();
    worker(db, "worker-1", json!({"low": 1}), &["remove_document"], 1.0).await;
    let id = job(
        db,
        json!({"state": "running", "attempt": 1, "attempted_at": "2026-01-01T12:00:00Z", "attempted_by": ["worker-1"]}),
    )
    .await;
    let task = diagnosed(&world, id, "endless").await;
    assert!(task["diagnosis"]["wayOut"].as_str().unwrap().starts_with("cancel it"));
    let (_, overview) = world.get("/api/overview").await;
    assert_eq!(overview["alarms"][0]["code"], "task-endless");
    let (_, done) = world.post(&format!("/api/tasks/{id}/cancel")).await;
    assert!(done["message"].as_str().unwrap().contains("was told to stop"), "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_in_work_tells_how_far_it_is_and_stops_when_it_is_cancelled() {
    let mut world = World::new().await;
    let qdrant = slow(Duration::from_mins(1)).await;
    world.app = app(&world.database, &qdrant.uri());
    document(&world.app, &world.sara().await, b"text").await;
    let _working = work(&world.app);
    let running = eventually("progress", async || {
        let (_, overview) = world.get("/api/overview").await;
        Some(overview["running"][0].clone()).filter(|task| task["progress"] == 20)
    })
    .await;
    assert_eq!(running["stage"], "indexing");
    let id = running["id"].as_i64().unwrap();
    world.post(&format!("/api/tasks/{id}/cancel")).await;
    in_state(&world, id, "cancelled").await;
}

#[tokio::test]
async fn what_fails_again_and_again_says_since_when_and_with_what() {
    let world = World::new().await;
    worker(world.db(), "worker-1", json!({"low": 1}), &["remove_document"], 1.0).await;
    let failures: Vec<Value> = (1..=4).map(|attempt| failure(attempt, "the index is down")).collect();
    let id = job(world.db(), json!({"state": "retryable", "attempt": 4, "errors": failures})).await;
    let task = diagnosed(&world, id, "failing").await;
    assert_eq!(task["diagnosis"]["reason"], "4 attempts failed, the last with: the index is down");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_tells_which_queues_it_takes_from() {
    let world = World::new().await;
    let _working = work(&world.app);
    let told = eventually("the worker", async || {
        let (_, overview) = world.get("/api/overview").await;
        Some(overview["workers"][0].clone()).filter(|worker| worker["queues"]["high"] == 4)
    })
    .await;
    assert_eq!(told["queues"], json!({"high": 4, "medium": 2, "low": 1}));
    assert_eq!(told["life"], "working");
}
