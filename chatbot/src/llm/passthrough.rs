//! A caller's own request, passed on to the upstream, and the answer as it came.
//!
//! Nothing is asked twice here: whoever speaks the OpenAI API to us repeats by itself, and only it knows whether it still
//! wants to. Limits of time and size hold as for every answer.

use std::pin::Pin;

use bytes::Bytes;
use eventsource_stream::Eventsource;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};

use super::stream::{MAX_BYTES, broken, failure, is_json, limited};
use super::timing::{Heard, Limits, timed};
use super::wire::{Failure, Usage};
use super::{Client, LlmError};
use crate::upstream::{BodyError, read_limited};

/// An answer, or a part of one, with every field that the upstream gave it.
pub type Document = Map<String, Value>;
/// The parts of an answer as they come; after an error there are no more.
pub type Chunks = Pin<Box<dyn Stream<Item = Result<Document, LlmError>> + Send>>;

impl Client {
    /// The whole answer to a request.
    ///
    /// # Errors
    /// The upstream's, or no whole answer in time.
    pub async fn pass(&self, body: &(impl Serialize + Sync)) -> Result<Document, LlmError> {
        let answer = async {
            let response = self.post(body, self.limit).await?;
            document(&read_limited(response, MAX_BYTES).await.map_err(|error| unread(&error))?)
        };
        let late = |_| Err(LlmError::Timeout { what: "no whole answer", limit: self.limit });
        self.noted(timeout(self.limit, answer).await.unwrap_or_else(late))
    }

    /// The answer to a request, part by part; the first has come.
    ///
    /// # Errors
    /// The upstream's before the first part, or none in time. Later trouble is an item of the stream.
    pub async fn pass_stream(&self, body: &(impl Serialize + Sync)) -> Result<Chunks, LlmError> {
        let limits = Limits::new(Instant::now() + self.limit, self.limit);
        let begin = async {
            let late = |_| Err(LlmError::Timeout { what: "no first word", limit: limits.first });
            let response = timeout(limits.first, self.post(body, limits.first)).await.unwrap_or_else(late)?;
            let mut rest = chunks(response, limits);
            let first = rest.next().await.unwrap_or(Err(LlmError::Interrupted))?;
            Ok((first, rest))
        };
        let (first, rest) = self.noted(begin.await)?;
        Ok(Box::pin(stream::iter([Ok(first)]).chain(rest)))
    }

    fn noted<T>(&self, result: Result<T, LlmError>) -> Result<T, LlmError> {
        match &result {
            Ok(_) => self.proof.answered(),
            Err(error) => self.proof.failed(error, Instant::now()),
        }
        result
    }
}

/// Tokens used, when the document says.
#[must_use]
pub fn usage(document: &Document) -> Option<Usage> {
    Usage::deserialize(document.get("usage")?).ok()
}

fn chunks(response: reqwest::Response, limits: Limits) -> Chunks {
    let (heard, is_json) = (Heard::now(), is_json(&response));
    let bytes = limited(response.bytes_stream().map_err(|_| LlmError::Interrupted), heard.clone());
    let parts = if is_json { stream::once(whole(bytes)).boxed() } else { streamed(bytes).boxed() };
    Box::pin(timed(parts, heard, limits))
}

/// One document from an upstream that does not stream, told as the one part of a stream.
async fn whole(bytes: BoxStream<'static, Result<Bytes, LlmError>>) -> Result<Document, LlmError> {
    let body = bytes.try_fold(Vec::new(), async |mut body, bytes| {
        body.extend_from_slice(&bytes);
        Ok(body)
    });
    let mut document = document(&body.await?)?;
    document.insert("object".to_owned(), Value::from("chat.completion.chunk"));
    for choice in document.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(message) = choice.as_object_mut().and_then(|choice| Some((choice.remove("message")?, choice))) {
            message.1.insert("delta".to_owned(), message.0);
        }
    }
    Ok(document)
}

fn streamed(
    bytes: BoxStream<'static, Result<Bytes, LlmError>>,
) -> impl Stream<Item = Result<Document, LlmError>> + Send {
    stream::unfold(Some((bytes.eventsource().boxed(), false)), async |state| {
        let (mut events, was_finished) = state?;
        let part = match events.next().await {
            Some(Ok(event)) if event.data.trim() == "[DONE]" => return None,
            Some(Ok(event)) => document(event.data.as_bytes()),
            Some(Err(error)) => Err(broken(error)),
            None if was_finished => return None,
            // Neither said why it ended nor that it did: it was cut.
            None => Err(LlmError::Interrupted),
        };
        let rest = part.as_ref().ok().map(|part| was_finished || is_finished(part));
        Some((part, rest.map(|is_finished| (events, is_finished))))
    })
}

fn is_finished(part: &Document) -> bool {
    let choices = part.get("choices").and_then(Value::as_array);
    choices.into_iter().flatten().any(|choice| choice.get("finish_reason").is_some_and(Value::is_string))
}

/// A document that is no error.
fn document(text: &[u8]) -> Result<Document, LlmError> {
    let not_understood = |error: serde_json::Error| LlmError::Protocol(error.to_string());
    let document: Document = serde_json::from_slice(text).map_err(not_understood)?;
    match document.get("error") {
        None | Some(Value::Null) => Ok(document),
        Some(error) => Err(failure(Failure::deserialize(error).map_err(not_understood)?)),
    }
}

fn unread(error: &BodyError) -> LlmError {
    match error {
        BodyError::Transport(_) => LlmError::Interrupted,
        BodyError::TooLong(limit) => LlmError::TooLong(*limit),
    }
}
