//! What can go wrong with objects.

use std::{path::PathBuf, time::Duration};

/// An object cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// There is no store.
    #[error("no object store is configured: set MINIO_URL, MINIO_ROOT_USER and MINIO_ROOT_PASSWORD")]
    Disabled,
    /// There is no such object.
    #[error("the object does not exist (any more)")]
    NotFound,
    /// There is no such bucket.
    #[error("the bucket does not exist: run `chatbot provision`, or set OBJECTS_BUCKET to one that does")]
    NoBucket,
    /// The store does not accept who we are.
    #[error("the object store refused the access key: correct MINIO_ROOT_USER and MINIO_ROOT_PASSWORD")]
    Refused,
    /// The key is no object key.
    #[error("{0} is no object key: use names separated by single slashes")]
    Key(String),
    /// The folder of OBJECTS_DIR cannot be made.
    #[error("the folder {folder} cannot be made: {source}; set OBJECTS_DIR to one that can")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The store did not answer in time.
    #[error("the object store did not answer within {0:?}: check MINIO_URL and the network policy")]
    Deadline(Duration),
    /// The bucket cannot be made.
    #[error("the bucket {bucket} cannot be made: {reason}")]
    Bucket {
        /// The bucket.
        bucket: String,
        /// What the store said.
        reason: String,
    },
    /// The store refused.
    #[error("the object store failed: {0}")]
    Store(#[source] object_store::Error),
}

impl From<object_store::Error> for ObjectsError {
    fn from(error: object_store::Error) -> Self {
        if matches!(error, object_store::Error::NotFound { .. }) { Self::NotFound } else { Self::Store(error) }
    }
}
