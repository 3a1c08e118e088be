//! What watches the cluster and acts on it.
//!
//! | file | subject |
//! |---|---|
//! | [`environment`] | the ChatbotEnvironment |
//! | [`stores`] | what is watched and cached, by namespace or cluster-wide |
//! | [`secrets`] | watches of the Secrets that environments name, one by one |
//! | [`apis`] | which optional APIs the cluster has |
//! | [`memory`] | what is remembered of writes, so that none is made for nothing |
//! | [`context`] | all that a reconciliation is given |

pub mod apis;
pub mod context;
pub mod environment;
#[cfg(test)]
pub(crate) mod fake;
pub mod memory;
pub mod secrets;
pub mod stores;
