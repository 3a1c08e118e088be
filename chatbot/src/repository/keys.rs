//! The key of a repository, and its change: who names the one before beside the new one has the new one put in its place.

use std::sync::Arc;

use rustic_core::{Credentials, KeyOptions, OpenStatus, ReadBackend, Repository, RusticResult, repofile::MasterKey};
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
    let opened = open_or_replace(store, keys);
    opened.map_err(|error| RepositoryError::failed(&store.location(), "opening it", &error))
}

fn open_or_replace(store: &Arc<Store>, keys: &Keys) -> RusticResult<MasterKey> {
    let previous = keys.previous.as_ref().filter(|previous| previous.expose_secret() != keys.current.expose_secret());
    let opened = match (with(store, &keys.current), previous) {
        (Err(refused), Some(previous)) if refused.is_incorrect_password() => {
            with(store, previous)?.add_key(keys.current.expose_secret(), &KeyOptions::default())?;
            tracing::info!(repository = store.location(), "the repository has the new key");
            with(store, &keys.current)?
        }
        (opened, _) => opened?,
    };
    // In its own step, since whoever was killed before it has to come by here again.
    if let Some(previous) = previous
        && let Ok(before) = with(store, previous)
        && let Some(old) = before.key_id()
        && let Err(error) = opened.delete_key(old)
    {
        tracing::warn!(%error, "the key before it still opens the repository: remove it by hand, with restic key remove");
    }
    Ok(opened.key())
}

fn with(store: &Arc<Store>, key: &SecretString) -> RusticResult<Repository<OpenStatus>> {
    library(store)?.open(&Credentials::password(key.expose_secret()))
}
