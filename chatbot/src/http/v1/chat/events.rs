//! An answer on the wire: server-sent events, or one JSON document.

use axum::response::sse::Event as SseEvent;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::chat::{Answer, FinishReason, Service, Source};
use crate::http::problem::Problem;
use crate::llm::Usage;

/// `event: start`
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Start {
    pub(super) conversation_id: Uuid,
    pub(super) message_id: Uuid,
}

/// `event: sources`
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sources {
    pub(super) sources: Vec<Source>,
}

/// `event: token`
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Token {
    pub(super) text: String,
}

/// Tokens used.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenUsage {
    prompt_tokens: u32,
    completion_tokens: u32,
}

impl From<Usage> for TokenUsage {
    fn from(usage: Usage) -> Self {
        Self { prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens }
    }
}

/// `event: done`, the last one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Done {
    message_id: Uuid,
    finish_reason: FinishReason,
    /// Tokens used, when the upstream says.
    usage: Option<TokenUsage>,
    /// Whether a service was missing. Without `llm` and `qdrant` the answer says so in words; without `embedding` it does
    /// not, because it only was looked for by words alone.
    degraded: bool,
    /// The services that were missing.
    missing: Vec<Service>,
    /// The numbers of the sources that the answer cites.
    cited: Vec<u32>,
}

impl Done {
    pub(super) fn new(answer: &Answer) -> Self {
        let cited = answer.sources.iter().filter(|source| source.cited).map(|source| source.number).collect();
        Self {
            message_id: answer.message_id,
            finish_reason: answer.finish_reason,
            usage: answer.usage.map(Into::into),
            degraded: !answer.missing.is_empty(),
            missing: answer.missing.clone(),
            cited,
        }
    }
}

/// A whole answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChatAnswer {
    conversation_id: Uuid,
    message_id: Uuid,
    /// What is said; marks like [1] name sources by their number.
    answer: String,
    /// What it was made from.
    sources: Vec<Source>,
    finish_reason: FinishReason,
    /// Tokens used, when the upstream says.
    usage: Option<TokenUsage>,
    /// Whether a service was missing. Without `llm` and `qdrant` the answer says so in words; without `embedding` it does
    /// not, because it only was looked for by words alone.
    degraded: bool,
    /// The services that were missing.
    missing: Vec<Service>,
}

impl ChatAnswer {
    pub(super) fn new(conversation_id: Uuid, answer: Answer) -> Self {
        Self {
            conversation_id,
            message_id: answer.message_id,
            answer: answer.text,
            sources: answer.sources,
            finish_reason: answer.finish_reason,
            usage: answer.usage.map(Into::into),
            degraded: !answer.missing.is_empty(),
            missing: answer.missing,
        }
    }
}

/// An event with a JSON document; what cannot be written becomes the problem that it is.
pub(super) fn event(name: &'static str, data: &impl Serialize) -> SseEvent {
    SseEvent::default().event(name).json_data(data).unwrap_or_else(|error| {
        tracing::error!(%error, name, "an event cannot be written");
        problem(&Problem::Internal)
    })
}

/// `event: error`, the last one.
pub(super) fn problem(problem: &Problem) -> SseEvent {
    let event = SseEvent::default().event("error");
    event.json_data(problem.document()).unwrap_or_else(|_| SseEvent::default().event("error").data("{}"))
}
