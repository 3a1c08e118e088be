use chatbot::store::jobs::history;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::world::{World, job};
use crate::support::migrated;

/// A time so many minutes ago, in the middle of the minute.
async fn ago(db: &PgPool, minutes: i32) -> Value {
    let time: String = sqlx::query_scalar(
        "SELECT to_jsonb(date_trunc('minute', now()) - make_interval(mins => $1) + interval '30 seconds') #>> '{}'",
    )
    .bind(minutes)
    .fetch_one(db)
    .await
    .unwrap();
    json!(time)
}

/// A job that ended so many minutes ago in `state`, after a second of waiting and two of work.
async fn ended(db: &PgPool, state: &str, minutes: i32) -> i64 {
    let end = ago(db, minutes).await;
    let before = |seconds: i64| {
        let end: jiff::Timestamp = end.as_str().unwrap().parse().unwrap();
        json!((end - jiff::SignedDuration::from_secs(seconds)).to_string())
    };
    let times = json!({"state": state, "attempt": 1, "finalized_at": end, "attempted_at": before(2), "scheduled_at": before(3)});
    job(db, times).await
}

async fn rows(db: &PgPool) -> Vec<(String, i64, f64, f64)> {
    sqlx::query_as("SELECT outcome, jobs, run_seconds, wait_seconds FROM job_history ORDER BY minute, outcome")
        .fetch_all(db)
        .await
        .unwrap()
}

/// Sum of the jobs of one outcome in the last hour.
fn total(past: &Value, outcome: &str) -> i64 {
    past["steps"].as_array().unwrap().iter().filter_map(|step| step["jobs"][outcome].as_i64()).sum()
}

#[tokio::test]
async fn what_happened_is_known_after_river_forgot_it() {
    let world = World::new().await;
    for (state, minutes) in [("completed", 5), ("completed", 5), ("completed", 4), ("discarded", 4), ("cancelled", 3)] {
        ended(world.db(), state, minutes).await;
    }
    assert!(history::write(world.db()).await.unwrap());
    sqlx::query("DELETE FROM river_job").execute(world.db()).await.unwrap();
    let (status, past) = world.get("/api/history?window=1h").await;
    assert_eq!(status, 200);
    let totals = ["completed", "discarded", "cancelled", "failed"].map(|outcome| total(&past, outcome));
    assert_eq!(totals, [3, 1, 1, 0]);
    assert_eq!(past["kinds"][0]["completed"], 3);
    let busy = past["steps"].as_array().unwrap().iter().find(|step| step["jobs"]["completed"] == 2).unwrap().clone();
    // Two seconds lie in the bucket from one to five.
    assert!(busy["runP50"].as_f64().is_some_and(|seconds| (1.0..=5.0).contains(&seconds)), "{busy}");
    assert!(busy["waitP95"].as_f64().is_some_and(|seconds| (0.5..=1.0).contains(&seconds)), "{busy}");
    for window in ["24h", "7d", "90d"] {
        let (_, past) = world.get(&format!("/api/history?window={window}")).await;
        assert_eq!(total(&past, "completed"), 3, "{window}");
    }
}

#[tokio::test]
async fn the_history_is_written_once_whoever_writes_it() {
    let database = migrated().await;
    ended(&database.pool, "completed", 5).await;
    let (one, two) = tokio::join!(history::write(&database.pool), history::write(&database.pool));
    assert_ne!(one.unwrap(), two.unwrap(), "one of them writes");
    assert!(!history::write(&database.pool).await.unwrap(), "the minute is written already");
    assert_eq!(rows(&database.pool).await, [("completed".to_owned(), 1, 2.0, 1.0)]);
}

#[tokio::test]
async fn who_comes_late_into_a_minute_is_counted_with_the_next() {
    let database = migrated().await;
    let db = &database.pool;
    ended(db, "completed", 3).await;
    history::write(db).await.unwrap();
    ended(db, "completed", 3).await;
    // As it stood when the minute after it was not over yet.
    sqlx::query("UPDATE job_history_mark SET written_until = date_trunc('minute', now()) - interval '2 minutes'")
        .execute(db)
        .await
        .unwrap();
    history::write(db).await.unwrap();
    assert_eq!(rows(db).await, [("completed".to_owned(), 2, 4.0, 2.0)]);
}

#[tokio::test]
async fn a_failed_attempt_counts_and_the_last_one_counts_as_what_it_ended_in() {
    let database = migrated().await;
    let db = &database.pool;
    let (at, end) = (ago(db, 5).await, ago(db, 4).await);
    let failed = |attempt: i32, at: &Value| json!({"at": at, "attempt": attempt, "error": "x", "trace": ""});
    job(db, json!({"state": "retryable", "attempt": 1, "errors": [failed(1, &at)]})).await;
    job(
        db,
        json!({"state": "discarded", "attempt": 2, "finalized_at": end, "errors": [failed(1, &at), failed(2, &end)]}),
    )
    .await;
    history::write(db).await.unwrap();
    let counted: Vec<_> = rows(db).await.into_iter().map(|(outcome, jobs, ..)| (outcome, jobs)).collect();
    assert_eq!(counted, [("failed".to_owned(), 2), ("discarded".to_owned(), 1)]);
}

#[tokio::test]
async fn how_full_queues_are_is_noted_every_minute() {
    let database = migrated().await;
    let db = &database.pool;
    for state in ["available", "available", "running"] {
        job(db, json!({"state": state})).await;
    }
    job(db, json!({"state": "scheduled", "scheduled_at": "2999-01-01T00:00:00Z"})).await;
    history::write(db).await.unwrap();
    let depth: (String, i64, i64) =
        sqlx::query_as("SELECT queue, waiting, running FROM job_depths").fetch_one(db).await.unwrap();
    assert_eq!(depth, ("low".to_owned(), 2, 1));
}

#[tokio::test]
async fn history_is_forgotten_after_its_time_and_not_before() {
    let database = migrated().await;
    let db = &database.pool;
    for days in [89, 91] {
        sqlx::query("INSERT INTO job_history (minute, kind, queue, outcome, jobs) VALUES (now() - make_interval(days => $1), 'k', 'q', 'completed', 1)")
            .bind(days)
            .execute(db)
            .await
            .unwrap();
    }
    let mut tx = db.begin().await.unwrap();
    assert_eq!(history::forget(&mut tx, 90).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(rows(db).await.len(), 1);
}
