use std::sync::Arc;
use std::time::Duration;

use chatbot::{
    app::App,
    jobs::{heartbeat::Heartbeat, runner},
    store::{chunks, documents, documents::Document, documents::Status},
};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{accept, app, app_with, document, eventually, failing, forgiving, migrated, slow, user};

type Running = JoinHandle<Result<(), runner::WorkerError>>;

fn work(app: &App) -> (CancellationToken, Running) {
    let (app, stop) = (app.clone(), CancellationToken::new());
    let token = stop.clone();
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    let running = tokio::spawn(async move { runner::run(&app, token).await });
    (stop, running)
}

async fn finished(stop: CancellationToken, running: Running) {
    stop.cancel();
    running.await.unwrap().unwrap();
}

async fn status(db: &PgPool, document: &Document, wanted: Status) -> Document {
    eventually("the document's status", async || {
        documents::get(db, document.id).await.unwrap().filter(|document| document.status == wanted)
    })
    .await
}

/// State and attempts of the only job of this kind.
async fn job(db: &PgPool, kind: &str) -> (String, i16) {
    sqlx::query_as("SELECT state::text, attempt FROM river_job WHERE kind = $1").bind(kind).fetch_one(db).await.unwrap()
}

async fn job_in(db: &PgPool, kind: &str, state: &str) -> i16 {
    let what = format!("a job in state {state}");
    eventually(&what, async || Some(job(db, kind).await).filter(|(now, _)| now == state).map(|(_, attempt)| attempt))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_document_becomes_ready_and_doing_it_again_changes_nothing() {
    let (database, qdrant) = (migrated().await, forgiving().await);
    let app = app(&database, &qdrant.uri());
    let uploaded =
        document(&app, &user(&database).await, b"# Title\n\nThe answer is 42.\n\n## More\n\nMuch more.").await;
    let (stop, running) = work(&app);
    let ready = status(&app.db, &uploaded, Status::Ready).await;
    let rows = chunks::list(&app.db, uploaded.id).await.unwrap();
    assert!(!rows.is_empty());
    assert_eq!(usize::try_from(ready.chunk_count).unwrap(), rows.len());

    let mut tx = app.db.begin().await.unwrap();
    assert!(documents::mark_pending(&mut *tx, &ready).await.unwrap());
    app.queue.enqueue_ingest(&mut tx, uploaded.id).await.unwrap();
    tx.commit().await.unwrap();
    status(&app.db, &uploaded, Status::Ready).await;
    assert_eq!(chunks::list(&app.db, uploaded.id).await.unwrap(), rows);
    finished(stop, running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_rolled_back_never_existed() {
    let database = migrated().await;
    let app = app(&database, "http://127.0.0.1:1");
    let mut tx = app.db.begin().await.unwrap();
    app.queue.enqueue_ingest(&mut tx, uuid::Uuid::now_v7()).await.unwrap();
    tx.rollback().await.unwrap();
    let jobs: i64 = sqlx::query_scalar("SELECT count(*) FROM river_job").fetch_one(&app.db).await.unwrap();
    assert_eq!(jobs, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_deleted_before_its_job_is_no_error() {
    let (database, qdrant) = (migrated().await, forgiving().await);
    let app = app(&database, &qdrant.uri());
    let owner = user(&database).await;
    let uploaded = document(&app, &owner, b"text").await;
    documents::delete(&app.db, owner.id, uploaded.id).await.unwrap();
    let (stop, running) = work(&app);
    job_in(&app.db, "ingest_document", "completed").await;
    finished(stop, running).await;
    let removed = async || {
        let requests = qdrant.received_requests().await.unwrap();
        requests.iter().any(|request| request.url.path().ends_with("/points/delete"))
    };
    assert!(removed().await, "an earlier attempt may have left vectors");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_deleted_document_is_removed_and_an_outage_only_delays_it() {
    let (database, qdrant) = (migrated().await, failing().await);
    let app = app(&database, &qdrant.uri());
    let (id, key) = (uuid::Uuid::now_v7(), "documents/deleted");
    app.objects.put(key, "text".into()).await.unwrap();
    let mut tx = app.db.begin().await.unwrap();
    app.queue.enqueue_remove(&mut tx, id, key.to_owned()).await.unwrap();
    tx.commit().await.unwrap();
    let (stop, running) = work(&app);
    job_in(&app.db, "remove_document", "retryable").await;
    qdrant.reset().await;
    accept(&qdrant).await;
    sqlx::query("UPDATE river_job SET state = 'available', scheduled_at = now()").execute(&app.db).await.unwrap();
    job_in(&app.db, "remove_document", "completed").await;
    finished(stop, running).await;
    assert!(matches!(app.objects.get(key).await, Err(chatbot::objects::ObjectsError::NotFound)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_document_is_not_there_later_goes_and_another_stays() {
    let (database, qdrant) = (migrated().await, forgiving().await);
    let app = app(&database, &qdrant.uri());
    let kept = document(&app, &user(&database).await, b"text").await;
    let orphan = "documents/orphan";
    app.objects.put(orphan, "text".into()).await.unwrap();
    let mut tx = app.db.begin().await.unwrap();
    for (id, key) in [(kept.id, kept.object_key.as_str()), (uuid::Uuid::now_v7(), orphan)] {
        app.queue.enqueue_check(&mut tx, id, key.to_owned(), app.clock.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    let due = "UPDATE river_job SET state = 'available', scheduled_at = now() WHERE state = 'scheduled'";
    assert_eq!(
        sqlx::query(due).execute(&app.db).await.unwrap().rows_affected(),
        2,
        "not before the commit can have come"
    );
    let (stop, running) = work(&app);
    eventually("both checks", async || {
        let done = "SELECT count(*) FROM river_job WHERE kind = 'check_upload' AND state = 'completed'";
        let done: i64 = sqlx::query_scalar(done).fetch_one(&app.db).await.unwrap();
        (done == 2).then_some(())
    })
    .await;
    finished(stop, running).await;
    assert!(matches!(app.objects.get(orphan).await, Err(chatbot::objects::ObjectsError::NotFound)));
    assert_eq!(app.objects.get(&kept.object_key).await.unwrap(), "text");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_retried_and_the_document_is_not_given_up() {
    let (database, qdrant) = (migrated().await, failing().await);
    let app = app(&database, &qdrant.uri());
    let uploaded = document(&app, &user(&database).await, b"text").await;
    let (stop, running) = work(&app);
    eventually("a failed attempt", async || {
        let failed: i32 = sqlx::query_scalar("SELECT coalesce(cardinality(errors), 0) FROM river_job")
            .fetch_one(&app.db)
            .await
            .unwrap();
        (failed > 0).then_some(())
    })
    .await;
    assert_ne!(job(&app.db, "ingest_document").await.0, "discarded");
    let waiting = documents::get(&app.db, uploaded.id).await.unwrap().unwrap();
    assert_eq!(waiting.status, Status::Processing);
    finished(stop, running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_failed_attempt_tells_the_owner_why() {
    let (database, qdrant) = (migrated().await, failing().await);
    let app = app(&database, &qdrant.uri());
    let uploaded = document(&app, &user(&database).await, b"text").await;
    sqlx::query("UPDATE river_job SET attempt = max_attempts - 1").execute(&app.db).await.unwrap();
    let (stop, running) = work(&app);
    let failed = status(&app.db, &uploaded, Status::Failed).await;
    let error = failed.error.unwrap();
    assert!(error.starts_with("a service that it needs did not work"), "{error}");
    job_in(&app.db, "ingest_document", "discarded").await;
    finished(stop, running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_no_text_is_given_up_at_once() {
    let (database, qdrant) = (migrated().await, forgiving().await);
    let app = app(&database, &qdrant.uri());
    let uploaded = document(&app, &user(&database).await, &[0xff, 0xfe, 0x00]).await;
    let (stop, running) = work(&app);
    let failed = status(&app.db, &uploaded, Status::Failed).await;
    assert_eq!(failed.error.as_deref(), Some("the document is not UTF-8 text"));
    assert_eq!(job_in(&app.db, "ingest_document", "discarded").await, 1);
    finished(stop, running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_worker_finishes_the_job_in_hand() {
    let (database, qdrant) = (migrated().await, slow(Duration::from_millis(500)).await);
    let app = app(&database, &qdrant.uri());
    let uploaded = document(&app, &user(&database).await, b"text").await;
    let (stop, running) = work(&app);
    job_in(&app.db, "ingest_document", "running").await;
    finished(stop, running).await;
    let ready = documents::get(&app.db, uploaded.id).await.unwrap().unwrap();
    assert_eq!(ready.status, Status::Ready);
    assert_eq!(job(&app.db, "ingest_document").await.0, "completed");
    let workers: i64 = sqlx::query_scalar("SELECT count(*) FROM job_workers").fetch_one(&app.db).await.unwrap();
    assert_eq!(workers, 0, "it left the list of workers");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_in_time_is_handed_back_unharmed() {
    let (database, qdrant) = (migrated().await, slow(Duration::from_mins(1)).await);
    let app = app_with(&database, &qdrant.uri(), &[("DRAIN_TIMEOUT", "1")]);
    document(&app, &user(&database).await, b"text").await;
    let (stop, running) = work(&app);
    job_in(&app.db, "ingest_document", "running").await;
    finished(stop, running).await;
    assert_eq!(job(&app.db, "ingest_document").await, ("available".to_owned(), 0), "the attempt does not count");
}

/// Two releases share a database while one takes over from the other: whichever worker leads, it must not end what only the
/// other one can do.
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_this_release_lacks_waits_for_one_that_knows_it_whoever_leads() {
    let (database, qdrant) = (migrated().await, forgiving().await);
    let app = app(&database, &qdrant.uri());
    let insert = "INSERT INTO river_job (kind, queue, args, max_attempts, state, attempt, attempted_at, attempted_by, scheduled_at) \
         VALUES ('of_the_next_release', 'high', '{}', 3, $1::river_job_state, 1, now() - interval '3 days', '{theirs}', \
           now() - interval '1 minute')";
    for state in ["available", "retryable", "running"] {
        sqlx::query(insert).bind(state).execute(&app.db).await.unwrap();
    }
    let (stop, running) = work(&app);
    eventually("a leader", async || {
        sqlx::query_scalar::<_, String>("SELECT leader_id FROM river_leader").fetch_optional(&app.db).await.unwrap()
    })
    .await;
    // The leader's scheduler makes what is due available; after it, a job of our own passes by them.
    eventually("the leader's upkeep", async || {
        let due = "SELECT id FROM river_job WHERE kind = 'of_the_next_release' AND state = 'retryable'";
        let due: Option<i64> = sqlx::query_scalar(due).fetch_optional(&app.db).await.unwrap();
        due.is_none().then_some(())
    })
    .await;
    let uploaded = document(&app, &user(&database).await, b"ours").await;
    status(&app.db, &uploaded, Status::Ready).await;
    finished(stop, running).await;
    let left = "SELECT state::text, attempt FROM river_job WHERE kind = 'of_the_next_release' ORDER BY id";
    let left: Vec<(String, i16)> = sqlx::query_as(left).fetch_all(&app.db).await.unwrap();
    let expected = ["available", "available", "running"].map(|state| (state.to_owned(), 1));
    assert_eq!(left, expected, "nobody took them, and nobody gave them up");
}

/// A worker whose queue takes one job at a time has one in hand; another upload waits, and a removal. Then it is told to stop.
async fn states_after_leaving_to(successor: Option<&[&str]>, removal: &str) -> Vec<(String, String)> {
    let (database, qdrant) = (migrated().await, slow(Duration::from_millis(300)).await);
    let mut app = app(&database, &qdrant.uri());
    Arc::make_mut(&mut app.config).worker.medium = 1;
    Arc::make_mut(&mut app.config).worker.drain_timeout = Duration::from_secs(15);
    let owner = user(&database).await;
    document(&app, &owner, b"in hand").await;
    let (stop, running) = work(&app);
    job_in(&app.db, "ingest_document", "running").await;
    let insert = "INSERT INTO river_job (kind, queue, args, max_attempts, state, scheduled_at) VALUES ('remove_document', 'medium', \
        jsonb_build_object('document_id', gen_random_uuid(), 'object_key', 'documents/gone'), 3, $1::river_job_state, \
        now() + CASE $1 WHEN 'available' THEN interval '0' ELSE interval '2 seconds' END)";
    sqlx::query(insert).bind(removal).execute(&app.db).await.unwrap();
    document(&app, &owner, b"waiting").await;
    if let Some(kinds) = successor {
        Heartbeat::new(app.db.clone(), "next".to_owned()).register("next", kinds).await.unwrap();
    }
    finished(stop, running).await;
    let states = "SELECT kind, state::text FROM river_job ORDER BY id";
    sqlx::query_as(states).fetch_all(&app.db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_leaves_does_what_only_it_can_do_and_leaves_the_rest_to_those_that_take_over() {
    let states = |removal: &str, upload: &str| {
        [("ingest_document", "completed"), ("remove_document", removal), ("ingest_document", upload)]
            .map(|(kind, state)| (kind.to_owned(), state.to_owned()))
    };
    let all: &[&str] = &["check_upload", "ingest_document", "remove_document"];
    let table = [
        ("it knows every kind", Some(all), "available", states("available", "available")),
        ("it lacks one", Some(&["ingest_document"][..]), "available", states("completed", "available")),
        (
            "it lacks one that is tried again soon",
            Some(&["ingest_document"]),
            "retryable",
            states("completed", "available"),
        ),
        ("it leaves too", Some(&[][..]), "available", states("available", "available")),
        ("nobody comes", None, "available", states("available", "available")),
    ];
    for (name, successor, removal, expected) in table {
        assert_eq!(states_after_leaving_to(successor, removal).await, expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_declared_dead_stops_itself() {
    let (database, qdrant) = (migrated().await, forgiving().await);
    let app = app(&database, &qdrant.uri());
    let (_stop, running) = work(&app);
    eventually("the worker's row", async || {
        let done = sqlx::query("UPDATE job_workers SET dead_at = now()").execute(&app.db).await.unwrap();
        (done.rows_affected() == 1).then_some(())
    })
    .await;
    let ended = running.await.unwrap();
    assert!(matches!(ended, Err(runner::WorkerError::DeclaredDead)), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_never_done_in_time_is_tried_three_times_and_its_owner_is_told_why() {
    let (database, qdrant) = (migrated().await, slow(Duration::from_mins(1)).await);
    let mut app = app(&database, &qdrant.uri());
    Arc::make_mut(&mut app.config).worker.ingest_timeout = Duration::from_millis(200);
    let uploaded = document(&app, &user(&database).await, b"text").await;
    let (stop, running) = work(&app);
    for attempts in 1..3 {
        let errors: Vec<String> = eventually("a failed attempt", async || {
            let errors =
                "SELECT array(SELECT e ->> 'error' FROM unnest(errors) AS e) FROM river_job WHERE state <> 'running'";
            let errors: Option<Vec<String>> = sqlx::query_scalar(errors).fetch_optional(&app.db).await.unwrap();
            errors.filter(|errors| errors.len() == attempts)
        })
        .await;
        assert!(errors.iter().all(|error| error == "it took too long and was stopped"), "{errors:?}");
        sqlx::query("UPDATE river_job SET state = 'available', scheduled_at = now()").execute(&app.db).await.unwrap();
    }
    let failed = status(&app.db, &uploaded, Status::Failed).await;
    assert_eq!(failed.error.as_deref(), Some("it took too long and was stopped: split it into smaller files"));
    assert_eq!(job_in(&app.db, "ingest_document", "discarded").await, 3);
    finished(stop, running).await;
}
