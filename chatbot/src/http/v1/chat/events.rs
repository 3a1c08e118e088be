//! An answer on the wire: server-sent events, or one JSON document.

use axum::response::sse::Event as SseEvent;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::cache::KeptEvent;
use crate::chat::{Answer, Event, FinishReason, Service, Source};
use crate::http::problem::Problem;
use crate::llm::Usage;
use crate::store::messages::Message;

/// The last event of an answer.
const DONE: &str = "done";
/// The last event of what went wrong.
const ERROR: &str = "error";
/// Every event's name.
const NAMES: [&str; 5] = ["start", "sources", "token", DONE, ERROR];

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
    fn stored(answer: &Message) -> Self {
        let tokens = |count: i32| u32::try_from(count).unwrap_or_default();
        let usage = answer.prompt_tokens.zip(answer.completion_tokens);
        let usage =
            usage.map(|(read, written)| TokenUsage { prompt_tokens: tokens(read), completion_tokens: tokens(written) });
        let finish_reason = answer.finish_reason.as_deref().and_then(FinishReason::from_name);
        let finish_reason = finish_reason.unwrap_or(FinishReason::Stop);
        let missing = if finish_reason == FinishReason::Error { vec![Service::Llm] } else { Vec::new() };
        let sources: Vec<Source> = serde::Deserialize::deserialize(&answer.sources).unwrap_or_default();
        let cited = sources.iter().filter(|source| source.cited).map(|source| source.number).collect();
        Self { message_id: answer.id, finish_reason, usage, degraded: !missing.is_empty(), missing, cited }
    }

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
pub(in crate::http::v1) struct ChatAnswer {
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

/// An event of a stream, numbered from 1, so that a reader who comes back can say how far it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) number: u64,
    pub(super) name: &'static str,
    pub(super) data: String,
}

impl Told {
    /// An event with a JSON document; what cannot be written becomes the problem that it is.
    pub(super) fn new(number: u64, name: &'static str, data: &impl Serialize) -> Self {
        match serde_json::to_string(data) {
            Ok(data) => Self { number, name, data },
            Err(error) => {
                tracing::error!(%error, name, "an event cannot be written");
                Self { number, name: ERROR, data: "{}".to_owned() }
            }
        }
    }

    /// What was kept of an event; None of what is none of ours.
    pub(super) fn from_kept(kept: KeptEvent) -> Option<Self> {
        let KeptEvent { number, name, data } = kept;
        NAMES.into_iter().find(|known| *known == name).map(|name| Self { number, name, data })
    }

    /// What is kept of it.
    pub(super) fn into_kept(self) -> KeptEvent {
        KeptEvent { number: self.number, name: self.name.to_owned(), data: self.data }
    }

    /// What happened in an answer.
    pub(super) fn of(number: u64, event: Event) -> Option<Self> {
        match event {
            Event::Start => None,
            Event::Sources(sources) => Some(Self::new(number, "sources", &Sources { sources })),
            Event::Token(text) => Some(Self::new(number, "token", &Token { text })),
            Event::Done(answer) => Some(Self::new(number, DONE, &Done::new(&answer))),
        }
    }

    /// An answer that is complete and stored, told from its beginning. What was missing when it was made is not known any
    /// more, but for the model.
    pub(super) fn stored(first: u64, answer: &Message) -> [Self; 4] {
        let start = Start { conversation_id: answer.conversation_id, message_id: answer.id };
        let sources = serde_json::json!({ "sources": answer.sources });
        let text = Token { text: answer.content.clone() };
        [
            Self::new(first, "start", &start),
            Self::new(first + 1, "sources", &sources),
            Self::new(first + 2, "token", &text),
            Self::new(first + 3, DONE, &Done::stored(answer)),
        ]
    }

    /// `event: error`, the last one.
    pub(super) fn problem(number: u64, problem: &Problem) -> Self {
        Self::new(number, ERROR, &problem.document())
    }

    /// Whether nothing comes after it.
    pub(super) fn is_last(&self) -> bool {
        self.name == DONE || self.name == ERROR
    }

    /// As it goes over the wire.
    pub(super) fn into_sse(self) -> SseEvent {
        SseEvent::default().id(self.number.to_string()).event(self.name).data(self.data)
    }
}
