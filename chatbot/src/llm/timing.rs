//! How long an answer may take: until its first part, between two parts, and in all.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::LlmError;

/// Longest silence before the first word, unless LLM_TIMEOUT asks for more patience: a model on a slow machine reads a
/// long prompt for a while.
const FIRST: Duration = Duration::from_secs(45);
/// Longest silence after it.
const IDLE: Duration = Duration::from_secs(30);

/// How long an answer may take. Whatever comes from the upstream ends a silence, words or not: it may be thinking.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// When the last word must be there.
    deadline: Instant,
    /// So long after the question that is.
    whole: Duration,
    /// Longest silence before the first word.
    pub(super) first: Duration,
    /// Longest silence after it.
    idle: Duration,
}

impl Limits {
    /// Those of an answer that must be whole at `deadline`, which is `whole` after the question.
    pub(super) fn new(deadline: Instant, whole: Duration) -> Self {
        Self { deadline, whole, first: FIRST.max(whole / 2).min(whole), idle: IDLE.min(whole) }
    }

    /// Those with one limit to every silence.
    #[cfg(test)]
    pub(super) fn with_silence(deadline: Instant, whole: Duration, silence: Duration) -> Self {
        Self { deadline, whole, first: silence, idle: silence }
    }
}

/// When something came last. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Heard(Arc<Mutex<Instant>>);

impl Heard {
    pub(super) fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    pub(super) fn again(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the stream with an error when a silence or the whole answer takes too long.
pub(super) fn timed<T: Send + 'static>(
    parts: BoxStream<'static, Result<T, LlmError>>,
    heard: Heard,
    limits: Limits,
) -> impl Stream<Item = Result<T, LlmError>> + Send {
    let begin = Some((parts, limits.first, "no first word"));
    stream::unfold(begin, move |state| {
        let heard = heard.clone();
        async move {
            let (mut parts, silence, what) = state?;
            match in_time(&mut parts, &heard, silence, limits).await {
                Ok(Some(Ok(part))) => Some((Ok(part), Some((parts, limits.idle, "no further word")))),
                Ok(Some(Err(error))) => Some((Err(error), None)),
                Ok(None) => None,
                Err(Late::Silent) => Some((Err(LlmError::Timeout { what, limit: silence }), None)),
                Err(Late::Unfinished) => {
                    Some((Err(LlmError::Timeout { what: "no whole answer", limit: limits.whole }), None))
                }
            }
        }
    })
}

/// What took too long.
enum Late {
    /// Nothing came.
    Silent,
    /// The end did not come.
    Unfinished,
}

async fn in_time<T>(
    parts: &mut BoxStream<'static, Result<T, LlmError>>,
    heard: &Heard,
    silence: Duration,
    limits: Limits,
) -> Result<Option<Result<T, LlmError>>, Late> {
    heard.again();
    loop {
        let until = heard.last() + silence;
        if let Ok(part) = timeout_at(until.min(limits.deadline), parts.next()).await {
            return Ok(part);
        }
        if limits.deadline <= Instant::now() {
            return Err(Late::Unfinished);
        }
        if heard.last() + silence <= Instant::now() {
            return Err(Late::Silent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_allows_a_longer_answer_allows_a_longer_wait_for_its_first_word() {
        let first = |seconds| Limits::new(Instant::now(), Duration::from_secs(seconds)).first.as_secs();
        assert_eq!([1, 30, 60, 120, 600].map(first), [1, 30, 45, 60, 300]);
    }
}
