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

impl LlmError {
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
            Self::Refused { .. } | Self::Server { .. } | Self::Interrupted | Self::Protocol(_) | Self::TooLong(_) => {
                Outage::Failing
            }
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
            | Self::Server { .. }
            | Self::Interrupted
            | Self::Protocol(_)
            | Self::TooLong(_)
            | Self::BaseUrl => None,
        }
    }
}
