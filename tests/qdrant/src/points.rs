//! `/collections/{name}/points`: write, delete, count, page through, query.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Path, State};
use axum::response::Response;
use qdrant_edge::{
    CountRequest, Filter, PointId, PointInsertOperations, PointOperations, ScoredPoint, ScrollRequest, UpdateOperation,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{Body, Refusal, envelope};
use crate::query::QueryBody;
use crate::server::{Shared, blocking};

/// What to delete, as the API says it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Selector {
    Points { points: Vec<PointId> },
    Filter { filter: Filter },
}

pub(crate) async fn upsert(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Body(points): Body<PointInsertOperations>,
) -> Result<Response, Refusal> {
    write(shared, name, PointOperations::UpsertPoints(points)).await
}

pub(crate) async fn delete(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Body(selector): Body<Selector>,
) -> Result<Response, Refusal> {
    let operation = match selector {
        Selector::Points { points } => PointOperations::DeletePoints { ids: points },
        Selector::Filter { filter } => PointOperations::DeletePointsByFilter(filter),
    };
    write(shared, name, operation).await
}

async fn write(shared: Arc<Shared>, name: String, operation: PointOperations) -> Result<Response, Refusal> {
    let started = Instant::now();
    let operations = Arc::clone(&shared);
    blocking(move || shared.engine.get(&name)?.update(UpdateOperation::PointOperation(operation))).await?;
    Ok(envelope(started, &operations.completed()))
}

pub(crate) async fn count(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Body(request): Body<CountRequest>,
) -> Result<Response, Refusal> {
    let started = Instant::now();
    let count = blocking(move || shared.engine.get(&name)?.read(|shard| Ok(shard.count(request)?))).await?;
    Ok(envelope(started, &json!({"count": count})))
}

pub(crate) async fn scroll(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Body(request): Body<ScrollRequest>,
) -> Result<Response, Refusal> {
    let started = Instant::now();
    let (records, next) = blocking(move || shared.engine.get(&name)?.read(|shard| Ok(shard.scroll(request)?))).await?;
    let points: Vec<Value> =
        records.into_iter().map(|record| json!({"id": record.id, "payload": record.payload})).collect();
    Ok(envelope(started, &json!({"points": points, "next_page_offset": next})))
}

pub(crate) async fn query(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Body(body): Body<QueryBody>,
) -> Result<Response, Refusal> {
    let started = Instant::now();
    let points = blocking(move || {
        let collection = shared.engine.get(&name)?;
        let request = body.into_request()?;
        collection.read(|shard| Ok(shard.query(request)?))
    })
    .await?;
    let points: Vec<Value> = points.into_iter().map(scored).collect();
    Ok(envelope(started, &json!({"points": points})))
}

fn scored(point: ScoredPoint) -> Value {
    let mut value = json!({"id": point.id, "version": point.version, "score": point.score});
    if let (Some(payload), Some(object)) = (point.payload, value.as_object_mut()) {
        object.insert("payload".to_owned(), json!(payload));
    }
    value
}
