//! What whoever asked is told while an answer is made.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ports::Passage;
use crate::llm::Usage;

/// A passage that was offered to the model, with the number by which the answer cites it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The number in the answer's marks, from 1.
    pub number: u32,
    /// The chunk.
    pub chunk_id: Uuid,
    /// Its document.
    pub document_id: Uuid,
    /// The document's title.
    pub title: String,
    /// Headings above it, outermost first, joined by ` > `.
    pub heading: Option<String>,
    /// Its text as it was uploaded; empty, without a heading, once the document was deleted.
    pub text: String,
    /// First character of it in the document.
    pub start_char: u32,
    /// One past its last character.
    pub end_char: u32,
    /// Whether the answer cites it, by its number or by saying what it says; false until the answer is complete.
    pub cited: bool,
}

impl Source {
    pub(super) fn new(number: u32, passage: Passage) -> Self {
        let Passage { chunk_id, document_id, title, heading, text, start_char, end_char } = passage;
        Self { number, chunk_id, document_id, title, heading, text, start_char, end_char, cited: false }
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It is complete.
    Stop,
    /// It reached the limit of its length.
    Length,
    /// Whoever asked went away.
    Cancelled,
    /// Whoever asked wanted no more.
    Stopped,
    /// The model gave no answer, or not all of it.
    Error,
}

impl FinishReason {
    /// The reason of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Stop, Self::Length, Self::Cancelled, Self::Stopped, Self::Error];
        all.into_iter().find(|reason| reason.as_str() == name)
    }

    /// Its name, as the API and the database have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Cancelled => "cancelled",
            Self::Stopped => "stopped",
            Self::Error => "error",
        }
    }
}

/// A service that an answer had to do without; named as in `/health`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// The language model.
    Llm,
    /// The index.
    Qdrant,
    /// Dense vectors.
    Embedding,
}

/// A finished answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Identity of the message.
    pub message_id: Uuid,
    /// What is said.
    pub text: String,
    /// What it was made from.
    pub sources: Vec<Source>,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// Tokens used, when the upstream says.
    pub usage: Option<Usage>,
    /// The model that answered; None when none did.
    pub model: Option<String>,
    /// What it had to do without.
    pub missing: Vec<Service>,
}

/// What happens while an answer is made, in this order: one start, sources, tokens, one done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The answer begins.
    Start,
    /// What it is made from.
    Sources(Vec<Source>),
    /// More words.
    Token(String),
    /// It is complete and kept.
    Done(Answer),
}
