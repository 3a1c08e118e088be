//! What watches the cluster and acts on it.
//!
//! | file | subject |
//! |---|---|
//! | [`environment`] | the ChatbotEnvironment |
//! | [`backup`] | the ChatbotBackup |
//! | [`restore`] | the ChatbotRestore |
//! | [`stores`] | what is watched and cached, by namespace or cluster-wide |
//! | [`secrets`] | watches of the Secrets that environments name, one by one |
//! | [`apis`] | which optional APIs the cluster has |
//! | [`memory`] | what is remembered of writes, so that none is made for nothing |
//! | [`runs`] | Jobs that are run once for somebody |
//! | [`events`], [`status_patch`] | how what happened is told |
//! | [`context`] | all that a reconciliation is given |

pub mod apis;
pub mod backup;
pub mod context;
pub mod environment;
pub mod events;
#[cfg(test)]
pub(crate) mod fake;
pub mod memory;
pub mod restore;
pub mod runs;
pub mod secrets;
pub mod status_patch;
pub mod stores;
