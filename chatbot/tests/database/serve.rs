use crate::support::{empty, eventually, migrated, run, start, variables};

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
    let mut variables = variables(&migrated().await);
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
async fn health_and_metrics_have_the_agreed_names() {
    let variables = variables(&migrated().await);
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
    let mut variables = variables(&migrated().await);
    variables.insert("LLM_BASE_URL".to_owned(), format!("http://{}/v1", silent.local_addr().unwrap()));
    let process = start("serve", &variables);
    eventually("readiness", async || process.get("/health/ready").await.filter(|(status, _)| *status == 200)).await;
    silent.set_nonblocking(true).unwrap();
    assert!(silent.accept().is_err(), "nobody asked the model whether it lives");
}
