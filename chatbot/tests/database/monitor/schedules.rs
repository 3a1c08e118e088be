use chatbot::jobs::schedule::{self, Run, Schedule};
use jiff::{Timestamp, ToSpan};
use sqlx::PgPool;

use super::world::World;
use crate::support::{app, migrated};

fn noon() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

/// The schedule's time on the day after [`noon`].
fn due() -> Timestamp {
    "2026-01-02T03:17:00Z".parse().unwrap()
}

async fn jobs(db: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM river_job WHERE kind = 'tidy_history'").fetch_one(db).await.unwrap()
}

async fn finish(db: &PgPool) {
    sqlx::query("UPDATE river_job SET state = 'completed', finalized_at = now()").execute(db).await.unwrap();
}

#[tokio::test]
async fn a_schedule_runs_when_it_is_due_and_once_whoever_looks() {
    let database = migrated().await;
    let (app, db) = (app(&database, "http://127.0.0.1:1"), &database.pool);
    schedule::declare(db, noon()).await.unwrap();
    assert_eq!(schedule::tick(db, &app.queue, due() - 1.second()).await.unwrap(), 0);
    let (one, two) = tokio::join!(schedule::tick(db, &app.queue, due()), schedule::tick(db, &app.queue, due()));
    assert_eq!((one.unwrap() + two.unwrap(), jobs(db).await), (1, 1));
    assert_eq!(schedule::tick(db, &app.queue, due() + 1.hour()).await.unwrap(), 0, "the next run is tomorrow");
}

#[tokio::test]
async fn runs_that_were_missed_are_made_up_for_once() {
    let database = migrated().await;
    let (app, db) = (app(&database, "http://127.0.0.1:1"), &database.pool);
    schedule::declare(db, noon()).await.unwrap();
    assert_eq!(schedule::tick(db, &app.queue, due() + (3 * 24).hours()).await.unwrap(), 1);
    assert_eq!(schedule::tick(db, &app.queue, due() + (3 * 24).hours()).await.unwrap(), 0);
    assert_eq!(jobs(db).await, 1);
}

#[tokio::test]
async fn a_restart_neither_forgets_a_run_nor_repeats_one() {
    let database = migrated().await;
    let (app, db) = (app(&database, "http://127.0.0.1:1"), &database.pool);
    schedule::declare(db, noon()).await.unwrap();
    schedule::declare(db, due() + 1.hour()).await.unwrap();
    assert_eq!(schedule::tick(db, &app.queue, due() + 1.hour()).await.unwrap(), 1, "it was due while nobody looked");
    schedule::declare(db, due() + 2.hours()).await.unwrap();
    assert_eq!(schedule::tick(db, &app.queue, due() + 2.hours()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_run_that_is_not_over_keeps_the_next_one_from_piling_up() {
    let database = migrated().await;
    let (app, db) = (app(&database, "http://127.0.0.1:1"), &database.pool);
    schedule::declare(db, noon()).await.unwrap();
    assert_eq!(schedule::tick(db, &app.queue, due()).await.unwrap(), 1);
    assert_eq!(schedule::tick(db, &app.queue, due() + 24.hours()).await.unwrap(), 0);
    finish(db).await;
    assert_eq!(schedule::tick(db, &app.queue, due() + 48.hours()).await.unwrap(), 1);
}

#[tokio::test]
async fn run_now_runs_once_until_that_run_is_over() {
    let database = migrated().await;
    let (app, db) = (app(&database, "http://127.0.0.1:1"), &database.pool);
    let run = async || {
        let mut tx = db.begin().await.unwrap();
        let run = schedule::run_now(&mut tx, &app.queue, Schedule::TidyHistory, noon()).await.unwrap();
        tx.commit().await.unwrap();
        run
    };
    assert_eq!(run().await, Run::Held, "no worker has made it known");
    schedule::declare(db, noon()).await.unwrap();
    let Run::Enqueued(job) = run().await else { panic!("it runs") };
    assert_eq!(run().await, Run::AlreadyAtIt(job));
    finish(db).await;
    assert!(matches!(run().await, Run::Enqueued(_)));
    assert_eq!(schedule::tick(db, &app.queue, due() - 1.second()).await.unwrap(), 0, "its own time stays as it was");
}

#[tokio::test]
async fn a_person_runs_a_schedule_and_is_told_which_task_it_is() {
    let world = World::new().await;
    schedule::declare(world.db(), world.app.clock.now()).await.unwrap();
    let (status, done) = world.post("/api/schedules/tidy-history/run").await;
    assert_eq!((status, done["message"].as_str().unwrap()), (200, "tidy-history runs now, as task 1."));
    let (_, again) = world.post("/api/schedules/tidy-history/run").await;
    assert_eq!(again["changed"], false);
    let browser = world.browser().await;
    let response = world.press(&browser, "/schedules/tidy-history/run").await;
    assert_eq!(response.headers()["location"], "/schedules");
    let (_, page) = world.page(&browser.cookie, "/schedules").await;
    assert!(
        page.contains("tidy-history") && page.contains("17 3 * * *") && page.contains("href=\"/tasks/1\""),
        "{page}"
    );
}
