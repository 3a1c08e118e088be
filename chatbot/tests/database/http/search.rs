use chatbot::jobs::reindex::Reindexer;
use serde_json::{Value, json};
use test_upstream::Step;

use super::world::World;
use crate::support::eventually;

const PERSIAN: &str = include_str!("../../../../tests/fixtures/documents/rahnama-fa.md");
const ARABIC: &str = include_str!("../../../../tests/fixtures/documents/dalil-ar.md");
const ENGLISH: &str = include_str!("../../../../tests/fixtures/documents/handbook.md");

fn first(answer: &Value) -> &str {
    answer["results"][0]["title"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_find_documents_of_their_language_however_they_are_spelled() {
    let world = World::new().await;
    for (title, text) in [("fa.md", PERSIAN), ("ar.md", ARABIC), ("en.md", ENGLISH)] {
        world.upload(title, text).await;
    }
    let table = [
        ("مرخصي سالانه كاركنان", "fa.md"),
        ("کتابهای مرجع کتابخانه", "fa.md"),
        ("الاجازه المدفوعه", "ar.md"),
        ("غرامة تأخير الكتب", "ar.md"),
        ("unused days of paid leave", "en.md"),
    ];
    for (query, expected) in table {
        let (status, answer) = world.post("/api/v1/search", &json!({"query": query, "limit": 3})).await;
        assert_eq!((status, first(&answer)), (200, expected), "{query}: {answer}");
        assert_eq!(answer["degraded"], json!(false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_users_documents_are_not_found() {
    let world = World::new().await;
    world.upload("mine.md", "The launch code is swordfish.").await;
    let stranger = world.key_of("omid").await;
    let request = world.anonymous(reqwest::Method::POST, "/api/v1/search").bearer_auth(stranger);
    let (status, answer) = super::world::read(request.json(&json!({"query": "launch code"}))).await;
    assert_eq!((status, &answer["results"]), (200, &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_without_the_index_is_a_problem_and_a_question_is_not() {
    let mut world = World::new().await;
    world.qdrant.take().unwrap().stop().await;
    let (status, problem) = world.post("/api/v1/search", &json!({"query": "anything"})).await;
    assert_eq!((status, &problem["type"]), (503, &json!("urn:chatbot:problem:unavailable")));
    world.play(vec![Step::Answer { text: "Yes.".to_owned(), token_delay_ms: 0 }]);
    assert_eq!(world.ask("anything?").await["degraded"], json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_index_is_told_once_there_was_something_in_it() {
    let world = World::new().await;
    let search = async || world.post("/api/v1/search", &json!({"query": "harbour"})).await;
    assert_eq!(search().await, (200, json!({"results": [], "degraded": false})), "nothing was written yet");
    world.upload("a.md", "The harbour is old.").await;
    let qdrant = world.qdrant.as_ref().unwrap();
    let collection = format!("{}/collections/{}", qdrant.url(), world.app.qdrant.collection());
    let lose = reqwest::Client::builder().build().unwrap().delete(collection);
    let lose = lose.header("api-key", qdrant.api_key().unwrap_or_default());
    lose.send().await.unwrap().error_for_status().unwrap();
    assert_eq!(search().await.0, 503);
    world.says("Yes.");
    assert_eq!(world.ask("Is the harbour old?").await["degraded"], json!(true));
    let qdrant = async || {
        let (_, health) = world.get("/health").await;
        let services = health["services"].as_array().unwrap();
        services.iter().find(|service| service["name"] == "qdrant").unwrap().clone()
    };
    let unhealthy = qdrant().await;
    assert_eq!(unhealthy["healthy"], json!(false));
    assert!(unhealthy["message"].as_str().unwrap().contains("workers begin to make it again"), "{unhealthy}");
    assert_eq!(Reindexer::new(&world.app).look().await.unwrap(), 1);
    assert_eq!(Reindexer::new(&world.app).look().await.unwrap(), 0, "each document is asked for once");
    eventually("the index to come back", async || (search().await.1["results"][0]["title"] == "a.md").then_some(()))
        .await;
    eventually("health", async || (qdrant().await["healthy"] == true).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_the_index_lost_among_others_is_indexed_again() {
    let world = World::new().await;
    let lost = world.upload("lost.md", "The harbour is old.").await;
    world.upload("kept.md", "The lighthouse is red.").await;
    let mut reindexer = Reindexer::new(&world.app);
    assert_eq!(reindexer.look().await.unwrap(), 0);
    for mend in ["by a worker", "by its owner"] {
        world.app.qdrant.delete_document(lost.parse().unwrap(), &[]).await.unwrap();
        if mend == "by a worker" {
            assert_eq!(reindexer.look().await.unwrap(), 1);
        } else {
            let again = world.request(reqwest::Method::POST, "/api/v1/documents?title=lost.md");
            let again = again.header("content-type", "text/markdown").body("The harbour is old.");
            let (status, document) = super::world::read(again).await;
            assert_eq!((status, &document["status"]), (200, &json!("pending")), "{document}");
        }
        world.status_of(&lost, "ready").await;
        let (_, answer) = world.post("/api/v1/search", &json!({"query": "harbour"})).await;
        assert_eq!(first(&answer), "lost.md", "{mend}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_of_deleted_documents_do_not_crowd_out_living_ones() {
    let world = World::new().await;
    for number in 0..6 {
        world.upload("gone.md", &format!("Launch code {number}.")).await;
    }
    let living =
        world.upload("here.md", "In a much longer text about the harbour somebody mentions a launch code.").await;
    sqlx::query("DELETE FROM documents WHERE title = 'gone.md'").execute(&world.app.db).await.unwrap();
    let (_, answer) = world.post("/api/v1/search", &json!({"query": "launch code", "limit": 1})).await;
    assert_eq!(answer["results"][0]["documentId"], json!(living), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_searched_is_a_problem() {
    let world = World::new().await;
    for body in [json!({"query": " "}), json!({"query": "x", "limit": 0}), json!({"query": "x", "limit": 51})] {
        assert_eq!(world.post("/api/v1/search", &body).await.0, 422, "{body}");
    }
}
