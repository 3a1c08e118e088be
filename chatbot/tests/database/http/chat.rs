use serde_json::json;
use test_upstream::Step;

use super::world::{World, events, stable};
use crate::support::eventually;

const GUIDE: &str = "# Guide\n\n## Backups\n\nBackups are kept for thirty days. Every night a full one is made.\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_document_answers_a_question_and_is_cited() {
    let world = World::new().await;
    world.upload("guide.md", GUIDE).await;
    world.says("They are kept for thirty days [1].");
    let answer = world.ask("How long are backups kept?").await;
    insta::assert_json_snapshot!(stable(answer.clone()));
    let prompt = world.upstream.requests().pop().unwrap().to_string();
    assert!(prompt.contains("Backups are kept for thirty days."), "{prompt}");
    let kept = world.messages(&answer["conversationId"]).await;
    let expected = [
        ("user".to_owned(), "How long are backups kept?".to_owned(), json!(null)),
        ("assistant".to_owned(), "They are kept for thirty days [1].".to_owned(), json!("stop")),
    ];
    assert_eq!(kept, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_start_sources_tokens_and_done() {
    let world = World::new().await;
    world.upload("guide.md", GUIDE).await;
    world.says("Thirty days [1].");
    let response = world.stream(&json!({"message": "How long are backups kept?"})).await;
    let told = events(&response.text().await.unwrap());
    let told: Vec<_> = told.into_iter().map(|(name, data)| (name, stable(data))).collect();
    insta::assert_json_snapshot!(told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_goes_on_and_its_history_reaches_the_model() {
    let world = World::new().await;
    world.says("Hello Sara.");
    let first = world.ask("I am Sara.").await;
    let body = json!({"message": "Who am I?", "conversationId": first["conversationId"], "stream": false});
    let (status, second) = world.post("/api/v1/chat", &body).await;
    assert_eq!((status, &second["conversationId"]), (200, &first["conversationId"]));
    let request = world.upstream.requests().pop().unwrap();
    let said: Vec<&str> =
        request["messages"].as_array().unwrap().iter().skip(1).map(|m| m["content"].as_str().unwrap()).collect();
    assert_eq!(said, ["I am Sara.", "Hello Sara.", "Who am I?"]);
    assert_eq!(world.messages(&first["conversationId"]).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_model_the_answer_is_the_best_passage_in_plain_words() {
    let world = World::new().await;
    world.upload("guide.md", GUIDE).await;
    world.play(vec![Step::Status { status: 401, message: "no".to_owned(), retry_after: None }]);
    let answer = world.ask("How long are backups kept?").await;
    insta::assert_json_snapshot!(stable(answer));
    let persian = world.ask("نسخه‌های پشتیبان تا کی می‌مانند؟").await;
    assert!(persian["answer"].as_str().unwrap().starts_with("در حال حاضر مدل زبانی"), "{persian}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_index_an_answer_comes_without_sources_and_says_so() {
    let mut world = World::new().await;
    world.upload("guide.md", GUIDE).await;
    world.qdrant.take().unwrap().stop().await;
    world.says("Perhaps thirty days.");
    let answer = world.ask("How long are backups kept?").await;
    assert_eq!((&answer["degraded"], &answer["missing"]), (&json!(true), &json!(["qdrant"])));
    let text = answer["answer"].as_str().unwrap();
    assert!(text.contains("without sources") && text.ends_with("Perhaps thirty days."), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_in_mid_answer_keeps_what_was_said() {
    let world = World::new().await;
    world.play(vec![Step::Cut { text: "one two three".to_owned(), after: 2 }]);
    let answer = world.ask("Count.").await;
    assert_eq!(answer["answer"], "one two \n\n(The answer was cut off. Please ask again.)");
    assert_eq!((&answer["finishReason"], &answer["degraded"]), (&json!("error"), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_the_answer_and_what_was_said_is_kept() {
    let world = World::new().await;
    world.play(vec![Step::Stall { text: "one two three".to_owned(), after: 2 }]);
    let mut response = world.stream(&json!({"message": "Count."})).await;
    let mut read = String::new();
    while !read.contains("two ") {
        read.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    let conversation = events(&read)[0].1["conversationId"].clone();
    drop(response);
    let kept = eventually("the kept answer", async || {
        let messages = world.messages(&conversation).await;
        (messages.len() == 2).then_some(messages)
    })
    .await;
    assert_eq!(kept[1], ("assistant".to_owned(), "one two ".to_owned(), json!("cancelled")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_database_does_not_take_at_once_is_kept_all_the_same() {
    let world = World::new().await;
    // What a sequence gave out is not rolled back.
    let once = "CREATE SEQUENCE tries; CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
          IF nextval('tries') = 1 THEN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END IF; RETURN NEW; END $$; \
        CREATE TRIGGER fail_once BEFORE INSERT ON messages FOR EACH ROW WHEN (NEW.role = 'assistant') \
          EXECUTE FUNCTION fail_once()";
    sqlx::raw_sql(once).execute(&world.app.db).await.unwrap();
    world.says("At nine.");
    let answer = world.ask("When?").await;
    let kept = world.messages(&answer["conversationId"]).await;
    assert_eq!(kept[1].1, "At nine.");
    let tries: i64 = sqlx::query_scalar("SELECT last_value FROM tries").fetch_one(&world.app.db).await.unwrap();
    assert_eq!(tries, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_finishes_the_answer_in_hand() {
    let world = World::new().await;
    world.play(vec![Step::Answer { text: "one two three four five".to_owned(), token_delay_ms: 50 }]);
    let response = world.stream(&json!({"message": "Count."})).await;
    world.stop.cancel();
    let told = events(&response.text().await.unwrap());
    assert_eq!(told.last().unwrap().1["finishReason"], "stop");
    world.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_a_problem_that_says_what_to_write() {
    let world = World::new().await;
    let other = world.key_of("omid").await;
    let theirs =
        world.anonymous(reqwest::Method::POST, "/api/v1/chat").bearer_auth(other).json(&json!({"message": "Hi"}));
    let (_, theirs) = super::world::read(theirs).await;
    let table = [
        (json!({"message": "  "}), 422),
        (json!({"message": "x".repeat(8001)}), 422),
        (json!({"message": "a\u{0}b"}), 422),
        (json!({"text": "Hi"}), 422),
        (json!({"message": "Hi", "conversationId": theirs["conversationId"]}), 404),
        (json!({"message": "Hi", "conversationId": "7"}), 422),
    ];
    for (body, expected) in table {
        let (status, problem) = world.post("/api/v1/chat", &body).await;
        let shown: String = body.to_string().chars().take(80).collect();
        assert!(status == expected || (expected == 422 && status == 400), "{shown}: {status} {problem}");
        assert!(problem["type"].as_str().unwrap().starts_with("urn:chatbot:problem:"), "{shown}: {problem}");
    }
}
