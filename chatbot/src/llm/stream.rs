//! An answer as it comes: server-sent events, or one JSON document from upstreams that do not stream.

use std::pin::Pin;

use bytes::Bytes;
use eventsource_stream::{Event, EventStreamError, Eventsource};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use http::header::CONTENT_TYPE;
use reqwest::Response;

use super::timing::{Heard, Limits, timed};
use super::wire::{Choice, Completion, Failure};
use super::{Delta, End, LlmError};

/// Parts of an answer as they come; the last is [`Delta::End`] or an error.
pub type Deltas = Pin<Box<dyn Stream<Item = Result<Delta, LlmError>> + Send>>;

/// No answer is larger; what is must be a fault or an attack.
pub(super) const MAX_BYTES: usize = 8 << 20;
/// The deltas of a response with a good status.
pub(super) fn deltas(response: Response, limits: Limits) -> Deltas {
    let is_json = is_json(&response);
    // A failure while reading is a cut connection, whatever layer noticed it.
    let bytes = response.bytes_stream().map_err(|_| LlmError::Interrupted);
    read(bytes, is_json, limits)
}

/// Whether the answer is one document although a stream was asked for.
pub(super) fn is_json(response: &Response) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

fn read(bytes: impl Stream<Item = Result<Bytes, LlmError>> + Send + 'static, is_json: bool, limits: Limits) -> Deltas {
    let heard = Heard::now();
    let bytes = limited(bytes, heard.clone());
    let deltas = if is_json { whole(bytes).boxed() } else { streamed(bytes).boxed() };
    Box::pin(timed(deltas, heard, limits))
}

pub(super) fn limited(
    bytes: impl Stream<Item = Result<Bytes, LlmError>> + Send + 'static,
    heard: Heard,
) -> BoxStream<'static, Result<Bytes, LlmError>> {
    let mut seen = 0;
    let bytes = bytes.map(move |bytes| {
        let bytes = bytes?;
        heard.again();
        seen += bytes.len();
        if seen > MAX_BYTES { Err(LlmError::TooLong(MAX_BYTES)) } else { Ok(bytes) }
    });
    bytes.boxed()
}

/// One document, told as one piece of text and an end.
fn whole(bytes: BoxStream<'static, Result<Bytes, LlmError>>) -> impl Stream<Item = Result<Delta, LlmError>> + Send {
    let read = async move {
        let body = bytes.try_fold(Vec::new(), async |mut body, bytes| {
            body.extend_from_slice(&bytes);
            Ok(body)
        });
        let completion: Completion =
            serde_json::from_slice(&body.await?).map_err(|error| LlmError::Protocol(error.to_string()))?;
        let mut reader = Reader::default();
        let mut deltas: Vec<Result<Delta, LlmError>> = reader.read(completion)?.map(Ok).into_iter().collect();
        deltas.push(reader.end());
        Ok::<_, LlmError>(stream::iter(deltas))
    };
    stream::once(read).try_flatten()
}

fn streamed(bytes: BoxStream<'static, Result<Bytes, LlmError>>) -> impl Stream<Item = Result<Delta, LlmError>> + Send {
    let events = bytes.eventsource().boxed();
    stream::unfold(Some((events, Reader::default())), async |state| {
        let (mut events, mut reader) = state?;
        match next_delta(&mut events, &mut reader).await {
            Ok(Some(delta)) => Some((Ok(delta), Some((events, reader)))),
            Ok(None) => Some((reader.end(), None)),
            Err(error) => Some((Err(error), None)),
        }
    })
}

/// The next words; None at the end of the stream.
async fn next_delta(
    events: &mut BoxStream<'static, Result<Event, EventStreamError<LlmError>>>,
    reader: &mut Reader,
) -> Result<Option<Delta>, LlmError> {
    while let Some(event) = events.next().await {
        let event = event.map_err(broken)?;
        if event.data.trim() == "[DONE]" {
            return Ok(None);
        }
        let chunk: Completion =
            serde_json::from_str(&event.data).map_err(|error| LlmError::Protocol(error.to_string()))?;
        if let Some(delta) = reader.read(chunk)? {
            return Ok(Some(delta));
        }
    }
    Ok(None)
}

