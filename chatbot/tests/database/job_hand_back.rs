use std::time::Duration;

use chatbot::{
    jobs::{JobError, fence, heartbeat::Heartbeat, sweep},
    store::{documents, documents::Status},
};
use riverqueue::JobRow;
use sqlx::PgPool;

use crate::support::{Database, app, document, migrated, user};

const TIME_TO_LIVE: Duration = Duration::from_secs(30);

/// A worker whose last sign of life was so long ago.
async fn worker(db: &PgPool, id: &str, silent_for: &str) {
    Heartbeat::new(db.clone(), id.to_owned()).register("release", &["any_kind"]).await.unwrap();
    sqlx::query("UPDATE job_workers SET beaten_at = now() - $2::interval WHERE id = $1")
        .bind(id)
        .bind(silent_for)
        .execute(db)
        .await
        .unwrap();
}

/// A job that `worker` runs in its attempt number `attempt` of 3.
async fn running_job(db: &PgPool, worker: &str, attempt: i16) -> i64 {
    sqlx::query_scalar(
        "INSERT INTO river_job (kind, queue, args, max_attempts, state, attempt, attempted_at, attempted_by) \
         VALUES ('any_kind', 'medium', '{}', 3, 'running', $2, now(), ARRAY['earlier', $1]) RETURNING id",
    )
    .bind(worker)
    .bind(attempt)
    .fetch_one(db)
    .await
    .unwrap()
}

async fn state(db: &PgPool, id: i64) -> String {
    sqlx::query_scalar("SELECT state::text FROM river_job WHERE id = $1").bind(id).fetch_one(db).await.unwrap()
}

#[tokio::test]
async fn only_jobs_of_silent_workers_are_handed_back() {
    let database = migrated().await;
    let db = &database.pool;
    worker(db, "silent", "31 seconds").await;
    worker(db, "alive", "29 seconds").await;
    let orphaned = running_job(db, "silent", 1).await;
    let exhausted = running_job(db, "silent", 3).await;
    let in_hand = running_job(db, "alive", 1).await;
    let foreign = running_job(db, "a client in another language", 1).await;

    assert_eq!(sweep::run(db, TIME_TO_LIVE).await.unwrap(), 2);
    assert_eq!(state(db, orphaned).await, "available");
    assert_eq!(state(db, exhausted).await, "discarded", "a job that kills its workers does not go on for ever");
    assert_eq!(state(db, in_hand).await, "running");
    assert_eq!(state(db, foreign).await, "running");
    assert_eq!(sweep::run(db, TIME_TO_LIVE).await.unwrap(), 0, "the second sweep finds nothing");
    let error: String = sqlx::query_scalar("SELECT errors[1]->>'error' FROM river_job WHERE id = $1")
        .bind(orphaned)
        .fetch_one(db)
        .await
        .unwrap();
    assert_eq!(error, "the worker silent stopped answering");
}

#[tokio::test]
async fn a_job_that_kills_its_workers_waits_longer_each_time_and_ends_after_the_third_and_its_owner_is_told() {
    let database = migrated().await;
    let app = app(&database, "http://127.0.0.1:1");
    let uploaded = document(&app, &user(&database).await, b"text").await;
    let mut found = Vec::new();
    for attempt in 1..4_i16 {
        let name = format!("killed-{attempt}");
        worker(&app.db, &name, "1 hour").await;
        let claim = "UPDATE river_job SET state = 'running', attempt = $1, attempted_at = now(), \
            attempted_by = array_append(attempted_by, $2)";
        sqlx::query(claim).bind(attempt).bind(&name).execute(&app.db).await.unwrap();
        assert_eq!(sweep::run(&app.db, TIME_TO_LIVE).await.unwrap(), 1);
        let after = "SELECT state::text, round(extract(epoch FROM scheduled_at - now()))::int FROM river_job";
        found.push(sqlx::query_as::<_, (String, i32)>(after).fetch_one(&app.db).await.unwrap());
    }
    let expected =
        [("available", 0), ("retryable", 10), ("discarded", 0)].map(|(state, wait)| (state.to_owned(), wait));
    assert_eq!(found, expected);
    let failed = documents::get(&app.db, uploaded.id).await.unwrap().unwrap();
    assert!(failed.error.unwrap().contains("stopped answering"));
}

