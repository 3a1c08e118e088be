//! `POST /v1/embeddings`.

use axum::extract::State;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::extract::{Chat, Json, May};
use crate::http::openai::error::{ErrorDocument, Refusal};
use crate::http::state::Http;
use crate::retrieval::tokens::tokens;

/// Texts of one request: their vectors are held in memory together.
const MAX_TEXTS: usize = 256;

/// Vectors that are asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::http::openai) struct EmbeddingRequest {
    /// The embedding model's name (GET /v1/models).
    model: String,
    input: Input,
    #[serde(default)]
    encoding_format: Option<Encoding>,
    /// The length of the model's vectors, if anything.
    #[serde(default)]
    dimensions: Option<usize>,
}

/// A text, or up to 256; tokens are not read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "`input` must be a text or a list of texts")]
enum Input {
    Text(String),
    Texts(Vec<String>),
    /// Refused.
    Tokens(Vec<serde_json::Value>),
}

/// How a vector is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    /// Numbers.
    #[default]
    Float,
    /// Little-endian floats of 32 bits, in Base64.
    Base64,
}

/// Vectors, in the order of the texts.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::openai) struct EmbeddingList {
    object: &'static str,
    data: Vec<Embedding>,
    model: String,
    usage: EmbeddingUsage,
}

#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "OpenAI's names")]
struct Embedding {
    object: &'static str,
    index: usize,
    embedding: Vector,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum Vector {
    Float(Vec<f32>),
    Base64(String),
}

/// Words of the texts: what the model makes of them is not known.
#[derive(Debug, Serialize, ToSchema)]
struct EmbeddingUsage {
    prompt_tokens: usize,
    total_tokens: usize,
}

/// Makes vectors of texts, by the model that documents are indexed with.
#[utoipa::path(post, path = "/embeddings", tag = "openai", security(("apiKey" = ["chat"]), ("login" = [])),
    request_body = EmbeddingRequest, responses(
    (status = OK, body = EmbeddingList),
    (status = "4XX", body = ErrorDocument),
    (status = "5XX", body = ErrorDocument)))]
pub(in crate::http::openai) async fn create(
    State(http): State<Http>,
    _may: May<Chat>,
    Json(request): Json<EmbeddingRequest>,
) -> Result<axum::Json<EmbeddingList>, Refusal> {
    let EmbeddingRequest { model, input, encoding_format, dimensions } = request;
    let embedder = &http.app.embedder;
    if embedder.model() != Some(model.as_str()) {
        return Err(Refusal::NoModel(model));
    }
    if dimensions.is_some() && dimensions != embedder.dimensions() {
        let length = embedder.dimensions().unwrap_or_default();
        return Err(Refusal::invalid(
            "dimensions",
            format!("this model's vectors have {length} numbers; leave it out"),
        ));
    }
    let texts = texts(input)?;
    let vectors = embedder.embed(&texts).await?.unwrap_or_default();
    let encoding = encoding_format.unwrap_or_default();
    let data = vectors.into_iter().enumerate();
    let data =
        data.map(|(index, vector)| Embedding { object: "embedding", index, embedding: written(vector, encoding) });
    let words = texts.iter().map(|text| tokens(text).len()).sum();
    let usage = EmbeddingUsage { prompt_tokens: words, total_tokens: words };
    Ok(axum::Json(EmbeddingList { object: "list", data: data.collect(), model, usage }))
}

fn texts(input: Input) -> Result<Vec<String>, Refusal> {
    let texts = match input {
        Input::Text(text) => vec![text],
        Input::Texts(texts) => texts,
        Input::Tokens(tokens) => {
            let count = tokens.len();
            let message = format!("send texts, not {count} tokens: those of another model mean nothing to this one");
            return Err(Refusal::invalid("input", message));
        }
    };
    if !(1..=MAX_TEXTS).contains(&texts.len()) || texts.iter().any(String::is_empty) {
        return Err(Refusal::invalid("input", format!("send 1 to {MAX_TEXTS} texts, none of them empty")));
    }
    Ok(texts)
}

fn written(vector: Vec<f32>, encoding: Encoding) -> Vector {
    match encoding {
        Encoding::Float => Vector::Float(vector),
        Encoding::Base64 => {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            Vector::Base64(BASE64_STANDARD.encode(bytes))
        }
    }
}
