//! What holds for every endpoint: keys, problems, headers, limits, metrics.

use chatbot::check_token;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use test_upstream::Step;

use super::scopes::OPEN;
use super::world::{World, read};

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_under_api_refuses_who_brings_no_key() {
    let world = World::new().await;
    let (_, document) = world.get("/openapi.json").await;
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let has_caller = path.contains("/v1/") && !OPEN.contains(&path.as_str());
        for method in item.as_object().unwrap().keys().filter(|_| has_caller) {
            let method: Method = method.to_uppercase().parse().unwrap();
            let path = path.replace("{id}", "018f0000-0000-7000-8000-000000000000");
            let (status, problem) = read(world.anonymous(method.clone(), &path).bearer_auth("cbk_wrong")).await;
            let expected = if path.starts_with("/api/") {
                (&problem["type"], "urn:chatbot:problem:unauthorized")
            } else {
                (&problem["error"]["code"], "invalid_api_key")
            };
            assert_eq!((status, expected.0), (401, &json!(expected.1)), "{method} {path}");
            tried += 1;
        }
    }
    assert!(tried >= 33, "{tried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_a_problem_too() {
    let world = World::new().await;
    let (status, problem) = world.get("/api/v1/nothing").await;
    assert_eq!((status, &problem["status"]), (404, &json!(404)));
    let (status, problem) = read(world.request(Method::PUT, "/api/v1/chat")).await;
    assert_eq!((status, &problem["type"]), (405, &json!("urn:chatbot:problem:method-not-allowed")));
    let text = world.request(Method::POST, "/api/v1/chat").header("content-type", "text/plain").body("Hi");
    assert_eq!(read(text).await.0, 415);
    let broken = world.request(Method::POST, "/api/v1/chat").header("content-type", "application/json").body("{");
    assert_eq!(read(broken).await.0, 400);
    let large = world.request(Method::POST, "/api/v1/chat").json(&json!({"message": "x".repeat(2 << 20)}));
    assert_eq!(read(large).await.0, 413);
    let query = world.request(Method::POST, "/api/v1/documents?title=a&title=b").header("content-type", "text/plain");
    let (status, problem) = read(query.body("Hi")).await;
    assert_eq!((status, &problem["type"]), (400, &json!("urn:chatbot:problem:bad-request")), "{problem}");
    assert_eq!(world.get("/api/v1/documents/7").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_its_id_and_the_security_headers() {
    let world = World::new().await;
    let given = world.anonymous(Method::GET, "/health/live").header("x-request-id", "given-1").send().await.unwrap();
    assert_eq!(given.headers()["x-request-id"], "given-1");
    let made = world.anonymous(Method::GET, "/nothing").header("x-request-id", "no good id").send().await.unwrap();
    let id = made.headers()["x-request-id"].to_str().unwrap();
    assert!(id.parse::<uuid::Uuid>().is_ok(), "{id}");
    for header in ["x-content-type-options", "content-security-policy", "referrer-policy", "cache-control"] {
        assert!(made.headers().contains_key(header), "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_is_a_page_that_needs_nothing_from_elsewhere() {
    let world = World::new().await;
    let page = world.anonymous(Method::GET, "/docs/").send().await.unwrap();
    assert_eq!(page.status(), 200);
    let html = page.text().await.unwrap();
    assert!(html.contains("swagger") && !html.contains("https://"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_refuses_at_once_and_still_answers_probes() {
    let world = World::with(&[("MAX_CONCURRENT_REQUESTS", "1")]).await;
    world.play(vec![Step::Stall { text: "one two".to_owned(), after: 1 }]);
    let streaming = world.stream(&json!({"message": "Count."})).await;
    let refused = world.request(Method::GET, "/api/v1/conversations").send().await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "2"));
    assert_eq!(world.get("/health/live").await.0, 200);
    drop(streaming);
    crate::support::eventually("a free slot", async || {
        (world.get("/api/v1/conversations").await.0 == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_asks_too_often_is_told_when_to_come_back_and_another_key_is_not() {
    let redis = crate::support::redis().await;
    let world = World::with(&[("REDIS_URL", &redis.url), ("RATE_LIMIT_PER_MINUTE", "2")]).await;
    let ask = async |key: &str| {
        world.anonymous(Method::GET, "/api/v1/conversations").header("x-api-key", key).send().await.unwrap()
    };
    let (first, second) = (world.key_of("omid").await, world.key_of("neda").await);
    for expected in [200, 200, 429] {
        assert_eq!(ask(&first).await.status(), expected);
    }
    let refused = ask(&first).await;
    let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["type"], "urn:chatbot:problem:rate-limited");
    assert_eq!(ask(&second).await.status(), 200, "each key has a count of its own");
    let client = redis::Client::open(redis.url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*rate:key:*").query_async(&mut connection).await.unwrap();
    for key in &keys {
        redis::cmd("PERSIST").arg(key).exec_async(&mut connection).await.unwrap();
    }
    assert_eq!(ask(&first).await.status(), 429);
    let mut ending = 0;
    for key in &keys {
        let left: i64 = redis::cmd("PTTL").arg(key).query_async(&mut connection).await.unwrap();
        ending += usize::from(left > 0);
    }
    assert_eq!(ending, 1, "the count that was asked for again has an end again: {keys:?}");
    drop(redis);
    for expected in [200, 200, 429] {
        assert_eq!(ask(&first).await.status(), expected, "without Redis the process counts anew, for itself");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_has_a_question_answered_and_nothing_of_it_is_kept() {
    let world = World::new().await;
    let config = &world.app.config;
    let token = check_token::token(&config.secret_key, &config.environment.release_id);
    let ask = |token: &str| world.anonymous(Method::POST, "/health/question").bearer_auth(token);
    let (status, answer) = read(ask(token.expose_secret())).await;
    assert_eq!((status, &answer["missing"]), (200, &json!([])), "{answer}");
    assert_eq!(read(ask("guessed")).await.0, 401);

    world.play(vec![Step::Status { status: 401, message: String::new(), retry_after: None }]);
    let (status, problem) = read(ask(token.expose_secret())).await;
    assert_eq!((status, &problem["type"]), (503, &json!("urn:chatbot:problem:unavailable")));
    let (_, metrics) = world.get("/metrics").await;
    assert!(metrics.as_str().unwrap().contains("chat_first_token_seconds_count 0"), "{metrics}");
    for table in ["conversations", "messages"] {
        let query = format!("SELECT count(*) FROM {table}");
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&world.database.pool).await.unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_too_long_is_given_up() {
    let world = World::with(&[("REQUEST_TIMEOUT", "1")]).await;
    world.play(vec![Step::Hang]);
    let (status, problem) = world.post("/api/v1/chat", &json!({"message": "Hello?"})).await;
    assert_eq!((status, &problem["type"]), (504, &json!("urn:chatbot:problem:timeout")));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_requests_by_route_and_answers_by_outcome() {
    let world = World::new().await;
    world.ask("Hello?").await;
    world.get("/api/v1/documents/018f0000-0000-7000-8000-000000000000").await;
    world.get("/a/path/that/is/not/there").await;
    let (_, metrics) = world.get("/metrics").await;
    let Value::String(metrics) = metrics else { panic!("{metrics}") };
    for line in [
        r#"http_requests_total{method="POST",path="/api/v1/chat",status="200"} 1"#,
        r#"http_requests_total{method="GET",path="/api/v1/documents/{id}",status="404"} 1"#,
        r#"http_requests_total{method="GET",path="unmatched",status="404"} 1"#,
        r#"http_request_duration_seconds_count{method="POST",path="/api/v1/chat"} 1"#,
        r#"chat_answers_total{outcome="ok"} 1"#,
        r#"chat_tokens_total{direction="completion"} 3"#,
        "chat_first_token_seconds_count 1",
        "http_requests_active 1",
    ] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
}
