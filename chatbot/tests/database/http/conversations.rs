use reqwest::Method;

use super::world::{World, read};

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_listed_latest_first_in_pages_and_can_be_deleted() {
    let world = World::new().await;
    for question in ["first question", "second question", "third question"] {
        world.ask(question).await;
    }
    let titles = |page: &serde_json::Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
    };
    let (_, page) = world.get("/api/v1/conversations?limit=2").await;
    assert_eq!(titles(&page), ["third question", "second question"]);
    let (_, rest) = world.get(&format!("/api/v1/conversations?limit=2&after={}", page["next"].as_str().unwrap())).await;
    assert_eq!(titles(&rest), ["first question"]);
    assert!(rest["next"].is_null());

    let id = rest["items"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/conversations/{id}");
    assert_eq!(world.get(&path).await.0, 200);
    assert_eq!(world.delete(&path).await, 204);
    assert_eq!(world.delete(&path).await, 404);
    assert_eq!(world.get(&path).await.0, 404);
    assert_eq!(world.get(&format!("{path}/messages")).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_users_conversation_does_not_exist() {
    let world = World::new().await;
    let id = world.ask("mine").await["conversationId"].as_str().unwrap().to_owned();
    let stranger = world.key_of("omid").await;
    for (method, path) in [
        (Method::GET, format!("/api/v1/conversations/{id}")),
        (Method::GET, format!("/api/v1/conversations/{id}/messages")),
        (Method::DELETE, format!("/api/v1/conversations/{id}")),
    ] {
        let (status, _) = read(world.anonymous(method.clone(), &path).bearer_auth(&stranger)).await;
        assert_eq!(status, 404, "{method} {path}");
    }
    let (_, list) = read(world.anonymous(Method::GET, "/api/v1/conversations").bearer_auth(&stranger)).await;
    assert_eq!(list["items"], serde_json::json!([]));
    assert_eq!(world.get(&format!("/api/v1/conversations/{id}")).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_cannot_be_is_a_problem() {
    let world = World::new().await;
    for (query, expected) in [("limit=0", 422), ("limit=201", 422), ("limit=x", 400), ("after=7", 400), ("page=2", 400)]
    {
        assert_eq!(world.get(&format!("/api/v1/conversations?{query}")).await.0, expected, "{query}");
    }
}
