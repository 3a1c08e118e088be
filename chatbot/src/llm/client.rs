//! Asking: attempts with deadlines, repeated before the first token only, and only while the budget lasts.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures::{StreamExt, stream};
use http::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::time::{Instant, timeout};
use url::Url;

use super::proof::Proof;
use super::stream::{Deltas, deltas};
use super::timing::Limits;
use super::wire::{Body, ErrorBody, Models, StreamOptions};
use super::{LlmError, Request, endpoint};
use crate::config::llm::Llm as Config;
use crate::error::{CheckError, StartError};
use crate::upstream::{Budget, LastCheck, read_limited, refusal};

const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// Attempts after the first.
const RETRIES: usize = 2;
/// A person does not wait longer than this for an upstream that asks to be left alone.
const MAX_PAUSE: Duration = Duration::from_secs(10);
/// Shorter than the patience of those who ask for a check, or its result would be lost with them.
const CHECK_DEADLINE: Duration = Duration::from_millis(2500);
/// Longest wait for the words of a refusal.
const REFUSAL_DEADLINE: Duration = Duration::from_secs(3);
/// How long a check's result is believed.
const CHECK_AGE: Duration = Duration::from_secs(20);
/// Longer error texts help nobody, and must not fill logs.
const MESSAGE_LIMIT: usize = 300;
/// The longest list of models that is read; those of large upstreams have half a million bytes.
const LIST_LIMIT: usize = 4 << 20;

/// Whether the upstream's list of models has the one that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// It has.
    Yes,
    /// It names others; the name may be an alias all the same.
    No,
    /// The list names none, or cannot be read.
    Unknown,
}

/// Client of the language model. Cheap to clone; clones share connections and the retry budget.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base_url: Url,
    api_key: SecretString,
    model: String,
    max_tokens: u32,
    frequency_penalty: f32,
    pub(super) limit: Duration,
    budget: Budget,
    last_check: LastCheck<Listed, CheckError>,
    pub(super) proof: Proof,
}