pub(super) fn broken(error: EventStreamError<LlmError>) -> LlmError {
    match error {
        EventStreamError::Transport(error) => error,
        EventStreamError::Utf8(error) => LlmError::Protocol(error.to_string()),
        EventStreamError::Parser(error) => LlmError::Protocol(error.to_string()),
    }
}

/// What the chunks so far said about the end, which comes in several of them.
#[derive(Default)]
struct Reader {
    end: End,
}

impl Reader {
    fn read(&mut self, chunk: Completion) -> Result<Option<Delta>, LlmError> {
        let Completion { choices, usage, model, error } = chunk;
        if let Some(error) = error {
            return Err(failure(error));
        }
        self.end.usage = usage.or(self.end.usage);
        if self.end.model.is_none() {
            self.end.model = model;
        }
        let Some(Choice { delta, finish_reason }) = choices.into_iter().next() else { return Ok(None) };
        if let Some(reason) = finish_reason {
            self.end.finish_reason = reason;
        }
        Ok(delta.content.filter(|text| !text.is_empty()).map(Delta::Text))
    }

    /// An end without a reason is no end: the connection was cut between two chunks.
    fn end(self) -> Result<Delta, LlmError> {
        if self.end.finish_reason.is_empty() { Err(LlmError::Interrupted) } else { Ok(Delta::End(self.end)) }
    }
}

/// An error that comes inside an answer of status 200.
pub(super) fn failure(failure: Failure) -> LlmError {
    match failure.code.as_u64().and_then(|code| u16::try_from(code).ok()) {
        Some(429) => LlmError::RateLimited { retry_after: None },
        Some(status @ 400..=499) => LlmError::refused(status, failure.message),
        Some(status) => LlmError::Server { status, message: failure.message },
        None => LlmError::Server { status: 500, message: failure.message },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    const STEP: Duration = Duration::from_millis(100);

    /// Comments for a while, then a word and the end.
    fn thinking(comments: usize) -> impl Stream<Item = Result<Bytes, LlmError>> + Send + 'static {
        const COMMENT: &str = ": thinking\n\n";
        const ANSWER: &str = concat!(
            "data: {\"choices\":[{\"delta\":{\"content\":\"yes\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
            "data: [DONE]\n\n",
        );
        let parts = std::iter::repeat_n(COMMENT, comments).chain([ANSWER]);
        stream::iter(parts).then(async |part| {
            tokio::time::sleep(STEP).await;
            Ok(Bytes::from_static(part.as_bytes()))
        })
    }

    fn limits(whole: Duration) -> Limits {
        Limits::with_silence(Instant::now() + whole, whole, STEP * 8)
    }

    #[tokio::test]
    async fn a_model_that_thinks_longer_than_the_first_word_may_take_is_heard_out() {
        let deltas = read(thinking(16), false, limits(STEP * 600)).collect::<Vec<_>>().await;
        assert!(matches!(&deltas[..], [Ok(Delta::Text(text)), Ok(Delta::End(_))] if text == "yes"), "{deltas:?}");
    }

    #[tokio::test]
    async fn thinking_does_not_outlast_the_deadline_of_the_whole_answer() {
        let deltas = read(thinking(1000), false, limits(STEP * 3)).collect::<Vec<_>>().await;
        assert!(matches!(&deltas[..], [Err(LlmError::Timeout { what: "no whole answer", .. })]), "{deltas:?}");
    }

    #[tokio::test]
    async fn silence_is_not_thinking() {
        let silent = stream::pending();
        let deltas = read(silent, false, limits(STEP * 600)).collect::<Vec<_>>().await;
        assert!(matches!(&deltas[..], [Err(LlmError::Timeout { what: "no first word", .. })]), "{deltas:?}");
    }
}
