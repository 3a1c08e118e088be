//! `/v1/embeddings`: sums of word hashes, so that texts that share words are near each other.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::server::Shared;

#[derive(Deserialize)]
pub(crate) struct Request {
    model: String,
    input: Input,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    Many(Vec<String>),
}

pub(crate) async fn embeddings(
    State(shared): State<Arc<Shared>>,
    Json(request): Json<Request>,
) -> Result<Json<Value>, StatusCode> {
    let texts = match request.input {
        Input::One(text) => vec![text],
        Input::Many(texts) => texts,
    };
    if texts.is_empty() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let vectors = texts.iter().map(|text| vector(text, shared.dimensions)).enumerate();
    let data: Vec<Value> =
        vectors.map(|(index, vector)| json!({"object": "embedding", "index": index, "embedding": vector})).collect();
    Ok(Json(json!({"object": "list", "model": request.model, "data": data})))
}

fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    for word in text.to_lowercase().split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut hasher = DefaultHasher::new();
        word.hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % dimensions as u64).unwrap_or_default();
        vector[place] += 1.0;
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        for value in &mut vector {
            *value /= length;
        }
    }
    vector
}
