//! What a call to Qdrant can end in.

use std::time::Duration;

/// A call to Qdrant failed.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// No connection.
    #[error("Qdrant cannot be reached while it should {doing}: check QDRANT_URL and that the server runs ({source})")]
    Unreachable {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        source: reqwest::Error,
    },
    /// No answer in time.
    #[error("Qdrant did not {doing} within {} ms: look at its load", limit.as_millis())]
    Timeout {
        /// What was being done.
        doing: &'static str,
        /// How long it had.
        limit: Duration,
    },
    /// The key is missing or wrong.
    #[error("Qdrant refused the API key: correct QDRANT_API_KEY")]
    Unauthorized,
    /// The collection does not exist.
    #[error("the Qdrant collection {0} does not exist: run `chatbot provision`, or index a document, which creates it")]
    CollectionMissing(String),
    /// Qdrant is overloaded or in trouble.
    #[error("Qdrant failed to {doing} with status {status}: {message}")]
    Server {
        /// What was being done.
        doing: &'static str,
        /// HTTP status.
        status: u16,
        /// Qdrant's own words.
        message: String,
    },
    /// Qdrant finds the request wrong.
    #[error("Qdrant refused to {doing} with status {status}: {message}")]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// HTTP status.
        status: u16,
        /// Qdrant's own words.
        message: String,
    },
    /// The answer is not what the API promises.
    #[error(
        "Qdrant's answer to {doing} is not understood: check that QDRANT_URL names a Qdrant server of version 1.10 or later ({reason})"
    )]
    Answer {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        reason: String,
    },
    /// It did not answer a moment ago, and is left alone.
    #[error("Qdrant did not answer a moment ago and is not asked to {doing}: look at its load, and check QDRANT_URL")]
    Resting {
        /// What was to be done.
        doing: &'static str,
    },
    /// The collection lacks what documents are found by.
    #[error(
        "the Qdrant collection {0} lost its points while documents are ready: workers index them again, look at their log"
    )]
    Lost(String),
    /// QDRANT_URL cannot carry a path.
    #[error("QDRANT_URL is no base URL: use http://HOST:6333 or https://HOST")]
    BaseUrl,
}

impl VectorError {
    /// Whether trying again soon can help.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Server { .. } => true,
            Self::Unauthorized
            | Self::CollectionMissing(_)
            | Self::Refused { .. }
            | Self::Answer { .. }
            | Self::Resting { .. }
            | Self::Lost(_)
            | Self::BaseUrl => false,
        }
    }
}
