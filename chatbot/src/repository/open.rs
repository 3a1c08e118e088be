//! Opens a repository, or makes one.

use std::{fmt, sync::Arc};

use bytesize::ByteSize;
use jiff::{SignedDuration, Timestamp};
use rustic_core::{
    ConfigOptions, Credentials, FileType, KeyOptions, OpenStatus, ReadBackend, RepositoryBackends, RepositoryOptions,
    RusticError, RusticResult, WriteBackend, repofile::MasterKey,
};
use tokio::runtime::Handle;

use super::{Keys, Place, RepositoryError, keys, store::Store};

/// Average size of a piece that is stored once: small enough that a hundredth of new rows costs a few hundredths of a backup.
const CHUNK: ByteSize = ByteSize::kib(256);
const SMALLEST_CHUNK: ByteSize = ByteSize::kib(128);
const LARGEST_CHUNK: ByteSize = ByteSize::mib(2);
/// Bytes of an object in the store. Several are in memory at once.
const PACK: ByteSize = ByteSize::mib(8);
/// Whoever makes a repository writes the configuration right after the key.
const LONGEST_MAKING: SignedDuration = SignedDuration::from_mins(10);

/// A repository that is open.
#[derive(Clone)]
pub struct Repository {
    place: Place,
    runtime: Handle,
    key: MasterKey,
}

impl fmt::Debug for Repository {
    /// Where it is, never its key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("place", &self.place.name).finish_non_exhaustive()
    }
}

impl Repository {
    /// Opens the one in `place` with `keys`; where there is none, and the folder is empty, one is made if `make` says what time it
    /// is. It takes half a second, and 128 MiB for as long: that is what keeps a short key from being guessed.
    ///
    /// # Errors
    /// `Missing`, `NotEmpty`, `Key`, or the store's.
    pub async fn open(place: Place, keys: Keys, make: Option<Timestamp>) -> Result<Self, RepositoryError> {
        let runtime = Handle::current();
        let opening = move || {
            let store = Arc::new(Store::new(place.clone(), runtime.clone()));
            let key = open_or_make(&store, &keys, make)?;
            Ok(Self { place, runtime, key })
        };
        tokio::task::spawn_blocking(opening).await?
    }

    /// Where it is, for messages.
    pub(super) fn location(&self) -> String {
        self.place.name.clone()
    }

    pub(super) fn store(&self) -> Store {
        Store::new(self.place.clone(), self.runtime.clone())
    }

    /// What the library says went wrong while something was done here.
    pub(super) fn failed(&self, doing: &'static str) -> impl Fn(Box<RusticError>) -> RepositoryError {
        let location = self.location();
        move |error| RepositoryError::failed(&location, doing, &error)
    }

    pub(super) const fn key(&self) -> &MasterKey {
        &self.key
    }

    /// The library's view of it, over `store`.
    pub(super) fn over(&self, store: &Arc<Store>) -> Result<rustic_core::Repository<OpenStatus>, RepositoryError> {
        let opened = library(store).and_then(|repository| repository.open(&Credentials::Masterkey(self.key.clone())));
        opened.map_err(self.failed("opening it"))
    }
}

pub(super) fn library(store: &Arc<Store>) -> RusticResult<rustic_core::Repository<()>> {
    let backends = RepositoryBackends::new(Arc::clone(store) as _, None);
    rustic_core::Repository::new(&RepositoryOptions::default().no_cache(true), &backends)
}

fn open_or_make(store: &Arc<Store>, keys: &Keys, make: Option<Timestamp>) -> Result<MasterKey, RepositoryError> {
    let location = store.location();
    let failed = |error: Box<RusticError>| RepositoryError::failed(&location, "opening it", &error);
    let repository = library(store).map_err(failed)?;
    if repository.config_id().map_err(failed)?.is_some() {
        return keys::open(store, keys);
    }
    let Some(now) = make else { return Err(RepositoryError::Missing { location }) };
    make_room(store, now)?;
    tracing::info!(location, "a backup repository is made");
    Ok(repository.init(&keys.credentials(), &KeyOptions::default(), &layout()).map_err(failed)?.key())
}

/// A repository that has content and no configuration has lost it; one that has but a key was never finished.
fn make_room(store: &Arc<Store>, now: Timestamp) -> Result<(), RepositoryError> {
    let location = store.location();
    let failed = |error: Box<RusticError>| RepositoryError::failed(&location, "looking at what is there", &error);
    for kind in [FileType::Snapshot, FileType::Index, FileType::Pack] {
        if !store.list(kind).map_err(failed)?.is_empty() {
            return Err(RepositoryError::NotEmpty { location });
        }
    }
    let Some(begun) = store.newest(FileType::Key).map_err(failed)? else { return Ok(()) };
    if now < begun + LONGEST_MAKING {
        return Err(RepositoryError::BeingMade { location });
    }
    for key in store.list(FileType::Key).map_err(failed)? {
        store.remove(FileType::Key, &key, false).map_err(failed)?;
    }
    Ok(())
}

/// By measurement: see docs/benchmarks.md.
fn layout() -> ConfigOptions {
    ConfigOptions::default()
        .set_chunk_size(CHUNK)
        .set_chunk_min_size(SMALLEST_CHUNK)
        .set_chunk_max_size(LARGEST_CHUNK)
        .set_datapack_size(PACK)
        .set_datapack_growfactor(0_u32)
}
