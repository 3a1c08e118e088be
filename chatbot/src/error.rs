//! What can keep the process from starting, and how a service can be out of order.

use crate::{
    auth::access_token::TokenError, cache::CacheError, config::ConfigErrors, jobs::QueueError, objects::ObjectsError,
};

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
    /// Access tokens.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A client of an outside service (language model, embeddings, Qdrant).
    #[error("{client} cannot be set up: {reason}")]
    Client {
        /// Which client, with its variable: `the language model (LLM_BASE_URL)`.
        client: &'static str,
        /// Why.
        reason: String,
    },
}

/// How a service is out of order, as far as those may know who are not its operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// No connection.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// It does not accept who we are.
    Credentials,
    /// It lacks something that we need.
    Missing,
    /// It has too much to do.
    Busy,
    /// It wants to be paid.
    Payment,
    /// It answers, and not as it should.
    Failing,
}

/// A check that failed: its class for everyone, its details for operators.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct CheckError {
    /// The class.
    pub outage: Outage,
    /// In words; they may name hosts.
    pub detail: String,
}
