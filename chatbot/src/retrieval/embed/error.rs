//! Why there is no vector.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{CheckError, Outage};

/// Embedding failed.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// A file of the model is missing or damaged.
    #[error("the embedding model in {} cannot be used: {reason}; set EMBEDDING_MODEL_DIR to a folder with model.safetensors, tokenizer.json and config.json", folder.display())]
    Model {
        /// The model's folder.
        folder: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The model failed on a text.
    #[error("the embedding model failed on a text: {0}")]
    Inference(String),
    /// No vector in time.
    #[error("no embedding within {} s: the machine or EMBEDDING_BASE_URL is overloaded", .0.as_secs())]
    Timeout(Duration),
    /// The upstream cannot be reached.
    #[error("the embedding upstream cannot be reached: check EMBEDDING_BASE_URL ({0})")]
    Unreachable(reqwest::Error),
    /// The upstream refused.
    #[error("the embedding upstream answered with status {status}: {hint}")]
    Status {
        /// HTTP status.
        status: u16,
        /// What to do.
        hint: &'static str,
    },
    /// The upstream's answer has the wrong shape.
    #[error(
        "the embedding upstream's answer is not understood: check that EMBEDDING_BASE_URL speaks the OpenAI API ({0})"
    )]
    Answer(String),
    /// Vectors have another length than configured.
    #[error(
        "the embedding model gives vectors of {actual} numbers where {expected} are configured: set EMBEDDING_DIMENSIONS={actual} and rebuild the index"
    )]
    Dimensions {
        /// What is configured.
        expected: usize,
        /// What came.
        actual: usize,
    },
}

impl EmbedError {
    /// Whether trying again later can help.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Timeout(_) | Self::Unreachable(_) => true,
            Self::Status { status, .. } => matches!(*status, 408 | 429 | 500..=599),
            Self::Model { .. } | Self::Inference(_) | Self::Answer(_) | Self::Dimensions { .. } => false,
        }
    }

    /// The class of trouble that it is.
    #[must_use]
    pub const fn outage(&self) -> Outage {
        match self {
            Self::Timeout(_) => Outage::TimedOut,
            Self::Unreachable(_) => Outage::Unreachable,
            Self::Model { .. } => Outage::Missing,
            Self::Status { status, .. } => match *status {
                401 | 403 => Outage::Credentials,
                402 => Outage::Payment,
                404 => Outage::Missing,
                408 => Outage::TimedOut,
                429 => Outage::Busy,
                _ => Outage::Failing,
            },
            Self::Inference(_) | Self::Answer(_) | Self::Dimensions { .. } => Outage::Failing,
        }
    }

    /// As a health check tells it.
    pub(super) fn into_check(self) -> CheckError {
        CheckError { outage: self.outage(), detail: self.to_string() }
    }
}
