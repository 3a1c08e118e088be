//! The connection: one request with key, deadline and bounded retries, its answer unwrapped from Qdrant's envelope.

use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::VectorError;
use crate::config::Config;
use crate::config::embedding::Embedding;
use crate::config::qdrant::Qdrant as Server;
use crate::error::StartError;
use crate::upstream::{BodyError, Budget, Rest, read_limited, refusal};

/// A search waits for this; a person is waiting too.
pub(super) const READ_DEADLINE: Duration = Duration::from_secs(3);
/// A write waits for this; a worker has more patience.
pub(super) const WRITE_DEADLINE: Duration = Duration::from_secs(30);
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
pub(super) const HEALTH_DEADLINE: Duration = Duration::from_secs(2);
const RETRIES: usize = 2;
/// The largest answer, a list of some hundred ids, is far smaller.
const ANSWER_LIMIT: usize = 4 << 20;
/// Longer error texts help nobody, and must not fill logs.
const MESSAGE_LIMIT: usize = 300;

/// Client of one collection in Qdrant. Cheap to clone; clones share connections and the retry budget.
#[derive(Clone, Debug)]
pub struct Qdrant {
    http: reqwest::Client,
    base_url: Url,
    api_key: Option<SecretString>,
    pub(super) collection: String,
    pub(super) dimensions: Option<usize>,
    budget: Budget,
    rest: Rest,
}

/// One request to Qdrant.
pub(super) struct Call<'a> {
    /// Completes the sentence "Qdrant failed to …".
    pub(super) doing: &'static str,
    pub(super) method: Method,
    pub(super) path: &'a [&'a str],
    pub(super) body: Option<&'a Value>,
    pub(super) deadline: Duration,
}

#[derive(Deserialize)]
struct Envelope<T> {
    result: T,
}

#[derive(Deserialize)]
struct Failure {
    status: FailureStatus,
}

#[derive(Deserialize)]
struct FailureStatus {
    error: String,
}

impl Qdrant {
    /// The client that the configuration asks for; nothing is contacted yet.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(config: &Config) -> Result<Self, StartError> {
        Self::from_parts(&config.qdrant, &config.environment.resource_prefix, &config.embedding)
    }

    /// The client of the collection `<prefix>chunks`, for vectors of the length that `embedding` makes.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn from_parts(server: &Server, prefix: &str, embedding: &Embedding) -> Result<Self, StartError> {
        let unusable =
            |error: reqwest::Error| StartError::Client { client: "Qdrant (QDRANT_URL)", reason: error.to_string() };
        let http = reqwest::Client::builder().connect_timeout(CONNECT_DEADLINE).build().map_err(unusable)?;
        Ok(Self {
            http,
            base_url: server.url.clone(),
            api_key: server.api_key.clone(),
            collection: format!("{prefix}chunks"),
            dimensions: embedding.dimensions(),
            budget: Budget::default(),
            rest: Rest::default(),
        })
    }

    /// The collection's name.
    #[must_use]
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// Sends a call, again after trouble that may pass: at most twice, and only while the retry budget lasts.
    pub(super) async fn send<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, VectorError> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(1))
            .with_max_times(RETRIES)
            .with_jitter();
        self.budget.deposit();
        let may_help = |error: &VectorError| error.is_retryable() && self.budget.withdraw();
        (async || self.attempt(&call).await).retry(pauses).when(may_help).await
    }

    /// Sends a call for which a person waits. After no answer in time, or none at all, nobody waits for a few seconds.
    pub(super) async fn send_in_a_hurry<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, VectorError> {
        let doing = call.doing;
        if !self.rest.may_ask(Instant::now()) {
            return Err(VectorError::Resting { doing });
        }
        let result = self.send(call).await;
        match &result {
            Err(VectorError::Timeout { .. } | VectorError::Unreachable { .. }) => self.rest.begin(Instant::now()),
            Ok(_) | Err(_) => self.rest.end(),
        }
        result
    }

    pub(super) async fn attempt<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, VectorError> {
        let response = self.request(call)?.send().await.map_err(|error| transport(call, error))?;
        if !response.status().is_success() {
            return Err(self.failure(call, response).await);
        }
        let body = read_limited(response, ANSWER_LIMIT).await.map_err(|error| unread(call, error))?;
        let envelope = serde_json::from_slice::<Envelope<T>>(&body);
        envelope.map(|envelope| envelope.result).map_err(|error| not_understood(call, &error))
    }

    fn request(&self, call: &Call<'_>) -> Result<RequestBuilder, VectorError> {
        let mut url = self.base_url.clone();
        url.path_segments_mut().map_err(|()| VectorError::BaseUrl)?.pop_if_empty().extend(call.path);
        if call.method != Method::GET {
            // A write is done when it is answered, so that a document that is ready is found.
            url.set_query(Some("wait=true"));
        }
        let mut request = self.http.request(call.method.clone(), url).timeout(call.deadline);
        if let Some(key) = &self.api_key {
            request = request.header("api-key", key.expose_secret());
        }
        if let Some(body) = call.body {
            request = request.json(body);
        }
        Ok(request)
    }

    async fn failure(&self, call: &Call<'_>, response: Response) -> VectorError {
        let status = response.status();
        let text = refusal(response).await;
        let message = serde_json::from_str::<Failure>(&text).map_or(text, |failure| failure.status.error);
        let message: String = message.chars().take(MESSAGE_LIMIT).collect();
        let doing = call.doing;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => VectorError::Unauthorized,
            StatusCode::NOT_FOUND => VectorError::CollectionMissing(self.collection.clone()),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                VectorError::Server { doing, status: status.as_u16(), message }
            }
            status if status.is_server_error() => VectorError::Server { doing, status: status.as_u16(), message },
            status => VectorError::Refused { doing, status: status.as_u16(), message },
        }
    }
}

fn transport(call: &Call<'_>, source: reqwest::Error) -> VectorError {
    // The URL may carry a password, and the message already says which server is meant.
    let source = source.without_url();
    let doing = call.doing;
    if source.is_timeout() {
        VectorError::Timeout { doing, limit: call.deadline }
    } else {
        VectorError::Unreachable { doing, source }
    }
}

fn unread(call: &Call<'_>, error: BodyError) -> VectorError {
    match error {
        BodyError::Transport(source) => transport(call, source),
        BodyError::TooLong(_) => not_understood(call, &error),
    }
}

fn not_understood(call: &Call<'_>, error: &impl ToString) -> VectorError {
    VectorError::Answer { doing: call.doing, reason: error.to_string() }
}
