//! What an answer needs from outside.

use uuid::Uuid;

use super::Answer;
use crate::llm::{Deltas, LlmError, Request};

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The person.
    Person,
    /// The chatbot.
    Chatbot,
}

/// Something that was said before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who said it.
    pub speaker: Speaker,
    /// What was said.
    pub text: String,
}

/// A part of a document that may hold the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The chunk.
    pub chunk_id: Uuid,
    /// Its document.
    pub document_id: Uuid,
    /// The document's title.
    pub title: String,
    /// Headings above it.
    pub heading: Option<String>,
    /// Its text as it was uploaded.
    pub text: String,
    /// First character of it in the document.
    pub start_char: u32,
    /// One past its last character.
    pub end_char: u32,
}

/// What a search brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Passages, best first.
    pub passages: Vec<Passage>,
    /// Whether meaning should have been searched too, and could not.
    pub words_only: bool,
}

/// What was said before, and where what is said now is kept.
pub trait Memory: Send + Sync {
    /// Why it fails.
    type Error: Send;

    /// The latest turns of the conversation, oldest first.
    fn recall(&self, turns: usize) -> impl Future<Output = Result<Vec<Turn>, Self::Error>> + Send;

    /// Keeps the question.
    fn remember_question(&self, text: &str) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Keeps the answer.
    fn remember_answer(&self, answer: &Answer) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// The documents of the person who asks.
pub trait Library: Send + Sync {
    /// Why it fails.
    type Error: std::fmt::Display + Send;

    /// Passages that may answer the question, best first.
    fn find(&self, question: &str, limit: usize) -> impl Future<Output = Result<Findings, Self::Error>> + Send;
}

/// The language model.
pub trait Model: Send + Sync {
    /// The model's name, for the record.
    fn name(&self) -> &str;

    /// The parts of an answer.
    fn ask(&self, request: &Request) -> impl Future<Output = Result<Deltas, LlmError>> + Send;
}
