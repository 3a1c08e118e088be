use chatbot::store::{documents, documents::Status};
use serde_json::json;

use super::world::{World, job};
use crate::support::{document, eventually};

#[tokio::test]
async fn each_action_does_what_it_says_and_nothing_the_second_time() {
    let world = World::new().await;
    // state, action: changed, state afterwards
    let table = [
        ("available", "retry", false, "available"),
        ("scheduled", "retry", true, "available"),
        ("retryable", "retry", true, "available"),
        ("running", "retry", false, "running"),
        ("completed", "retry", true, "available"),
        ("cancelled", "retry", true, "available"),
        ("discarded", "retry", true, "available"),
        ("available", "cancel", true, "cancelled"),
        ("retryable", "cancel", true, "cancelled"),
        ("running", "cancel", true, "running"),
        ("completed", "cancel", false, "completed"),
        ("discarded", "cancel", false, "discarded"),
        ("available", "discard", true, "discarded"),
        ("retryable", "discard", true, "discarded"),
        ("running", "discard", false, "running"),
        ("completed", "discard", false, "completed"),
    ];
    for (state, action, changed, after) in table {
        let id = job(
            world.db(),
            json!({"state": state, "attempt": 3, "max_attempts": 3, "scheduled_at": "2999-01-01T00:00:00Z"}),
        )
        .await;
        let path = format!("/api/tasks/{id}/{action}");
        let (status, done) = world.post(&path).await;
        assert_eq!((status, done["changed"].as_bool()), (200, Some(changed)), "{state} {action}: {done}");
        assert_eq!(world.state(id).await, after, "{state} {action}");
        let (status, again) = world.post(&path).await;
        assert_eq!((status, again["changed"].as_bool()), (200, Some(false)), "{state} {action} again: {again}");
    }
}

#[tokio::test]
async fn a_task_that_used_all_its_attempts_gets_one_more() {
    let world = World::new().await;
    let id = job(world.db(), json!({"state": "discarded", "attempt": 3, "max_attempts": 3})).await;
    world.post(&format!("/api/tasks/{id}/retry")).await;
    let (_, task) = world.get(&format!("/api/tasks/{id}")).await;
    assert_eq!((&task["state"], &task["attempt"], &task["maxAttempts"]), (&json!("available"), &json!(3), &json!(4)));
}

#[tokio::test]
async fn what_a_person_gives_up_says_who_it_was() {
    let world = World::new().await;
    let id = job(world.db(), json!({})).await;
    world.post(&format!("/api/tasks/{id}/discard")).await;
    let (_, task) = world.get(&format!("/api/tasks/{id}")).await;
    assert_eq!(task["errors"][0]["error"], "given up by sara");
    assert_eq!(task["diagnosis"]["code"], "given-up");
}

#[tokio::test]
async fn who_did_what_is_recorded_exactly_if_it_was_done() {
    let world = World::new().await;
    sqlx::query("TRUNCATE audit").execute(world.db()).await.unwrap();
    let one = job(world.db(), json!({"state": "discarded"})).await;
    for action in ["retry", "retry", "discard", "cancel"] {
        world.post(&format!("/api/tasks/{one}/{action}")).await;
    }
    world.post("/api/tasks/retry?state=discarded").await;
    let rows: Vec<(String, String, String)> =
        sqlx::query_as("SELECT actor, action, target FROM audit ORDER BY id").fetch_all(world.db()).await.unwrap();
    let told: Vec<String> =
        rows.into_iter().map(|(actor, action, target)| format!("{actor}: {action} {target}")).collect();
    assert_eq!(told, ["sara: task.retried task 1", "sara: task.discarded task 1", "sara: tasks.retried tasks"]);
}

#[tokio::test]
async fn many_are_tried_again_at_once_and_only_those_that_match() {
    let world = World::new().await;
    let db = world.db();
    for _ in 0..3 {
        job(db, json!({"state": "discarded", "kind": "one"})).await;
    }
    let other = job(db, json!({"state": "discarded", "kind": "two"})).await;
    let done = job(db, json!({"state": "completed", "kind": "one"})).await;
    let (status, said) = world.post("/api/tasks/retry?state=discarded&kind=one").await;
    assert_eq!((status, said["message"].as_str().unwrap()), (200, "3 tasks wait for a worker again."));
    assert_eq!((world.state(other).await.as_str(), world.state(done).await.as_str()), ("discarded", "completed"));
    let (_, again) = world.post("/api/tasks/retry?state=discarded&kind=one").await;
    assert_eq!(again["changed"], false);
}

#[tokio::test]
async fn a_button_of_a_page_does_the_same_and_the_next_page_says_so_once() {
    let world = World::new().await;
    let browser = world.browser().await;
    let id = job(world.db(), json!({"state": "discarded"})).await;
    let response = world.press(&browser, &format!("/tasks/{id}/retry")).await;
    assert_eq!(response.status(), 303);
    assert_eq!(response.headers()["location"], format!("/tasks/{id}").as_str());
    assert_eq!(world.state(id).await, "available");
    let said = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let cookies = format!("{}; {said}", browser.cookie);
    let request = world.anonymous(reqwest::Method::GET, &format!("/tasks/{id}")).header("cookie", cookies);
    let page = request.send().await.unwrap();
    let forgotten = page.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(forgotten.starts_with("chatbot_monitor_said=; ") && forgotten.contains("Max-Age=0"), "{forgotten}");
    assert!(page.text().await.unwrap().contains("waits for a worker again."));
}

#[tokio::test]
async fn the_owner_of_a_document_is_told_when_somebody_ends_its_job() {
    for action in ["cancel", "discard"] {
        let world = World::new().await;
        let uploaded = document(&world.app, &world.sara().await, b"text").await;
        assert_eq!(world.post(&format!("/api/tasks/1/{action}")).await.0, 200);
        let document = documents::get(world.db(), uploaded.id).await.unwrap().unwrap();
        assert_eq!(document.status, Status::Failed, "{action}");
        assert!(document.error.unwrap().contains("was cancelled"));
    }
}

#[tokio::test]
async fn a_queue_is_paused_and_resumed() {
    let world = World::new().await;
    sqlx::query("INSERT INTO river_queue (name) VALUES ('low')").execute(world.db()).await.unwrap();
    job(world.db(), json!({})).await;
    for (verb, is_paused) in [("pause", true), ("resume", false)] {
        assert_eq!(world.post(&format!("/api/queues/low/{verb}")).await.0, 200);
        eventually(verb, async || {
            let (_, overview) = world.get("/api/overview").await;
            (overview["queues"][2]["isPaused"] == is_paused).then_some(())
        })
        .await;
    }
}
