//! What asking the model can end in.

use std::time::Duration;

use crate::error::Outage;

/// The model gave no answer, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// No connection.
    #[error("the language model cannot be reached: check LLM_BASE_URL and the network ({0})")]
    Unreachable(reqwest::Error),
    /// Too slow.
    #[error("the language model gave {what} within {} s: it is overloaded, or LLM_TIMEOUT is too short", limit.as_secs())]
    Timeout {
        /// What did not come: no first word, no further word, no whole answer.
        what: &'static str,
        /// How long it had.
        limit: Duration,
    },
    /// The key is wrong.
    #[error("the language model's upstream refused the API key: correct OPENROUTER_API_KEY")]
    Unauthorized,
    /// No credit.
    #[error("the language model's upstream asks for payment: add credit to the account of OPENROUTER_API_KEY")]
    PaymentRequired,
    /// Too many requests.
    #[error("the language model's upstream limits requests: try again later, or raise the limit there")]
    RateLimited {
        /// When it wants to be asked again, if it says.
        retry_after: Option<Duration>,
    },
    /// No such model.
    #[error(
        "the language model's upstream does not have the model or the path: correct LLM_MODEL or LLM_BASE_URL ({0})"
    )]
    NotFound(String),
    /// The upstream finds the request wrong.
    #[error("the language model's upstream refused the question with status {status}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The upstream's own words.
        message: String,
    },
    /// The prompt has more words than the model can read.
    #[error("the prompt is too long for the language model: set LLM_MODEL to one with a larger context ({0})")]
    PromptTooLong(String),
    /// The upstream is in trouble.
    #[error("the language model's upstream is in trouble (status {status}): try again later ({message})")]
    Server {
        /// HTTP status.
        status: u16,
        /// The upstream's own words.
        message: String,
    },
    /// The connection ended in mid-answer.
    #[error("the language model's answer was cut off: try again")]
    Interrupted,
    /// The answer is not what the API promises.
    #[error("the language model's answer is not understood: check that LLM_BASE_URL speaks the OpenAI chat API ({0})")]
    Protocol(String),
    /// The answer is larger than any answer should be.
    #[error("the language model's answer exceeds {0} bytes")]
    TooLong(usize),
    /// LLM_BASE_URL cannot carry a path.
    #[error("LLM_BASE_URL is no base URL: use https://HOST/v1")]
    BaseUrl,
}

/// Upstreams have no common code for it; these are the words of those that speak the OpenAI API.
const TOO_LONG: [&str; 9] = [
    "context length",
    "context_length",
    "context window",
    "context size",
    "maximum context",
    "prompt is too long",
    "input is too long",
    "too many tokens",
    "reduce the length",
];

impl LlmError {
    /// What a status of 4xx means that has no variant of its own.
    pub(super) fn refused(status: u16, message: String) -> Self {
        let words = message.to_lowercase();
        let is_too_long = matches!(status, 400 | 413 | 422) && TOO_LONG.iter().any(|said| words.contains(said));
        if is_too_long || status == 413 { Self::PromptTooLong(message) } else { Self::Refused { status, message } }
    }

    /// Whether the same question may be answered when it is asked again soon.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::RateLimited { .. } | Self::Server { .. } | Self::Interrupted => true,
            // Who waited that long for a first word is not helped by waiting as long again.
            Self::Timeout { .. }
            | Self::Unauthorized
            | Self::PaymentRequired
            | Self::NotFound(_)
            | Self::Refused { .. }
            | Self::PromptTooLong(_)
            | Self::Protocol(_)
            | Self::TooLong(_)
            | Self::BaseUrl => false,
        }
    }

    /// The class of trouble that it is.
    #[must_use]
    pub const fn outage(&self) -> Outage {
        match self {
            Self::Unreachable(_) | Self::BaseUrl => Outage::Unreachable,
            Self::Timeout { .. } => Outage::TimedOut,
            Self::Unauthorized => Outage::Credentials,
            Self::PaymentRequired => Outage::Payment,
            Self::RateLimited { .. } => Outage::Busy,
            Self::NotFound(_) => Outage::Missing,
            Self::Refused { .. }
            | Self::PromptTooLong(_)
            | Self::Server { .. }
            | Self::Interrupted
            | Self::Protocol(_)
            | Self::TooLong(_) => Outage::Failing,
        }
    }

    /// How long the upstream asks to be left alone, if it says.
    pub(super) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => *retry_after,
            Self::Unreachable(_)
            | Self::Timeout { .. }
            | Self::Unauthorized
            | Self::PaymentRequired
            | Self::NotFound(_)
            | Self::Refused { .. }
            | Self::PromptTooLong(_)
            | Self::Server { .. }
            | Self::Interrupted
            | Self::Protocol(_)
            | Self::TooLong(_)
            | Self::BaseUrl => None,
        }
    }
}
