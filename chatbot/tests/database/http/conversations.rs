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
    let id = "after=018f0000-0000-7000-8000-000000000000";
    let table = [("limit=0", 422), ("limit=201", 422), ("limit=x", 400), ("after=7", 422), (id, 422), ("page=2", 400)];
    for (query, expected) in table {
        let (status, problem) = world.get(&format!("/api/v1/conversations?{query}")).await;
        assert_eq!(status, expected, "{query}");
        assert!(problem["type"].is_string(), "{query}: {problem}");
    }
    let (_, problem) = world.get(&format!("/api/v1/documents?{id}")).await;
    assert!(problem["detail"].as_str().unwrap().contains("leave `after` out"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_page_is_there_although_the_last_item_of_this_one_is_gone() {
    let world = World::new().await;
    for question in ["first question", "second question", "third question"] {
        world.ask(question).await;
    }
    for number in 1..4 {
        world.upload(&format!("{number}.md"), &format!("Text number {number}.")).await;
    }
    for (list, field) in [("conversations", "title"), ("documents", "sha256")] {
        let (_, all) = world.get(&format!("/api/v1/{list}")).await;
        let (_, page) = world.get(&format!("/api/v1/{list}?limit=2")).await;
        assert_eq!(world.delete(&format!("/api/v1/{list}/{}", page["items"][1]["id"].as_str().unwrap())).await, 204);
        let (status, rest) = world.get(&format!("/api/v1/{list}?after={}", page["next"].as_str().unwrap())).await;
        assert_eq!(status, 200, "{rest}");
        assert_eq!(rest["items"].as_array().unwrap().len(), 1, "{list}: {rest}");
        assert_eq!(rest["items"][0][field], all["items"][2][field]);
    }
}