#[tokio::test]
async fn two_sweepers_hand_a_job_back_once() {
    let database = migrated().await;
    worker(&database.pool, "silent", "1 hour").await;
    running_job(&database.pool, "silent", 1).await;
    let (one, two) = tokio::join!(sweep::run(&database.pool, TIME_TO_LIVE), sweep::run(&database.pool, TIME_TO_LIVE));
    assert_eq!(one.unwrap() + two.unwrap(), 1);
}

#[tokio::test]
async fn a_document_whose_workers_all_died_is_given_up_with_a_reason() {
    let database = migrated().await;
    let app = app(&database, "http://127.0.0.1:1");
    let uploaded = document(&app, &user(&database).await, b"text").await;
    worker(&app.db, "silent", "1 hour").await;
    sqlx::query("UPDATE river_job SET state = 'running', attempt = max_attempts, attempted_by = '{silent}'")
        .execute(&app.db)
        .await
        .unwrap();
    sweep::run(&app.db, TIME_TO_LIVE).await.unwrap();
    let failed = documents::get(&app.db, uploaded.id).await.unwrap().unwrap();
    assert_eq!(failed.status, Status::Failed);
    assert!(failed.error.unwrap().contains("stopped answering"));
}

/// The only document's job and status.
async fn job_and_document(db: &PgPool) -> (String, String) {
    sqlx::query_as("SELECT j.state::text, d.status FROM river_job j, documents d").fetch_one(db).await.unwrap()
}

#[tokio::test]
async fn a_document_whose_job_is_cancelled_under_a_dead_worker_does_not_wait_for_ever() {
    let database = migrated().await;
    let app = app(&database, "http://127.0.0.1:1");
    document(&app, &user(&database).await, b"text").await;
    worker(&app.db, "silent", "1 hour").await;
    sqlx::query(
        "UPDATE river_job SET state = 'running', attempt = 1, attempted_by = '{silent}', \
           metadata = jsonb_build_object('cancel_attempted_at', now())",
    )
    .execute(&app.db)
    .await
    .unwrap();
    sweep::run(&app.db, TIME_TO_LIVE).await.unwrap();
    assert_eq!(job_and_document(&app.db).await, ("cancelled".to_owned(), "failed".to_owned()));
}

#[tokio::test]
async fn only_a_document_that_no_job_will_finish_is_given_up() {
    let database = migrated().await;
    let app = app(&database, "http://127.0.0.1:1");
    document(&app, &user(&database).await, b"text").await;
    for live in ["available", "retryable", "scheduled", "running"] {
        sqlx::query("UPDATE river_job SET state = $1::river_job_state").bind(live).execute(&app.db).await.unwrap();
        assert_eq!(sweep::conclude_stranded(&app.db).await.unwrap(), 0, "{live}");
    }
    sqlx::query("UPDATE river_job SET state = 'cancelled', finalized_at = now()").execute(&app.db).await.unwrap();
    assert_eq!(sweep::conclude_stranded(&app.db).await.unwrap(), 1);
    assert_eq!(job_and_document(&app.db).await.1, "failed");
    sqlx::query("UPDATE documents SET status = 'ready'").execute(&app.db).await.unwrap();
    assert_eq!(sweep::conclude_stranded(&app.db).await.unwrap(), 0, "what is ready needs no job");
}

#[tokio::test]
async fn a_worker_that_leaves_with_jobs_in_hand_stays_known_until_they_are_taken_back() {
    let database = migrated().await;
    let db = &database.pool;
    worker(db, "leaving", "0 seconds").await;
    worker(db, "idle", "0 seconds").await;
    let left = running_job(db, "leaving", 1).await;
    for id in ["leaving", "idle"] {
        Heartbeat::new(db.clone(), id.to_owned()).leave().await.unwrap();
    }
    let known: Vec<String> = sqlx::query_scalar("SELECT id FROM job_workers").fetch_all(db).await.unwrap();
    assert_eq!(known, ["leaving"]);
    assert_eq!(complete(&pool_of(&database, "leaving").await, left).await, 0, "it left: it ends nothing any more");
    assert_eq!(sweep::run(db, TIME_TO_LIVE).await.unwrap(), 1);
    assert_eq!(state(db, left).await, "available");
}

