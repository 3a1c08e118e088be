//! `/collections`: create, describe, remove, and payload indexes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Path, State};
use axum::response::Response;
use qdrant_edge::{
    CreateIndex, Distance, EdgeConfig, EdgeShard, EdgeSparseVectorParams, EdgeVectorParams, FieldIndexOperations,
    JsonPath, Modifier, PayloadFieldSchema, UpdateOperation,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{Body, Refusal, envelope};
use crate::server::{Shared, blocking};

#[derive(Deserialize)]
pub(crate) struct CreateCollection {
    #[serde(default)]
    vectors: Option<VectorsConfig>,
    #[serde(default)]
    sparse_vectors: HashMap<String, SparseParams>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum VectorsConfig {
    Single(VectorParams),
    Named(HashMap<String, VectorParams>),
}

#[derive(Deserialize)]
struct VectorParams {
    size: usize,
    distance: Distance,
    #[serde(default)]
    on_disk: Option<bool>,
}

#[derive(Deserialize)]
struct SparseParams {
    #[serde(default)]
    modifier: Option<Modifier>,
}

#[derive(Deserialize)]
pub(crate) struct CreateFieldIndex {
    field_name: JsonPath,
    field_schema: Option<PayloadFieldSchema>,
}

impl CreateCollection {
    fn into_config(self) -> Result<EdgeConfig, Refusal> {
        let vectors = match self.vectors {
            None => HashMap::new(),
            Some(VectorsConfig::Single(params)) => HashMap::from([(String::new(), params)]),
            Some(VectorsConfig::Named(named)) => named,
        };
        if vectors.values().any(|params| params.size == 0 || params.size > 65536) {
            return Err(Refusal::WrongInput("vector size must be between 1 and 65536".to_owned()));
        }
        let dense = |params: VectorParams| EdgeVectorParams {
            on_disk: params.on_disk,
            ..EdgeVectorParams::builder(params.size, params.distance).build()
        };
        let sparse = |params: SparseParams| EdgeSparseVectorParams { modifier: params.modifier, ..Default::default() };
        Ok(EdgeConfig {
            vectors: vectors.into_iter().map(|(name, params)| (name, dense(params))).collect(),
            sparse_vectors: self.sparse_vectors.into_iter().map(|(name, params)| (name, sparse(params))).collect(),
            ..EdgeConfig::default()
        })
    }
}

pub(crate) async fn list(State(shared): State<Arc<Shared>>) -> Response {
    let names: Vec<Value> = shared.engine.names().into_iter().map(|name| json!({"name": name})).collect();
    envelope(Instant::now(), &json!({"collections": names}))
}

pub(crate) async fn exists(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    envelope(Instant::now(), &json!({"exists": shared.engine.get(&name).is_ok()}))
}

pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Body(body): Body<CreateCollection>,
) -> Result<Response, Refusal> {
    let started = Instant::now();
    let config = body.into_config()?;
    blocking(move || shared.engine.create(&name, config)).await?;
    Ok(envelope(started, &true))
}

pub(crate) async fn remove(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let started = Instant::now();
    let removed = blocking(move || shared.engine.remove(&name)).await?;
    Ok(envelope(started, &removed))
}

pub(crate) async fn describe(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let started = Instant::now();
    let description = blocking(move || shared.engine.get(&name)?.read(|shard| Ok(description(shard)))).await?;
    Ok(envelope(started, &description))
}

pub(crate) async fn create_index(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Body(body): Body<CreateFieldIndex>,
) -> Result<Response, Refusal> {
    let started = Instant::now();
    let index = CreateIndex { field_name: body.field_name, field_schema: body.field_schema };
    let operation = UpdateOperation::FieldIndexOperation(FieldIndexOperations::CreateIndex(index));
    let operations = Arc::clone(&shared);
    blocking(move || shared.engine.get(&name)?.update(operation)).await?;
    Ok(envelope(started, &operations.completed()))
}

fn description(shard: &EdgeShard) -> Value {
    let info = shard.info();
    let config = shard.config();
    let dense = |params: &EdgeVectorParams| json!({"size": params.size, "distance": params.distance});
    let vectors = match config.vectors.get("") {
        Some(params) => dense(params),
        None => config.vectors.iter().map(|(name, params)| (name.clone(), dense(params))).collect(),
    };
    let schema: serde_json::Map<String, Value> =
        info.payload_schema.iter().map(|(key, index)| (key.to_string(), json!(index))).collect();
    json!({
        "status": "green",
        "optimizer_status": "ok",
        "points_count": info.points_count,
        "indexed_vectors_count": info.indexed_vectors_count,
        "segments_count": info.segments_count,
        "config": {"params": {"vectors": vectors, "sparse_vectors": config.sparse_vectors, "shard_number": 1}},
        "payload_schema": schema,
    })
}
