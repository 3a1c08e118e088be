//! Answers of our own on the wire: OpenAI's fields, and beside them what the chatbot knows more.

use serde::Serialize;
use utoipa::ToSchema;

use crate::chat::{Answer, FinishReason, Service, Source};
use crate::http::openai::OWN_MODEL;
use crate::llm::Usage;

/// A whole answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Completion {
    id: String,
    object: &'static str,
    /// Seconds since 1970.
    created: i64,
    model: String,
    choices: [Choice; 1],
    /// Tokens used, when the upstream says.
    usage: Option<TokenUsage>,
    /// What the answer was made from (`chatbot` only).
    sources: Vec<Source>,
    /// Whether a service was missing (`chatbot` only).
    degraded: bool,
    /// The services that were missing (`chatbot` only).
    missing: Vec<Service>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Choice {
    index: u32,
    message: Said,
    /// `stop` or `length`.
    finish_reason: &'static str,
    logprobs: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Said {
    role: &'static str,
    content: String,
    refusal: Option<String>,
}

/// Tokens used.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "OpenAI's names")]
pub(super) struct TokenUsage {
    prompt_tokens: u32,
    completion_tokens: u32,
    total_tokens: u32,
}

impl From<Usage> for TokenUsage {
    fn from(Usage { prompt_tokens, completion_tokens }: Usage) -> Self {
        let total_tokens = prompt_tokens.saturating_add(completion_tokens);
        Self { prompt_tokens, completion_tokens, total_tokens }
    }
}

/// What every part of an answer says of itself.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) created: i64,
}

impl Completion {
    pub(super) fn new(head: Head, answer: Answer) -> Self {
        let Answer { text, sources, finish_reason, usage, missing, .. } = answer;
        let message = Said { role: "assistant", content: text, refusal: None };
        Self {
            id: head.id,
            object: "chat.completion",
            created: head.created,
            model: OWN_MODEL.to_owned(),
            choices: [Choice { index: 0, message, finish_reason: reason(finish_reason), logprobs: None }],
            usage: usage.map(Into::into),
            sources,
            degraded: !missing.is_empty(),
            missing,
        }
    }
}

/// A part of an answer.
#[derive(Debug, Serialize)]
pub(super) struct Chunk {
    id: String,
    object: &'static str,
    created: i64,
    model: &'static str,
    choices: Vec<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<TokenUsage>,
    #[serde(flatten)]
    more: More,
}

#[derive(Debug, Serialize)]
struct Part {
    index: u32,
    delta: Delta,
    finish_reason: Option<&'static str>,
    logprobs: Option<bool>,
}

#[derive(Debug, Default, Serialize)]
struct Delta {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
}

/// What the chatbot knows more.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum More {
    Nothing {},
    /// In the first chunk.
    Sources {
        sources: Vec<Source>,
    },
    /// In the one that ends the answer.
    End {
        cited: Vec<u32>,
        degraded: bool,
        missing: Vec<Service>,
    },
}

impl Chunk {
    fn new(head: &Head, delta: Delta, finish_reason: Option<&'static str>, more: More) -> Self {
        let choices = vec![Part { index: 0, delta, finish_reason, logprobs: None }];
        let Head { id, created } = head.clone();
        Self { id, object: "chat.completion.chunk", created, model: OWN_MODEL, choices, usage: None, more }
    }

    /// The first: who speaks, and from what.
    pub(super) fn begin(head: &Head, sources: Vec<Source>) -> Self {
        let delta = Delta { role: Some("assistant"), content: Some(String::new()) };
        Self::new(head, delta, None, More::Sources { sources })
    }

    /// More words.
    pub(super) fn words(head: &Head, text: String) -> Self {
        Self::new(head, Delta { role: None, content: Some(text) }, None, More::Nothing {})
    }

    /// The last with a choice.
    pub(super) fn end(head: &Head, answer: &Answer) -> Self {
        let cited = answer.sources.iter().filter(|source| source.cited).map(|source| source.number).collect();
        let (degraded, missing) = (!answer.missing.is_empty(), answer.missing.clone());
        let reason = reason(answer.finish_reason);
        Self::new(head, Delta::default(), Some(reason), More::End { cited, degraded, missing })
    }

    /// The very last, for who asked for it.
    pub(super) fn usage(head: &Head, usage: Usage) -> Self {
        let chunk = Self::new(head, Delta::default(), None, More::Nothing {});
        Self { choices: Vec::new(), usage: Some(usage.into()), ..chunk }
    }
}

/// OpenAI knows no other ends than these; what broke off is an error.
const fn reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Length => "length",
        FinishReason::Stop | FinishReason::Stopped | FinishReason::Cancelled | FinishReason::Error => "stop",
    }
}
