//! Dense vectors from an upstream that speaks the OpenAI API.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use url::Url;

use super::{EmbedError, to_unit_length};
use crate::error::{CheckError, StartError};
use crate::llm::endpoint;
use crate::upstream::{BodyError, Budget, LastCheck, read_limited};

/// Texts per request.
const BATCH: usize = 64;
const RETRIES: usize = 2;
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(30);
const CHECK_AGE: Duration = Duration::from_mins(1);
/// Shorter than the patience of those who ask for a check, or its result would be lost with them.
const CHECK_DEADLINE: Duration = Duration::from_millis(2500);
/// The vectors of a batch at the greatest length, with every digit written out, have half as many bytes.
const ANSWER_LIMIT: usize = 32 << 20;

/// The upstream.
#[derive(Clone, Debug)]
pub struct Upstream {
    http: reqwest::Client,
    url: Url,
    model: String,
    api_key: Option<SecretString>,
    dimensions: usize,
    last_check: LastCheck<(), CheckError>,
    budget: Budget,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [String],
    encoding_format: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

impl Upstream {
    pub(super) fn new(
        base_url: &Url,
        model: String,
        api_key: Option<SecretString>,
        dimensions: usize,
    ) -> Result<Self, StartError> {
        let unusable = |reason| StartError::Client { client: "the embedding upstream (EMBEDDING_BASE_URL)", reason };
        let url = endpoint(base_url, &["embeddings"]).ok_or_else(|| unusable("it is no base URL".to_owned()))?;
        let http = reqwest::Client::builder().connect_timeout(CONNECT_DEADLINE).timeout(DEADLINE).build();
        let http = http.map_err(|error| unusable(error.to_string()))?;
        Ok(Self { http, url, model, api_key, dimensions, last_check: LastCheck::default(), budget: Budget::default() })
    }

    pub(super) const fn dimensions(&self) -> usize {
        self.dimensions
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    pub(super) async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_times(RETRIES)
            .with_jitter();
        let may_help = |error: &EmbedError| error.is_retryable() && self.budget.withdraw();
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            self.budget.deposit();
            vectors.extend((async || self.request(batch).await).retry(pauses).when(may_help).await?);
        }
        Ok(vectors)
    }

    /// Embeds one word; the result is remembered for a minute, because upstreams charge for it.
    pub(super) async fn ping(&self) -> Result<(), CheckError> {
        let word = ["ping".to_owned()];
        let late = |_| Err(EmbedError::Timeout(CHECK_DEADLINE));
        let check = async {
            let result = timeout(CHECK_DEADLINE, self.request(&word)).await.unwrap_or_else(late);
            result.map(drop).map_err(EmbedError::into_check)
        };
        self.last_check.or_else(CHECK_AGE, check).await
    }

    async fn request(&self, input: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let body = Request { model: &self.model, input, encoding_format: "float" };
        let mut request = self.http.post(self.url.clone()).json(&body);
        if let Some(key) = &self.api_key {
            request = request.bearer_auth(key.expose_secret());
        }
        let response = request.send().await.map_err(transport)?;
        if !response.status().is_success() {
            return Err(refused(response.status()));
        }
        let body = read_limited(response, ANSWER_LIMIT).await.map_err(unread)?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|error| EmbedError::Answer(error.to_string()))?;
        self.vectors(answer, input.len())
    }

    /// The answer's vectors in the order of the texts, checked and scaled.
    fn vectors(&self, answer: Answer, expected: usize) -> Result<Vec<Vec<f32>>, EmbedError> {
        let mut items = answer.data;
        items.sort_by_key(|item| item.index);
        if items.len() != expected || items.iter().enumerate().any(|(place, item)| item.index != place) {
            return Err(EmbedError::Answer(format!("{} vectors for {expected} texts", items.len())));
        }
        let mut vectors: Vec<Vec<f32>> = items.into_iter().map(|item| item.embedding).collect();
        if let Some(vector) = vectors.iter().find(|vector| vector.len() != self.dimensions) {
            return Err(EmbedError::Dimensions { expected: self.dimensions, actual: vector.len() });
        }
        for vector in &mut vectors {
            to_unit_length(vector);
        }
        Ok(vectors)
    }
}

fn transport(error: reqwest::Error) -> EmbedError {
    let error = error.without_url();
    if error.is_timeout() { EmbedError::Timeout(DEADLINE) } else { EmbedError::Unreachable(error) }
}

fn unread(error: BodyError) -> EmbedError {
    match error {
        BodyError::Transport(error) => transport(error),
        BodyError::TooLong(_) => EmbedError::Answer(error.to_string()),
    }
}

fn refused(status: StatusCode) -> EmbedError {
    let hint = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "correct EMBEDDING_API_KEY",
        StatusCode::PAYMENT_REQUIRED => "add credit to the account of EMBEDDING_API_KEY",
        StatusCode::NOT_FOUND => "correct EMBEDDING_BASE_URL or EMBEDDING_MODEL",
        StatusCode::TOO_MANY_REQUESTS => "it limits requests; try later or raise the limit there",
        status if status.is_server_error() => "it is in trouble; try later",
        _ => "check EMBEDDING_MODEL",
    };
    EmbedError::Status { status: status.as_u16(), hint }
}
