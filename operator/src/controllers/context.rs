//! All that a reconciliation is given.

use std::sync::Arc;

use kube::Client;
use secrecy::SecretString;
use tokio::sync::watch;

use super::{environment::resolve::Apis, memory::Memory, secrets::SecretWatches, stores::Stores};
use crate::{
    clock::Clock, error::Error, lease::Term, metrics::Metrics, notify::Notifier, probe::Prober, traces::Traces,
};

/// Makes a password that nobody can guess, of letters and digits.
pub type NewPassword = fn() -> Result<SecretString, Error>;

/// What reconciliations of one scope share.
#[derive(Clone)]
pub struct Context {
    /// For `observe`, `apply` and `report` only.
    pub client: Client,
    /// Until when this process may write.
    pub term: Term,
    /// Tells the time.
    pub clock: Clock,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Name of this process, for its events.
    pub identity: String,
    /// Tells people outside of the cluster.
    pub notifier: Notifier,
    /// Sends releases that ended to a collector.
    pub traces: Traces,
    /// Asks pods.
    pub prober: Prober,
    /// Knows the last writes.
    pub memory: Arc<Memory>,
    /// Watches named Secrets.
    pub secrets: Arc<SecretWatches>,
    /// Optional APIs of the cluster.
    pub apis: watch::Receiver<Apis>,
    /// Caches of this scope.
    pub stores: Stores,
    /// Caches of every scope, to see who else uses a database.
    pub everywhere: Arc<Vec<Stores>>,
    /// Namespace of the operator's own pods.
    pub operator_namespace: String,
    /// Makes passwords.
    pub new_password: NewPassword,
}
