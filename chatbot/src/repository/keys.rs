//! The key of a repository, and its change: who names the one before beside the new one has the new one put in its place.

use std::sync::Arc;

use rustic_core::{Credentials, KeyOptions, ReadBackend, RusticError, RusticResult, repofile::MasterKey};
use secrecy::{ExposeSecret, SecretString};

use super::{RepositoryError, open::library, store::Store};

/// What a repository is opened with.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The key.
    pub current: SecretString,
    /// The one before it.
    pub previous: Option<SecretString>,
}

impl Keys {
    pub(super) fn credentials(&self) -> Credentials {
        Credentials::password(self.current.expose_secret())
    }
}

/// Opens a repository that is there.
pub(super) fn open(store: &Arc<Store>, keys: &Keys) -> Result<MasterKey, RepositoryError> {
    let refused = match library(store).and_then(|repository| repository.open(&keys.credentials())) {
        Ok(opened) => return Ok(opened.key()),
        Err(refused) => refused,
    };
    let failed = |error: &RusticError| RepositoryError::failed(&store.location(), "opening it", error);
    let Some(previous) = keys.previous.as_ref().filter(|_| refused.is_incorrect_password()) else {
        return Err(failed(&refused));
    };
    replace(store, keys, previous).map_err(|error| failed(&error))
}

/// The new key first, then the old one away: whoever is killed in between finds the new one.
fn replace(store: &Arc<Store>, keys: &Keys, previous: &SecretString) -> RusticResult<MasterKey> {
    let before = library(store)?.open(&Credentials::password(previous.expose_secret()))?;
    before.add_key(keys.current.expose_secret(), &KeyOptions::default())?;
    let after = library(store)?.open(&keys.credentials())?;
    tracing::info!(repository = store.location(), "the repository has the new key");
    if let Some(old) = before.key_id()
        && let Err(error) = after.delete_key(old)
    {
        tracing::warn!(%error, "the key before it still opens the repository: remove it by hand, with restic key remove");
    }
    Ok(after.key())
}
