use serde_json::{Value, json};
use test_upstream::Step;

use super::world::World;

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
async fn what_cannot_be_searched_is_a_problem() {
    let world = World::new().await;
    for body in [json!({"query": " "}), json!({"query": "x", "limit": 0}), json!({"query": "x", "limit": 51})] {
        assert_eq!(world.post("/api/v1/search", &body).await.0, 422, "{body}");
    }
}
