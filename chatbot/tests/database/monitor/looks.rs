use chatbot::jobs::QueueName;
use reqwest::Method;
use serde_json::{Value, json};

use super::world::{World, failure, job, read, steady, worker};

const KINDS: [&str; 4] = ["ingest_document", "remove_document", "check_upload", "tidy_history"];

/// One of each state.
async fn seeded(world: &World) {
    let db = world.db();
    worker(db, "worker-1", json!({"high": 4, "medium": 2, "low": 1}), &KINDS, 1.0).await;
    worker(db, "worker-gone", json!({"low": 1}), &KINDS, 3600.0).await;
    sqlx::query("UPDATE job_workers SET dead_at = now() WHERE id = 'worker-gone'").execute(db).await.unwrap();
    job(db, json!({})).await;
    job(db, json!({"state": "running", "attempt": 2, "attempted_by": ["worker-1"], "attempted_at": super::world::db_now(db).await,
        "metadata": {"progress": 40, "stage": "indexing"}, "kind": "ingest_document", "queue": "medium",
        "args": {"document_id": "01890a5d-ac96-774b-bcce-b302099a8057"}}))
    .await;
    job(
        db,
        json!({"state": "retryable", "attempt": 3, "scheduled_at": "2999-01-01T00:00:00Z",
        "errors": [failure(1, "the index is down"), failure(2, "the index is down"), failure(3, "the index is down")]}),
    )
    .await;
    job(db, json!({"state": "discarded", "attempt": 25, "errors": [failure(25, "it took too long and was stopped")]}))
        .await;
    job(db, json!({"state": "completed", "attempt": 1, "metadata": {"output": {"token": "cbk_x", "rows": 3}},
        "args": {"document_id": "01890a5d-ac96-774b-bcce-b302099a8057", "object_key": "x", "smtp_password": "hunter2"}}))
    .await;
}

#[tokio::test]
async fn the_overview_tells_queues_workers_jobs_in_work_and_alarms() {
    let world = World::new().await;
    seeded(&world).await;
    let (status, overview) = world.get("/api/overview").await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(steady(overview));
}

#[tokio::test]
async fn a_task_tells_its_progress_failures_and_what_is_the_matter_and_hides_secrets() {
    let world = World::new().await;
    seeded(&world).await;
    let mut told = Vec::new();
    for id in 1..=5 {
        let (status, task) = world.get(&format!("/api/tasks/{id}")).await;
        assert_eq!(status, 200);
        told.push(steady(task));
    }
    assert!(!json!(told).to_string().contains("hunter2"));
    insta::assert_json_snapshot!(told);
}

fn ids(page: &Value) -> Vec<i64> {
    page["items"].as_array().unwrap().iter().map(|task| task["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn tasks_are_found_by_state_kind_queue_id_and_text() {
    let world = World::new().await;
    seeded(&world).await;
    let table: [(&str, &[i64]); 9] = [
        ("", &[5, 4, 3, 2, 1]),
        ("?state=discarded", &[4]),
        ("?kind=ingest_document", &[2]),
        ("?queue=low&state=retryable", &[3]),
        ("?q=4", &[4]),
        ("?q=INDEX%20is", &[3]),
        ("?q=documents%2Fx", &[4, 3, 1]),
        ("?q=%25", &[]),
        ("?before=3", &[2, 1]),
    ];
    for (query, expected) in table {
        let (status, page) = world.get(&format!("/api/tasks{query}")).await;
        assert_eq!((status, ids(&page)), (200, expected.to_vec()), "{query}");
    }
}

#[tokio::test]
async fn pages_follow_one_another_and_lose_none() {
    let world = World::new().await;
    for _ in 0..120 {
        job(world.db(), json!({})).await;
    }
    let (mut all, mut path) = (Vec::new(), "/api/tasks".to_owned());
    loop {
        let (_, page) = world.get(&path).await;
        all.extend(ids(&page));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/tasks?before={next}");
    }
    assert_eq!(all, (1..=120).rev().collect::<Vec<i64>>());
}

#[tokio::test]
async fn what_cannot_be_answered_is_a_problem_document() {
    let world = World::new().await;
    let table = [
        (Method::GET, "/api/tasks/1", 404),
        (Method::GET, "/api/tasks/one", 404),
        (Method::GET, "/api/tasks/99999999999999999999", 404),
        (Method::GET, "/api/tasks?state=lost", 422),
        (Method::GET, "/api/tasks?colour=red", 422),
        (Method::GET, "/api/tasks?before=x", 422),
        (Method::GET, "/api/history?window=1y", 422),
        (Method::GET, "/api/nothing", 404),
        (Method::DELETE, "/api/tasks", 405),
        (Method::POST, "/api/tasks/1/retry", 404),
        (Method::POST, "/api/tasks/1/burn", 404),
        (Method::POST, "/api/tasks/retry", 422),
        (Method::POST, "/api/tasks/retry?state=completed", 422),
        (Method::POST, "/api/schedules/none/run", 404),
        (Method::POST, "/api/queues/none/pause", 404),
        (Method::POST, "/api/queues/low/burn", 404),
    ];
    for (method, path, expected) in table {
        let (status, problem) = read(world.anonymous(method.clone(), path).bearer_auth(&world.key)).await;
        assert_eq!(status, expected, "{method} {path}: {problem}");
        assert_eq!(problem["status"], expected, "{method} {path}: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
    }
}

#[tokio::test]
async fn without_the_database_the_answer_says_so() {
    let world = World::new().await;
    world.app.db.close().await;
    let (status, problem) = world.get("/api/overview").await;
    assert_eq!((status, problem["type"].as_str().unwrap()), (503, "urn:chatbot:problem:unavailable"));
    let page = world.anonymous(Method::GET, "/").bearer_auth(&world.key).send().await.unwrap();
    assert_eq!(page.status(), 503);
    assert!(page.text().await.unwrap().contains("The database is not available"));
}

#[tokio::test]
async fn the_api_is_described_and_the_description_needs_a_path_for_every_answer() {
    let world = World::new().await;
    let (status, document) = read(world.anonymous(Method::GET, "/api/openapi.json")).await;
    assert_eq!(status, 200);
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "/api/events",
            "/api/history",
            "/api/overview",
            "/api/queues/{name}/{verb}",
            "/api/schedules/{name}/run",
            "/api/tasks",
            "/api/tasks/retry",
            "/api/tasks/{id}",
            "/api/tasks/{id}/{verb}"
        ]
    );
}

#[tokio::test]
async fn queues_are_there_before_they_have_jobs() {
    let world = World::new().await;
    let (_, overview) = world.get("/api/overview").await;
    let names: Vec<&str> =
        overview["queues"].as_array().unwrap().iter().map(|queue| queue["name"].as_str().unwrap()).collect();
    assert_eq!(names, QueueName::ALL.map(QueueName::as_str));
}
