//! What can keep the process from starting.

use crate::{cache::CacheError, config::ConfigErrors, jobs::QueueError, objects::ObjectsError};

/// A part of the App cannot be made. Each message names the part and what to set right.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Variables.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Redis.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The object store.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// The job queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// A client of an outside service (language model, embeddings, Qdrant).
    #[error("{client} cannot be set up: {reason}")]
    Client {
        /// Which client, with its variable: `the language model (LLM_BASE_URL)`.
        client: &'static str,
        /// Why.
        reason: String,
    },
}
