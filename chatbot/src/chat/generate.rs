//! The model's words, passed on as they come.

use futures::StreamExt;

use super::audience::{Audience, Leaving};
use super::ports::Model;
use super::{Event, FinishReason};
use crate::llm::{Delta, Deltas, End, LlmError, Request, Usage};

/// What the model said, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spoken {
    pub(super) text: String,
    pub(super) ending: Ending,
}

impl Spoken {
    /// Whether the model said nothing at all.
    pub(super) fn is_silent(&self) -> bool {
        self.text.trim().is_empty()
    }

    const fn left(text: String, leaving: Leaving) -> Self {
        let ending = match leaving {
            Leaving::Gone => Ending::Cancelled,
            Leaving::Stopped => Ending::Stopped,
        };
        Self { text, ending }
    }
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All was said.
    Complete { reason: FinishReason, usage: Option<Usage>, model: Option<String> },
    /// The model fell silent, before or after its first word.
    Failed,
    /// The model cannot read so long a prompt.
    TooLong,
    /// Whoever asked went away.
    Cancelled,
    /// Whoever asked wanted no more.
    Stopped,
}

/// Asks, and passes every part on; stops asking when nobody listens, or nobody wants to.
pub(super) async fn generate(model: &impl Model, request: &Request, audience: &Audience) -> Spoken {
    let deltas = tokio::select! {
        biased;
        leaving = audience.leaves() => return Spoken::left(String::new(), leaving),
        deltas = model.ask(request) => deltas,
    };
    match deltas {
        Ok(deltas) => pass_on(deltas, audience).await,
        Err(LlmError::PromptTooLong(message)) => {
            tracing::warn!(message, "the prompt is too long for the language model");
            Spoken { text: String::new(), ending: Ending::TooLong }
        }
        Err(error) => failed(String::new(), &error),
    }
}

async fn pass_on(mut deltas: Deltas, audience: &Audience) -> Spoken {
    let mut text = String::new();
    loop {
        let delta = tokio::select! {
            biased;
            leaving = audience.leaves() => return Spoken::left(text, leaving),
            delta = deltas.next() => delta.unwrap_or(Err(LlmError::Interrupted)),
        };
        match delta {
            Ok(Delta::Text(words)) => {
                text.push_str(&words);
                if !audience.tell(Event::Token(words)).await {
                    return Spoken { text, ending: Ending::Cancelled };
                }
            }
            // An answer without a word is none, whatever its end says.
            Ok(Delta::End(_)) if text.trim().is_empty() => return failed(text, &LlmError::Interrupted),
            Ok(Delta::End(end)) => return Spoken { text, ending: complete(end) },
            Err(error) => return failed(text, &error),
        }
    }
}

fn complete(end: End) -> Ending {
    let reason = if end.finish_reason == "length" { FinishReason::Length } else { FinishReason::Stop };
    Ending::Complete { reason, usage: end.usage, model: end.model }
}

fn failed(text: String, error: &LlmError) -> Spoken {
    tracing::warn!(%error, said = text.chars().count(), "the language model failed");
    Spoken { text, ending: Ending::Failed }
}