impl Client {
    /// The configured client; nothing is contacted yet.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(config: &Config) -> Result<Self, StartError> {
        let unusable = |error: reqwest::Error| StartError::Client {
            client: "the language model (LLM_BASE_URL)",
            reason: error.to_string(),
        };
        Ok(Self {
            http: reqwest::Client::builder().connect_timeout(CONNECT_DEADLINE).build().map_err(unusable)?,
            base_url: config.base_url.clone(),
            api_key: config.api_key.clone(),
            model: config.model.clone(),
            max_tokens: config.max_tokens,
            frequency_penalty: config.frequency_penalty,
            limit: config.timeout,
            budget: Budget::default(),
            last_check: LastCheck::default(),
            proof: Proof::default(),
        })
    }

    /// The model that is asked for.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The longest answer that may be asked for, in tokens.
    #[must_use]
    pub const fn max_tokens(&self) -> u32 {
        self.max_tokens
    }

    /// How long a whole answer may take.
    #[must_use]
    pub const fn patience(&self) -> Duration {
        self.limit
    }

    /// Asks; gives back the answer's parts once the first has come.
    ///
    /// # Errors
    /// When no attempt brought a first part. Later trouble is an item of the stream.
    pub async fn chat(&self, request: &Request) -> Result<Deltas, LlmError> {
        let deadline = Instant::now() + self.limit;
        let mut pauses = pauses();
        self.budget.deposit();
        loop {
            let error = match self.attempt(request, deadline).await {
                Ok(deltas) => {
                    self.proof.answered();
                    return Ok(deltas);
                }
                Err(error) => error,
            };
            self.proof.failed(&error, Instant::now());
            let Some(pause) = self.pause(&error, &mut pauses, deadline) else { return Err(error) };
            tracing::warn!(%error, pause_ms = pause.as_millis(), "asking the language model again");
            tokio::time::sleep(pause).await;
        }
    }

    /// Whether the upstream lists its models with this key, and the last question was not refused; the list is remembered
    /// for 20 seconds.
    ///
    /// # Errors
    /// What is wrong, when it does not.
    pub async fn ping(&self) -> Result<Listed, CheckError> {
        let late = |_| Err(LlmError::Timeout { what: "no list of models", limit: CHECK_DEADLINE });
        let check = async {
            let result = timeout(CHECK_DEADLINE, self.list_models()).await.unwrap_or_else(late);
            result.map_err(|error| CheckError { outage: error.outage(), detail: error.to_string() })
        };
        let listed = self.last_check.or_else(CHECK_AGE, check).await?;
        self.proof.refusal(Instant::now()).map_or(Ok(listed), Err)
    }

    async fn list_models(&self) -> Result<Listed, LlmError> {
        let url = endpoint(&self.base_url, &["models"]).ok_or(LlmError::BaseUrl)?;
        let request = self.http.get(url).bearer_auth(self.api_key.expose_secret());
        let response = request.send().await.map_err(|error| transport(error, CHECK_DEADLINE))?;
        if !response.status().is_success() {
            return Err(refused(response).await);
        }
        // The upstream answers; a list that cannot be read is no reason to call it out of order.
        let list = read_limited(response, LIST_LIMIT).await.unwrap_or_default();
        Ok(listed(&list, &self.model))
    }

    /// One attempt, up to its first token.
    async fn attempt(&self, request: &Request, deadline: Instant) -> Result<Deltas, LlmError> {
        let limits = Limits::new(deadline, self.limit);
        let limit = limits.first.min(deadline.saturating_duration_since(Instant::now()));
        let late = |_| Err(LlmError::Timeout { what: "no first word", limit });
        let response = timeout(limit, self.post(&self.body(request), limit)).await.unwrap_or_else(late)?;
        let mut rest = deltas(response, limits);
        let first = rest.next().await.unwrap_or(Err(LlmError::Interrupted))?;
        Ok(Box::pin(stream::iter([Ok(first)]).chain(rest)))
    }

    fn body<'a>(&'a self, request: &'a Request) -> Body<'a> {
        Body {
            model: &self.model,
            messages: &request.messages,
            max_tokens: request.max_tokens.map_or(self.max_tokens, |wanted| wanted.min(self.max_tokens)),
            temperature: request.temperature,
            frequency_penalty: self.frequency_penalty,
            stream: true,
            stream_options: StreamOptions { include_usage: true },
        }
    }

    /// Sends a body to the chat API; an answer with a good status.
    pub(super) async fn post(&self, body: &impl Serialize, limit: Duration) -> Result<Response, LlmError> {
        let url = endpoint(&self.base_url, &["chat", "completions"]).ok_or(LlmError::BaseUrl)?;
        let call = self.http.post(url).bearer_auth(self.api_key.expose_secret()).json(body);
        let response = call.send().await.map_err(|error| transport(error, limit))?;
        if response.status().is_success() { Ok(response) } else { Err(refused(response).await) }
    }

    /// How long to wait before the next attempt; None to give up.
    fn pause(&self, error: &LlmError, pauses: &mut ExponentialBackoff, deadline: Instant) -> Option<Duration> {
        if !error.is_retryable() {
            return None;
        }
        let pause = pauses.next()?.max(error.retry_after().unwrap_or_default());
        let in_time = pause <= MAX_PAUSE && Instant::now() + pause < deadline;
        (in_time && self.budget.withdraw()).then_some(pause)
    }
}

fn listed(list: &[u8], model: &str) -> Listed {
    let models = serde_json::from_slice::<Models>(list).map(|models| models.data).unwrap_or_default();
    if models.is_empty() {
        Listed::Unknown
    } else if models.iter().any(|listed| listed.id == model) {
        Listed::Yes
    } else {
        Listed::No
    }
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_times(RETRIES)
        .with_jitter()
        .build()
}

fn transport(error: reqwest::Error, limit: Duration) -> LlmError {
    let error = error.without_url();
    if error.is_timeout() { LlmError::Timeout { what: "no answer", limit } } else { LlmError::Unreachable(error) }
}

async fn refused(response: Response) -> LlmError {
    let status = response.status();
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let retry_after = seconds.map(Duration::from_secs);
    let text = timeout(REFUSAL_DEADLINE, refusal(response)).await.unwrap_or_default();
    let message = serde_json::from_str::<ErrorBody>(&text).map_or(text, |body| body.error.message);
    let message: String = message.chars().take(MESSAGE_LIMIT).collect();
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => LlmError::Unauthorized,
        StatusCode::PAYMENT_REQUIRED => LlmError::PaymentRequired,
        StatusCode::TOO_MANY_REQUESTS => LlmError::RateLimited { retry_after },
        StatusCode::NOT_FOUND => LlmError::NotFound(message),
        StatusCode::REQUEST_TIMEOUT => LlmError::Server { status: status.as_u16(), message },
        status if status.is_server_error() => LlmError::Server { status: status.as_u16(), message },
        status => LlmError::refused(status.as_u16(), message),
    }
}
