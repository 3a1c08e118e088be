//! The model's words, passed on as they come.

use std::time::Duration;

use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::ports::Model;
use super::{Event, FinishReason};
use crate::llm::{Delta, Deltas, End, LlmError, Request, Usage};

/// Longest wait for a reader who has fallen behind.
const PATIENCE: Duration = Duration::from_secs(30);

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
}

/// Asks, and passes every part on; stops asking when nobody listens.
pub(super) async fn generate(model: &impl Model, request: &Request, events: &mpsc::Sender<Event>) -> Spoken {
    let deltas = tokio::select! {
        deltas = model.ask(request) => deltas,
        () = events.closed() => return Spoken { text: String::new(), ending: Ending::Cancelled },
    };
    match deltas {
        Ok(deltas) => pass_on(deltas, events).await,
        Err(LlmError::PromptTooLong(message)) => {
            tracing::warn!(message, "the prompt is too long for the language model");
            Spoken { text: String::new(), ending: Ending::TooLong }
        }
        Err(error) => failed(String::new(), &error),
    }
}

async fn pass_on(mut deltas: Deltas, events: &mpsc::Sender<Event>) -> Spoken {
    let mut text = String::new();
    loop {
        let delta = tokio::select! {
            delta = deltas.next() => delta.unwrap_or(Err(LlmError::Interrupted)),
            () = events.closed() => return Spoken { text, ending: Ending::Cancelled },
        };
        match delta {
            Ok(Delta::Text(words)) => {
                text.push_str(&words);
                if !tell(events, Event::Token(words)).await {
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

/// Tells whoever asked; false when nobody listens. Who does not read for half a minute is taken for gone, or the model
/// would wait for ever.
pub(super) async fn tell(events: &mpsc::Sender<Event>, event: Event) -> bool {
    matches!(timeout(PATIENCE, events.send(event)).await, Ok(Ok(())))
}

fn complete(end: End) -> Ending {
    let reason = if end.finish_reason == "length" { FinishReason::Length } else { FinishReason::Stop };
    Ending::Complete { reason, usage: end.usage, model: end.model }
}

fn failed(text: String, error: &LlmError) -> Spoken {
    tracing::warn!(%error, said = text.chars().count(), "the language model failed");
    Spoken { text, ending: Ending::Failed }
}
