//! Why a job did not succeed; the variant decides whether it is tried again.

use riverqueue::WorkCancelled;

use crate::{objects::ObjectsError, retrieval::IndexError, store::StoreError};

/// An attempt did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// No later attempt can succeed.
    #[error("{0}")]
    Permanent(String),
    /// A later attempt may succeed.
    #[error("{0}")]
    Retryable(String),
    /// This worker was taken for dead and the job given to another: what it did must not count.
    #[error("the job was given to another worker meanwhile")]
    Superseded,
    /// The process is being stopped; the job goes back unharmed, because River finds its own mark among the sources.
    #[error("the process is being stopped")]
    Stopped(#[from] WorkCancelled),
}

impl JobError {
    fn new(permanent: bool, message: String) -> Self {
        if permanent { Self::Permanent(message) } else { Self::Retryable(message) }
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
    fn from(error: ObjectsError) -> Self {
        Self::new(!error.is_retryable(), error.to_string())
    }
}

impl From<IndexError> for JobError {
    fn from(error: IndexError) -> Self {
        Self::new(error.is_permanent(), error.to_string())
    }
}
