use std::net::SocketAddr;
use std::time::Duration;

use secrecy::ExposeSecret;
use test_upstream::{Script, Settings, Step};

use crate::support::{Database, empty, eventually, migrated, run, start, user, variables};

#[tokio::test]
async fn a_server_refuses_traffic_until_the_schema_is_there() {
    for command in ["serve", "worker"] {
        let database = empty().await;
        let variables = variables(&database);
        let process = start(command, &variables);
        let (status, body) = eventually("an answer", async || process.get("/health/ready").await).await;
        assert_eq!(status, 503, "{command}");
        assert!(body.contains("migrate up --kind expand"), "{command}: {body}");
        assert_eq!(process.get("/health/live").await.unwrap().0, 200, "{command} is alive all the same");
        assert_eq!(run("migrate up --kind expand", &variables).code, 0);
        eventually("readiness", async || process.get("/health/ready").await.filter(|(status, _)| *status == 200)).await;
    }
}

#[tokio::test]
async fn a_stopping_server_says_so_before_it_stops_and_ends_well() {
    let database = migrated().await;
    let mut variables = variables(&database);
    variables.insert("DRAIN_DELAY".to_owned(), "3".to_owned());
    let mut process = start("serve", &variables);
    eventually("readiness", async || process.get("/health/ready").await.filter(|(status, _)| *status == 200)).await;
    process.terminate();
    let body = eventually("the refusal of traffic", async || {
        process.get("/health/ready").await.filter(|(status, _)| *status == 503)
    })
    .await
    .1;
    assert!(body.contains("being stopped"), "{body}");
    assert_eq!(process.get("/health/live").await.unwrap().0, 200, "it still serves");
    let code = eventually("the end", async || process.exit_code()).await;
    assert_eq!(code, 0);
}

#[tokio::test]
async fn traces_reach_the_collector_at_the_latest_when_the_server_stops() {
    let collector = wiremock::MockServer::start().await;
    let ok = wiremock::ResponseTemplate::new(200);
    wiremock::Mock::given(wiremock::matchers::any()).respond_with(ok).mount(&collector).await;
    let database = migrated().await;
    let mut variables = variables(&database);
    variables.insert("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), collector.uri());
    variables.insert("DRAIN_DELAY".to_owned(), "0".to_owned());
    let mut process = start("serve", &variables);
    eventually("an answer", async || process.get("/api/v1/conversations").await).await;
    process.terminate();
    eventually("the end", async || process.exit_code()).await;

    let requests = collector.received_requests().await.unwrap();
    let traces: Vec<_> = requests.iter().filter(|request| request.url.path() == "/v1/traces").collect();
    assert!(!traces.is_empty(), "{requests:?}");
    assert_eq!(traces[0].headers["content-type"], "application/x-protobuf");
    let sent: String = traces.iter().map(|request| String::from_utf8_lossy(&request.body)).collect();
    for words in ["chatbot-app", "/api/v1/conversations"] {
        assert!(sent.contains(words), "{words} is missing in {sent}");
    }
}

#[tokio::test]
async fn health_and_metrics_have_the_agreed_names() {
    let database = migrated().await;
    let variables = variables(&database);
    for command in ["serve", "worker"] {
        let process = start(command, &variables);
        let body =
            eventually("health", async || process.get("/health").await.filter(|(status, _)| *status == 200)).await.1;
        let health: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(health["status"], "degraded");
        let names: Vec<&str> =
            health["services"].as_array().unwrap().iter().map(|service| service["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["postgresql", "redis", "qdrant", "objects", "llm", "embedding"]);
        let metrics = process.get("/metrics").await.unwrap().1;
        for name in ["http_requests_active", "db_connections_active", "db_queries_total", "tasks_active"] {
            assert!(metrics.contains(name), "{command}: {name} is missing in {metrics}");
        }
    }
}

#[tokio::test]
async fn readiness_does_not_wait_for_a_service_that_is_not_required() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let database = migrated().await;
    let mut variables = variables(&database);
    variables.insert("LLM_BASE_URL".to_owned(), format!("http://{}/v1", silent.local_addr().unwrap()));
    let process = start("serve", &variables);
    eventually("readiness", async || process.get("/health/ready").await.filter(|(status, _)| *status == 200)).await;
    silent.set_nonblocking(true).unwrap();
    assert!(silent.accept().is_err(), "nobody asked the model whether it lives");
}

#[tokio::test]
async fn health_names_what_to_check_and_no_hosts() {
    let database = migrated().await;
    let variables = variables(&database);
    let process = start("serve", &variables);
    let body = eventually("health", async || process.get("/health").await).await.1;
    for wanted in ["Redis cannot be reached: check REDIS_URL", "Qdrant cannot be reached: check QDRANT_URL"] {
        assert!(body.contains(wanted), "{wanted} is missing in {body}");
    }
    assert!(!body.contains("127.0.0.1") && !body.contains("refused (os"), "{body}");
    let doctor = run("doctor", &variables);
    assert!(doctor.stdout.to_lowercase().contains("connection refused"), "{doctor:?}");
}

async fn key(database: &Database) -> String {
    let owner = user(database).await;
    let key = chatbot::store::api_keys::from_random([7; 32]);
    chatbot::store::api_keys::create(&database.pool, owner.id, "test", key.expose_secret(), None).await.unwrap();
    key.expose_secret().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_a_server_that_stops() {
    let database = migrated().await;
    let key = key(&database).await;
    let upstream = Settings { address: SocketAddr::from(([127, 0, 0, 1], 0)), dimensions: 8 };
    let upstream = test_upstream::start(upstream).await.unwrap();
    let text = "word ".repeat(40).trim().to_owned();
    upstream.script(Script { model: "any".to_owned(), steps: vec![Step::Answer { text, token_delay_ms: 150 }] });
    let mut variables = variables(&database);
    variables.insert("LLM_BASE_URL".to_owned(), upstream.base_url());
    variables.insert("DRAIN_DELAY".to_owned(), "3".to_owned());
    let mut process = start("serve", &variables);
    eventually("readiness", async || process.get("/health/ready").await.filter(|(status, _)| *status == 200)).await;

    let client = reqwest::Client::builder().timeout(Duration::from_mins(1)).build().unwrap();
    let ask = client.post(format!("{}/api/v1/chat", process.url)).bearer_auth(&key);
    let ask = ask.header("accept", "text/event-stream").json(&serde_json::json!({"message": "Count."}));
    let answer = ask.send().await.unwrap();
    process.terminate();
    let list = || client.get(format!("{}/api/v1/conversations", process.url)).bearer_auth(&key).send();
    // As long as a load balancer may take to notice.
    let noticed = tokio::time::Instant::now() + Duration::from_secs(2);
    let mut ended = 0;
    while tokio::time::Instant::now() < noticed {
        let response = list().await.expect("no request fails while others may still send some");
        assert_eq!(response.status(), 200);
        ended += usize::from(response.headers().get("connection").is_some_and(|value| value == "close"));
        response.bytes().await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(ended > 1, "answers end their connections, so that clients go elsewhere");
    let answer = answer.text().await.expect("a stream in work is not cut off");
    assert!(answer.contains("event: done"), "{answer}");
    assert_eq!(eventually("the end", async || process.exit_code()).await, 0);
}
