use futures::StreamExt;
use reqwest::Method;
use serde_json::json;

use super::world::{World, failure, job, worker};
use crate::support::eventually;

const PAGES: [(&str, &str); 8] = [
    ("/", "Overview"),
    ("/tasks", "Tasks"),
    ("/tasks?state=discarded", "Dead letters"),
    ("/tasks/1", "of_nobody"),
    ("/workers", "Workers"),
    ("/schedules", "Schedules"),
    ("/history", "History"),
    ("/history?window=7d", "History"),
];

async fn seeded() -> World {
    let world = World::new().await;
    let db = world.db();
    worker(db, "worker-1", json!({"low": 1}), &["remove_document"], 1.0).await;
    let now = super::world::db_now(db).await;
    let args = json!({"text": "<img src=x onerror=alert(1)>"});
    job(db, json!({"kind": "of_nobody", "args": args, "scheduled_at": now})).await;
    job(db, json!({"state": "discarded", "attempt": 3, "errors": [failure(3, "<script>alert(1)</script>")]})).await;
    job(db, json!({"state": "running", "attempt": 1, "attempted_at": now, "attempted_by": ["worker-1"], "metadata": {"progress": 40}}))
        .await;
    world
}

#[tokio::test]
async fn every_page_can_be_read_without_a_script_and_takes_nothing_from_elsewhere() {
    let world = seeded().await;
    let browser = world.browser().await;
    for (path, title) in PAGES {
        let response = world.anonymous(Method::GET, path).header("cookie", &browser.cookie).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let page = response.text().await.unwrap();
        assert_eq!(page.matches("<h1").count(), 1, "{path}: one heading");
        assert!(page.contains(title), "{path}: {title}");
        assert!(page.contains("<html lang=\"en\">") && page.contains("<main"), "{path}");
        assert_eq!(
            page.matches("<script").count(),
            page.matches("<script src=\"/assets/").count(),
            "{path}: inline script"
        );
        for forbidden in [" style=", " onclick=", "<style", "href=\"http", "src=\"http", "onerror=alert(1)>"] {
            assert!(!page.contains(forbidden), "{path}: {forbidden}");
        }
        let nameless = page.matches("<table").count() - page.matches("<thead").count();
        assert_eq!(nameless, 0, "{path}: every table has a head");
    }
}

#[tokio::test]
async fn assets_are_there_and_are_kept_by_browsers() {
    let world = World::new().await;
    let login = world.anonymous(Method::GET, "/login").send().await.unwrap().text().await.unwrap();
    let assets: Vec<&str> = login.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(assets.len() >= 3, "{assets:?}");
    for asset in assets {
        let response = world.anonymous(Method::GET, asset).send().await.unwrap();
        assert_eq!(response.status(), 200, "{asset}");
        assert!(response.headers()["cache-control"].to_str().unwrap().contains("immutable"), "{asset}");
    }
    assert_eq!(world.anonymous(Method::GET, "/assets/1/../../Cargo.toml").send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_page_that_is_not_there_is_a_page_and_who_is_not_logged_in_is_sent_to_the_form() {
    let world = World::new().await;
    let browser = world.browser().await;
    let (status, page) = world.page(&browser.cookie, "/tasks/77").await;
    assert_eq!(status, 404);
    assert!(page.contains("there is no such task"), "{page}");
    let away = world.anonymous(Method::GET, "/tasks?state=discarded").send().await.unwrap();
    assert_eq!(away.status(), 303);
    assert_eq!(away.headers()["location"], "/login?next=%2Ftasks%3Fstate%3Ddiscarded");
}

/// The next event of a stream.
async fn event(world: &World) -> String {
    let stream = world.anonymous(Method::GET, "/api/events").bearer_auth(&world.key).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let (mut parts, mut text) = (stream.bytes_stream(), String::new());
    while !text.contains("\n\n") || !text.contains("event: overview") {
        text.push_str(std::str::from_utf8(&parts.next().await.unwrap().unwrap()).unwrap());
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_watch_are_told_the_same_and_what_is_new_comes_by_itself() {
    let world = seeded().await;
    let one = eventually("one look for both", async || {
        let (one, two) = tokio::join!(event(&world), event(&world));
        (one == two).then_some(one)
    })
    .await;
    let data: serde_json::Value = serde_json::from_str(one.split("data: ").nth(1).unwrap().trim()).unwrap();
    assert_eq!(data["running"]["3"], json!([40, null]));
    assert_eq!(data["alarms"], 1);
    assert!(data["sections"]["alarms"].as_str().unwrap().contains("of the kind of_nobody"), "{data}");
    sqlx::query("DELETE FROM river_job WHERE kind = 'of_nobody'").execute(world.db()).await.unwrap();
    eventually("the end of the alarm", async || event(&world).await.contains("All is well").then_some(())).await;
}