#[tokio::test]
async fn a_job_of_ours_that_nobody_knows_about_is_taken_back_after_an_hour_and_another_kind_never() {
    let database = migrated().await;
    let db = &database.pool;
    let insert = "INSERT INTO river_job (kind, queue, args, max_attempts, state, attempt, attempted_at, attempted_by) \
         VALUES ($1, 'medium', '{}', 3, 'running', 1, now() - $2::interval, '{nobody}') RETURNING id";
    let job = async |kind: &str, since: &str| -> i64 {
        sqlx::query_scalar(insert).bind(kind).bind(since).fetch_one(db).await.unwrap()
    };
    let lost = job("ingest_document", "61 minutes").await;
    let recent = job("ingest_document", "59 minutes").await;
    let foreign = job("of_another_release", "3 days").await;
    assert_eq!(sweep::run(db, TIME_TO_LIVE).await.unwrap(), 1);
    let states = [state(db, lost).await, state(db, recent).await, state(db, foreign).await];
    assert_eq!(states, ["available", "running", "running"]);
}

/// A pool whose sessions belong to this worker.
async fn pool_of(database: &Database, worker: &str) -> PgPool {
    PgPool::connect_with(fence::tag(database.options.clone(), worker)).await.unwrap()
}

async fn complete(db: &PgPool, id: i64) -> u64 {
    let done = sqlx::query("UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = $1")
        .bind(id)
        .execute(db)
        .await;
    done.unwrap().rows_affected()
}

#[tokio::test]
async fn a_worker_that_comes_back_from_the_dead_can_neither_complete_nor_claim() {
    let database = migrated().await;
    worker(&database.pool, "frozen", "1 hour").await;
    worker(&database.pool, "heir", "0 seconds").await;
    let (frozen, heir) = (pool_of(&database, "frozen").await, pool_of(&database, "heir").await);
    let job = running_job(&database.pool, "frozen", 1).await;
    sweep::run(&database.pool, TIME_TO_LIVE).await.unwrap();

    let claim = "UPDATE river_job SET state = 'running', attempt = attempt + 1, attempted_by = array_append(attempted_by, $2) WHERE id = $1";
    let claim_as = async |pool: &PgPool, who: &str| {
        sqlx::query(claim).bind(job).bind(who).execute(pool).await.unwrap().rows_affected()
    };
    assert_eq!(claim_as(&frozen, "frozen").await, 0);
    assert_eq!(claim_as(&heir, "heir").await, 1);
    assert_eq!(complete(&frozen, job).await, 0, "its late result is rejected");
    assert_eq!(state(&database.pool, job).await, "running");
    assert_eq!(complete(&heir, job).await, 1);
}

#[tokio::test]
async fn a_worker_cannot_end_another_s_job() {
    let database = migrated().await;
    worker(&database.pool, "one", "0 seconds").await;
    worker(&database.pool, "two", "0 seconds").await;
    let job = running_job(&database.pool, "one", 1).await;
    assert_eq!(complete(&pool_of(&database, "two").await, job).await, 0);
    assert_eq!(complete(&pool_of(&database, "one").await, job).await, 1);
}

#[tokio::test]
async fn what_a_job_writes_itself_is_refused_once_the_job_was_handed_on() {
    let database = migrated().await;
    let id = running_job(&database.pool, "mine", 1).await;
    let args = serde_json::value::RawValue::from_string("{}".to_owned()).unwrap();
    let mut attempt = JobRow::new(id, "any_kind", args, "2026-01-01T00:00:00Z".parse().unwrap());
    attempt.attempt = 1;
    attempt.attempted_by = vec!["earlier".to_owned(), "mine".to_owned()];
    let hold = async |attempt: &JobRow| fence::hold(&mut database.pool.begin().await.unwrap(), attempt).await;
    hold(&attempt).await.expect("it is the current attempt");
    sqlx::query("UPDATE river_job SET attempt = 2, attempted_by = '{mine,other}'")
        .execute(&database.pool)
        .await
        .unwrap();
    assert!(matches!(hold(&attempt).await, Err(JobError::Superseded)));
}
