use crate::support::{empty, eventually, migrated, start, variables};

#[tokio::test]
async fn the_monitor_says_how_it_is_without_a_login_and_ends_well() {
    let database = migrated().await;
    let mut process = start("monitor", &variables(&database));
    let healthy = async || process.get("/healthcheck").await.filter(|(status, _)| *status == 200);
    let body = eventually("health", healthy).await.1;
    let health: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((health["status"].as_str(), health["version"].as_str()), (Some("ok"), Some(env!("CARGO_PKG_VERSION"))));
    assert_eq!(process.get("/health/live").await.unwrap().0, 200);
    let metrics = process.get("/metrics").await.unwrap().1;
    for name in [
        "tasks_waiting{queue=\"high\"} 0",
        "tasks_oldest_seconds{queue=\"low\"}",
        "tasks_dead 0",
        "tasks_alarms 0",
        "tasks_workers 0",
    ] {
        assert!(metrics.contains(name), "{name} is missing in {metrics}");
    }
    process.terminate();
    assert_eq!(eventually("the end", async || process.exit_code()).await, 0);
}

#[tokio::test]
async fn a_monitor_without_the_schema_says_what_it_waits_for() {
    let database = empty().await;
    let process = start("monitor", &variables(&database));
    let body = eventually("an answer", async || process.get("/healthcheck").await.filter(|(status, _)| *status == 503))
        .await
        .1;
    assert!(body.contains("\"unavailable\"") && body.contains("migrat"), "{body}");
}
