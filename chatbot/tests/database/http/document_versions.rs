use reqwest::Method;
use serde_json::{Value, json};

use super::world::{World, read};
use crate::support::eventually;

async fn upload(world: &World, title: &str, text: &str) -> (u16, Value) {
    let request = world.request(Method::POST, &format!("/api/v1/documents?title={title}"));
    read(request.header("content-type", "text/markdown").body(text.to_owned())).await
}

/// Title, version and whether it was superseded, of the versions of a document.
async fn versions(world: &World, id: &str) -> Vec<(String, i64, bool)> {
    let (status, page) = world.get(&format!("/api/v1/documents/{id}/versions")).await;
    assert_eq!(status, 200, "{page}");
    let version = |item: &Value| {
        let title = item["title"].as_str().unwrap().to_owned();
        (title, item["version"].as_i64().unwrap(), item["superseded"].as_bool().unwrap())
    };
    page["items"].as_array().unwrap().iter().map(version).collect()
}

async fn texts(world: &World, question: &str) -> Vec<String> {
    let (_, found) = world.post("/api/v1/search", &json!({"query": question})).await;
    found["results"].as_array().unwrap().iter().map(|found| found["text"].as_str().unwrap().to_owned()).collect()
}

fn listed(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_takes_the_place_of_the_old_one_and_the_old_one_can_come_back() {
    let world = World::new().await;
    let first = world.upload("hours.md", "The office opens at eight.").await;
    let second = world.upload("hours.md", "The office opens at nine.").await;
    assert_eq!(texts(&world, "office opens").await, ["The office opens at nine."]);
    let both = |newest: i64| [("hours.md".to_owned(), newest, false), ("hours.md".to_owned(), newest - 1, true)];
    assert_eq!(versions(&world, &first).await, both(2));
    assert_eq!(listed(&world.get("/api/v1/documents").await.1), [second.as_str()]);
    assert_eq!(world.get(&format!("/api/v1/documents/{first}")).await.1["superseded"], json!(true));
    eventually("the old version's points to go", async || {
        (world.app.qdrant.count_document(first.parse().unwrap()).await.unwrap() == 0).then_some(())
    })
    .await;

    let (status, again) = upload(&world, "hours.md", "The office opens at eight.").await;
    assert_eq!((status, again["id"].as_str().unwrap()), (200, first.as_str()), "the same content is the same document");
    eventually("the first version to be the newest", async || {
        (texts(&world, "office opens").await == ["The office opens at eight."]).then_some(())
    })
    .await;
    assert_eq!(versions(&world, &second).await, both(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_version_answers_until_the_new_one_is_ready() {
    let world = World::new().await;
    let old = world.upload("hours.md", "The office opens at eight.").await;
    let (_, new) = upload(&world, "hours.md", "\u{a0}\u{2003}").await;
    assert_eq!(new["type"], "urn:chatbot:problem:invalid", "nothing to read, nothing kept: {new}");
    let page = world.request(Method::POST, "/api/v1/documents?title=hours.md").header("content-type", "text/html");
    let (_, new) = read(page.body("<script>no text</script>")).await;
    assert_eq!(new["version"], 2);
    world.status_of(new["id"].as_str().unwrap(), "failed").await;
    assert_eq!(texts(&world, "office opens").await, ["The office opens at eight."]);
    let third = world.upload("hours.md", "The office opens at ten.").await;
    assert_eq!(texts(&world, "office opens").await, ["The office opens at ten."]);
    let superseded: Vec<bool> = versions(&world, &old).await.into_iter().map(|(_, _, is)| is).collect();
    assert_eq!(superseded, [false, true, true]);
    assert_eq!(listed(&world.get("/api/v1/documents").await.1), [third.as_str()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_without_a_title_and_those_of_others_are_no_versions() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for text in ["The harbour.", "The lighthouse."] {
        let request = world.request(Method::POST, "/api/v1/documents").header("content-type", "text/plain");
        let (_, document) = read(request.body(text)).await;
        ids.push(document["id"].as_str().unwrap().to_owned());
        world.status_of(ids.last().unwrap(), "ready").await;
    }
    assert_eq!(texts(&world, "harbour lighthouse").await.len(), 2);
    assert_eq!(versions(&world, &ids[0]).await, [("untitled".to_owned(), 1, false)]);
    let stranger = world.key_of("omar").await;
    let path = format!("/api/v1/documents/{}/versions", ids[0]);
    assert_eq!(read(world.anonymous(Method::GET, &path).bearer_auth(stranger)).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_document_deletes_what_it_superseded_and_an_old_version_goes_alone() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for hour in ["eight", "nine", "ten"] {
        ids.push(world.upload("hours.md", &format!("The office opens at {hour}.")).await);
    }
    let other = world.upload("other.md", "The harbour.").await;
    let keys: Vec<String> = sqlx::query_scalar("SELECT object_key FROM documents WHERE title = 'hours.md'")
        .fetch_all(&world.app.db)
        .await
        .unwrap();
    assert_eq!(world.delete(&format!("/api/v1/documents/{}", ids[0])).await, 204);
    assert_eq!(versions(&world, &ids[2]).await.len(), 2);
    assert_eq!(world.delete(&format!("/api/v1/documents/{}", ids[2])).await, 204);
    assert_eq!(world.get(&format!("/api/v1/documents/{}", ids[1])).await.0, 404);
    assert_eq!(listed(&world.get("/api/v1/documents").await.1), [other.as_str()]);
    eventually("objects and points to go", async || {
        for (key, id) in keys.iter().zip(&ids) {
            let points = world.app.qdrant.count_document(id.parse().unwrap()).await.unwrap();
            if points > 0 || world.app.objects.get(key).await.is_ok() {
                return None;
            }
        }
        Some(())
    })
    .await;
    let chunks: i64 = sqlx::query_scalar("SELECT count(*) FROM chunks").fetch_one(&world.app.db).await.unwrap();
    assert_eq!(chunks, 1, "those of the other document");
}
