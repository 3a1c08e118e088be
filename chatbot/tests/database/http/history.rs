//! What was said: found, named, rated, taken along and deleted.

use reqwest::Method;
use serde_json::{Value, json};

use super::world::{World, read};

async fn found(world: &World, query: &str) -> Vec<String> {
    let request = world.request(Method::GET, &searching(query));
    let (status, page) = read(request).await;
    assert_eq!(status, 200, "{query}: {page}");
    page["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

fn path(conversation: &Value, more: &str) -> String {
    format!("/api/v1/conversations/{}{more}", conversation["conversationId"].as_str().unwrap())
}

/// The path of a search in one's history.
fn searching(query: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", query).finish();
    format!("/api/v1/conversations?{query}")
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_found_by_words_of_questions_answers_and_titles_however_they_are_spelled() {
    let world = World::new().await;
    world.says("It is open.");
    world.ask("کتاب‌های مرجع کجا هستند؟").await;
    world.ask("أين المدرسة القديمة؟").await;
    world.says("Ask the café at 50% (or so).");
    let third = world.ask("Where is the harbour?").await;
    world.patch(&path(&third, ""), &json!({"title": "Résumé of the day"})).await;
    let table: [(&str, &[&str]); 12] = [
        ("كتابهاي", &["کتاب‌های مرجع کجا هستند؟"]),
        ("مرجع كجا", &["کتاب‌های مرجع کجا هستند؟"]),
        ("اين المدرسه", &["أين المدرسة القديمة؟"]),
        ("HARBOUR", &["Résumé of the day"]),
        ("cafe harb", &["Résumé of the day"]),
        ("resume", &["Résumé of the day"]),
        ("50% (or", &["Résumé of the day"]),
        ("open harbour", &[]),
        (".*", &[]),
        ("nowhere", &[]),
        ("[", &[]),
        ("open", &["أين المدرسة القديمة؟", "کتاب‌های مرجع کجا هستند؟"]),
    ];
    for (query, expected) in table {
        assert_eq!(found(&world, query).await, expected, "{query}");
    }
    assert_eq!(found(&world, &"کی".repeat(100)).await, [""; 0], "the longest word is not too much for a pattern");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_cannot_be_is_a_problem_and_finds_nothing_of_others() {
    let world = World::new().await;
    world.ask("Where is the harbour?").await;
    let long = "x".repeat(201);
    for query in ["", " ", "\u{200c}", "a b c d e f g h i", &long] {
        let request = world.request(Method::GET, &searching(query));
        let (status, problem) = read(request).await;
        assert_eq!((status, &problem["field"]), (422, &json!("q")), "{query:?}: {problem}");
    }
    let nul = world.request(Method::GET, &searching("har\0bour"));
    assert!(read(nul).await.0 < 500);
    let stranger = world.key_of("omid").await;
    let theirs = world.anonymous(Method::GET, "/api/v1/conversations?q=harbour").bearer_auth(stranger);
    assert_eq!(read(theirs).await.1["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_rated_and_the_rating_changed_and_taken_back() {
    let world = World::new().await;
    let answer = world.ask("Where is the harbour?").await;
    let feedback = format!("/api/v1/messages/{}/feedback", answer["messageId"].as_str().unwrap());
    let (status, given) = world.put(&feedback, &json!({"rating": "down", "comment": " too short "})).await;
    assert_eq!((status, &given["rating"], &given["comment"]), (200, &json!("down"), &json!("too short")));
    let (_, given) = world.put(&feedback, &json!({"rating": "up"})).await;
    assert_eq!((&given["rating"], &given["comment"]), (&json!("up"), &Value::Null));
    let (_, page) = world.get(&path(&answer, "/messages")).await;
    assert_eq!((&page["items"][0]["feedback"], &page["items"][1]["feedback"]["rating"]), (&Value::Null, &json!("up")));
    let question = format!("/api/v1/messages/{}/feedback", page["items"][0]["id"].as_str().unwrap());
    assert_eq!(world.put(&question, &json!({"rating": "up"})).await.0, 409, "questions are not rated");
    assert_eq!((world.delete(&feedback).await, world.delete(&feedback).await), (204, 404));
    assert_eq!(world.delete(&path(&answer, "")).await, 204);
    assert_eq!(world.put(&feedback, &json!({"rating": "up"})).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_everything_that_was_said_in_both_formats() {
    let world = World::new().await;
    world.upload("guide.md", "# Guide\n\n## Backups\n\nBackups are kept for thirty days.\n").await;
    world.says("Thirty days [1].");
    let one = world.ask("How long are backups kept?").await;
    for number in 0..60 {
        let body = json!({"message": format!("And number {number}?"), "conversationId": one["conversationId"]});
        let question = "INSERT INTO messages (id, conversation_id, role, content) VALUES (gen_random_uuid(), $1::uuid, 'user', $2)";
        let insert =
            sqlx::query(question).bind(one["conversationId"].as_str().unwrap()).bind(body["message"].as_str().unwrap());
        insert.execute(&world.app.db).await.unwrap();
    }
    world.ask("Another matter").await;
    let (status, json) = world.get(&path(&one, "/export")).await;
    assert_eq!(status, 200);
    assert_eq!(
        (json["title"].as_str(), json["messages"].as_array().unwrap().len()),
        (Some("How long are backups kept?"), 62)
    );
    let markdown = world.request(Method::GET, &path(&one, "/export?format=markdown")).send().await.unwrap();
    assert_eq!(markdown.headers()["content-type"], "text/markdown; charset=utf-8");
    assert!(markdown.headers()["content-disposition"].to_str().unwrap().ends_with(".md\""));
    let text = markdown.text().await.unwrap();
    for words in ["# How long are backups kept?\n", "**You**", "Thirty days [1].", "- [1] guide.md, ", "And number 59?"]
    {
        assert!(text.contains(words), "{words} is missing in {text}");
    }
    let (_, all) = world.get("/api/v1/conversations/export?format=json").await;
    let titles: Vec<&str> =
        all["conversations"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Another matter", "How long are backups kept?"]);
    assert_eq!(all["conversations"][1], json, "one is exported alone as among others");
    let (_, text) = world.get("/api/v1/conversations/export?format=markdown").await;
    assert!(text.as_str().unwrap().contains("\n---\n\n# How long"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_conversations_are_deleted_and_those_of_others_stay() {
    let world = World::new().await;
    for question in ["one", "two"] {
        world.ask(question).await;
    }
    let stranger = world.key_of("omid").await;
    let theirs = |method| world.anonymous(method, "/api/v1/conversations").bearer_auth(&stranger);
    let ask = world.anonymous(Method::POST, "/api/v1/chat").bearer_auth(&stranger);
    read(ask.json(&json!({"message": "mine"}))).await;
    assert_eq!((world.delete("/api/v1/conversations").await, world.delete("/api/v1/conversations").await), (204, 204));
    assert_eq!(world.get("/api/v1/conversations").await.1["items"], json!([]));
    assert_eq!(read(theirs(Method::GET)).await.1["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_a_problem_and_changes_nothing() {
    let world = World::new().await;
    let answer = world.ask("Where is the harbour?").await;
    let before = crate::support::rows(&world.app.db).await;
    let stranger = world.key_of("omid").await;
    let (conversation, message) = (path(&answer, ""), answer["messageId"].as_str().unwrap());
    let feedback = format!("/api/v1/messages/{message}/feedback");
    let json = |method: Method, path: &str, body: &str| {
        world.request(method, path).header("content-type", "application/json").body(body.to_owned().into_bytes())
    };
    let theirs =
        |method: Method, path: &str, body: Value| world.anonymous(method, path).bearer_auth(&stranger).json(&body);
    let long = format!("{{\"title\": \"{}\"}}", "x".repeat(201));
    let huge = format!("{{\"title\": \"{}\"}}", "x".repeat(2 << 20));
    let table = [
        (json(Method::PATCH, &conversation, "{"), 400),
        (json(Method::PATCH, &conversation, "{}"), 400),
        (json(Method::PATCH, &conversation, r#"{"title": 7}"#), 400),
        (json(Method::PATCH, &conversation, r#"{"title": "x", "user": 1}"#), 400),
        (json(Method::PATCH, &conversation, r#"{"title": " "}"#), 422),
        (json(Method::PATCH, &conversation, r#"{"title": "a\u0000b"}"#), 422),
        (json(Method::PATCH, &conversation, &long), 422),
        (json(Method::PATCH, &conversation, &huge), 413),
        (
            world
                .request(Method::PATCH, &conversation)
                .header("content-type", "application/json")
                .body(vec![b'"', 0xff]),
            400,
        ),
        (world.request(Method::PATCH, &conversation).body("x"), 415),
        (json(Method::PUT, &feedback, r#"{"rating": "sideways"}"#), 400),
        (json(Method::PUT, &feedback, r#"{"rating": "up", "comment": "a\u0000b"}"#), 422),
        (world.put_raw(&feedback, &json!({"rating": "up", "comment": "x".repeat(2001)})), 422),
        (theirs(Method::PATCH, &conversation, json!({"title": "mine now"})), 404),
        (theirs(Method::PUT, &feedback, json!({"rating": "down"})), 404),
        (theirs(Method::DELETE, &feedback, Value::Null), 404),
        (theirs(Method::GET, &path(&answer, "/export"), Value::Null), 404),
        (theirs(Method::DELETE, &conversation, Value::Null), 404),
        (world.request(Method::GET, &path(&answer, "/export?format=pdf")), 400),
        (world.request(Method::GET, "/api/v1/conversations/export?format=json&x=1"), 400),
        (world.request(Method::GET, "/api/v1/conversations/7/export"), 404),
        (world.request(Method::PUT, "/api/v1/messages/7/feedback").json(&json!({"rating": "up"})), 404),
        (world.request(Method::POST, "/api/v1/messages/7/regenerate"), 404),
        (world.request(Method::POST, &format!("/api/v1/messages/{message}/regenerate?stream=perhaps")), 400),
    ];
    for (request, expected) in table {
        let shown = format!("{request:?}");
        let (status, problem) = read(request).await;
        assert_eq!(status, expected, "{shown}: {problem}");
        assert!(problem["type"].as_str().unwrap().starts_with("urn:chatbot:problem:"), "{shown}: {problem}");
    }
    let after = crate::support::rows(&world.app.db).await;
    for table in ["conversations", "messages", "feedback"] {
        assert_eq!(after[table], before[table], "{table}");
    }
}
