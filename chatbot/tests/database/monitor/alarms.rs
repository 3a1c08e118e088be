use serde_json::{Value, json};

use super::world::{World, job, worker};
use crate::support::eventually;

async fn codes(world: &World) -> Vec<Value> {
    let (_, overview) = world.get("/api/overview").await;
    overview["alarms"].as_array().unwrap().iter().map(|alarm| alarm["code"].clone()).collect()
}

#[tokio::test]
async fn jobs_without_any_worker_ring() {
    let world = World::new().await;
    job(world.db(), json!({})).await;
    assert_eq!(codes(&world).await, ["no-worker"]);
}

#[tokio::test]
async fn a_queue_that_nobody_serves_rings() {
    let world = World::new().await;
    worker(world.db(), "worker-1", json!({"high": 4}), &["remove_document"], 1.0).await;
    let now = super::world::db_now(world.db()).await;
    job(world.db(), json!({"scheduled_at": now})).await;
    assert_eq!(codes(&world).await, ["queue-unserved"]);
}

#[tokio::test]
async fn a_kind_that_nobody_knows_rings_and_a_job_that_is_not_due_does_not() {
    let world = World::new().await;
    worker(world.db(), "worker-1", json!({"low": 1}), &["remove_document"], 1.0).await;
    job(
        world.db(),
        json!({"kind": "of_another_release", "scheduled_at": "2999-01-01T00:00:00Z", "state": "scheduled"}),
    )
    .await;
    assert_eq!(codes(&world).await, Vec::<Value>::new());
    let now = super::world::db_now(world.db()).await;
    job(world.db(), json!({"kind": "of_another_release", "scheduled_at": now})).await;
    eventually("the alarm", async || (codes(&world).await == ["kind-unknown"]).then_some(())).await;
}
