//! Why a job did not succeed; the variant decides whether it is tried again.

use riverqueue::WorkCancelled;

use crate::{documents::ParserError, objects::ObjectsError, retrieval::IndexError, store::StoreError};

const OUTAGE: &str = "a service that it needs did not work for hours: upload it again later, or tell whoever runs this";
const INTERRUPTED: &str = "its worker was stopped too often while it was at it: upload it again";
const GONE: &str = "the upload is not there any more: upload it again";
/// What the owner of a document is told whose ingestion comes to no end.
pub(super) const TOO_SLOW: &str = "it took too long and was stopped: split it into smaller files";
/// What an attempt is remembered by that was stopped at its deadline.
pub(super) const TIMED_OUT: &str = "it took too long and was stopped";

/// An attempt did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// No later attempt can succeed.
    #[error("{cause}")]
    Permanent {
        /// What the document's owner is told: never an address, a name of a bucket or another service's words.
        owner: &'static str,
        /// What the log is told.
        cause: String,
    },
    /// A later attempt may succeed.
    #[error("{0}")]
    Retryable(String),
    /// It was stopped at its deadline.
    #[error("{TIMED_OUT}")]
    TimedOut,
    /// This worker was taken for dead and the job given to another: what it did must not count.
    #[error("the job was given to another worker meanwhile")]
    Superseded,
    /// The process is being stopped; the job goes back unharmed, because River finds its own mark among the sources.
    #[error("the process is being stopped")]
    Stopped(#[from] WorkCancelled),
}

impl JobError {
    /// What the document's owner is told when this was the last attempt.
    #[must_use]
    pub const fn for_owner(&self) -> &'static str {
        match self {
            Self::Permanent { owner, .. } => owner,
            Self::Retryable(_) => OUTAGE,
            Self::TimedOut => TOO_SLOW,
            Self::Superseded | Self::Stopped(_) => INTERRUPTED,
        }
    }
}

impl From<StoreError> for JobError {
    /// A statement that fails for its own sake may still be mended by the next release: it is retried.
    fn from(error: StoreError) -> Self {
        Self::Retryable(error.to_string())
    }
}

impl From<sqlx::Error> for JobError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<ObjectsError> for JobError {
    /// What is configured wrongly may be mended meanwhile; an upload that is gone does not come back.
    fn from(error: ObjectsError) -> Self {
        let cause = error.to_string();
        match error {
            ObjectsError::NotFound => Self::Permanent { owner: GONE, cause },
            ObjectsError::Disabled
            | ObjectsError::NoBucket
            | ObjectsError::Refused
            | ObjectsError::Key(_)
            | ObjectsError::Folder { .. }
            | ObjectsError::Deadline(_)
            | ObjectsError::Bucket { .. }
            | ObjectsError::Store(_) => Self::Retryable(cause),
        }
    }
}

impl From<ParserError> for JobError {
    fn from(error: ParserError) -> Self {
        match error {
            ParserError::Document { error, cause } => Self::Permanent { owner: error.for_owner(), cause },
            ParserError::Process(_) | ParserError::Child { .. } => Self::Retryable(error.to_string()),
        }
    }
}

impl From<IndexError> for JobError {
    fn from(error: IndexError) -> Self {
        let cause = error.to_string();
        match error.for_owner() {
            Some(owner) => Self::Permanent { owner, cause },
            None => Self::Retryable(cause),
        }
    }
}
