//! The upstream's model, asked with the caller's own request. Going away ends the upstream's answer: its connection goes with
//! ours.

use axum::Json;
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, future};
use serde_json::Value;

use super::request::{CompletionRequest, StreamOptions};
use super::sse;
use crate::http::openai::error::Refusal;
use crate::http::state::Http;
use crate::llm::{self, Chunks, Document};
use crate::metrics::Metrics;

pub(super) async fn answer(http: &Http, request: CompletionRequest) -> Result<Response, Refusal> {
    let (llm, metrics) = (&http.app.llm, &http.app.metrics);
    let (is_stream, wants_usage) = (request.is_stream(), request.wants_usage());
    let request = allowed(request, llm.max_tokens());
    if is_stream {
        let chunks = llm.pass_stream(&request).await?;
        return Ok(sse::response(counted(chunks, metrics.clone(), wants_usage)));
    }
    let document = llm.pass(&request).await?;
    count(metrics, &document);
    Ok(Json(document).into_response())
}

/// The request with what the platform decides. A stream's usage is always asked for: it is counted.
fn allowed(request: CompletionRequest, max_tokens: u32) -> CompletionRequest {
    let usage = request.is_stream().then_some(StreamOptions { include_usage: Some(true) });
    CompletionRequest {
        max_tokens: Some(request.longest(max_tokens)),
        max_completion_tokens: None,
        stream_options: usage,
        ..request
    }
}

/// The chunks as they come. Tokens are counted; who did not ask for them is not told.
fn counted(
    chunks: Chunks,
    metrics: Metrics,
    wants_usage: bool,
) -> impl Stream<Item = Result<Document, Refusal>> + Send {
    let chunks = chunks.map(move |chunk| {
        let mut chunk = chunk?;
        count(&metrics, &chunk);
        if !wants_usage {
            chunk.remove("usage");
        }
        Ok(chunk)
    });
    // What held nothing but the usage is left out too.
    chunks.filter(move |chunk: &Result<Document, Refusal>| {
        let is_empty =
            chunk.as_ref().is_ok_and(|chunk| chunk.get("choices").and_then(Value::as_array).is_none_or(Vec::is_empty));
        future::ready(wants_usage || !is_empty)
    })
}

fn count(metrics: &Metrics, document: &Document) {
    if let Some(usage) = llm::usage(document) {
        metrics.count_tokens(usage);
    }
}
