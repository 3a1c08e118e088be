//! The object store: uploaded documents in S3, or in a folder in dev.
//!
//! Documents are small (an upload has a limit), so they are read and written whole, each within a deadline.

mod bucket;
mod error;
mod lists;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem, path::Path};

pub use bucket::ensure_bucket;
pub use error::ObjectsError;
pub use lists::{SILENCE, There};

use crate::config::objects::{Objects as Config, S3};

/// Longest wait for one object.
const DEADLINE: Duration = Duration::from_secs(30);
/// Longest wait for a sign of life.
const PING_DEADLINE: Duration = Duration::from_secs(3);

/// S3's own code for it; the client library has no variant for a list of nothing.
const NO_BUCKET: &str = "NoSuchBucket";
/// How it spells that the store does not accept who we are, where a list is asked for.
const REFUSED: [&str; 2] = ["401 Unauthorized", "403 Forbidden"];

/// Reads and writes objects by key.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Option<Arc<dyn ObjectStore>>,
}

impl Objects {
    /// The configured store; nothing is contacted yet.
    ///
    /// # Errors
    /// A folder that cannot be made, or an endpoint that cannot be used.
    pub fn new(config: &Config) -> Result<Self, ObjectsError> {
        Self::with(config, ClientOptions::new())
    }

    /// The same for objects whose transfer may take hours: each wait for the store has a deadline, the whole has none.
    ///
    /// # Errors
    /// As of [`Objects::new`].
    pub fn for_streams(config: &Config) -> Result<Self, ObjectsError> {
        Self::with(config, ClientOptions::new().with_timeout_disabled())
    }

    fn with(config: &Config, options: ClientOptions) -> Result<Self, ObjectsError> {
        let store = match config {
            Config::S3(s3) => Some(client(s3, options)?),
            Config::Folder(folder) => Some(local(folder)?),
            Config::Disabled => None,
        };
        Ok(Self { store })
    }

    /// The store itself, for who brings its own layout; None where there is none.
    pub(crate) fn into_store(self) -> Option<Arc<dyn ObjectStore>> {
        self.store
    }

    /// Whether there is a store at all.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.store.is_some()
    }

    /// Writes an object, replacing what was there.
    ///
    /// # Errors
    /// `Disabled`, or the store's.
    pub async fn put(&self, key: &str, content: Bytes) -> Result<(), ObjectsError> {
        let path = parse(key)?;
        let write =
            async { self.store()?.put(&path, PutPayload::from_bytes(content)).await.map_err(ObjectsError::from) };
        within(DEADLINE, write).await.map(drop)
    }

    /// Reads a whole object.
    ///
    /// # Errors
    /// `NotFound`, `Disabled`, or the store's.
    pub async fn get(&self, key: &str) -> Result<Bytes, ObjectsError> {
        let path = parse(key)?;
        within(DEADLINE, async { Ok(self.store()?.get(&path).await?.bytes().await?) }).await
    }

    /// Removes an object; one that is not there counts as removed.
    ///
    /// # Errors
    /// `Disabled`, or the store's.
    pub async fn delete(&self, key: &str) -> Result<(), ObjectsError> {
        let path = parse(key)?;
        match within(DEADLINE, async { Ok(self.store()?.delete(&path).await?) }).await {
            Err(ObjectsError::NotFound) => Ok(()),
            result => result,
        }
    }

    /// Whether the store answers and has the bucket.
    ///
    /// # Errors
    /// `Disabled`, `NoBucket`, `Refused`, or the store's.
    pub async fn ping(&self) -> Result<(), ObjectsError> {
        let nothing = parse("health")?;
        let first = within(PING_DEADLINE, async { Ok(self.store()?.list(Some(&nothing)).try_next().await?) }).await;
        let Err(error) = first else { return Ok(()) };
        let said = error.to_string();
        if said.contains(NO_BUCKET) {
            return Err(ObjectsError::NoBucket);
        }
        Err(if REFUSED.iter().any(|status| said.contains(status)) { ObjectsError::Refused } else { error })
    }

    fn store(&self) -> Result<&Arc<dyn ObjectStore>, ObjectsError> {
        self.store.as_ref().ok_or(ObjectsError::Disabled)
    }
}

fn client(config: &S3, options: ClientOptions) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
    let retry =
        object_store::RetryConfig { max_retries: 2, retry_timeout: Duration::from_secs(10), ..Default::default() };
    Ok(Arc::new(bucket::builder(config, options).with_retry(retry).build()?))
}

fn local(folder: &std::path::Path) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
    std::fs::create_dir_all(folder).map_err(|source| ObjectsError::Folder { folder: folder.to_owned(), source })?;
    Ok(Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_automatic_cleanup(true)))
}

fn parse(key: &str) -> Result<Path, ObjectsError> {
    Path::parse(key).map_err(|_| ObjectsError::Key(key.to_owned()))
}

async fn within<T>(deadline: Duration, work: impl Future<Output = Result<T, ObjectsError>>) -> Result<T, ObjectsError> {
    tokio::time::timeout(deadline, work).await.unwrap_or(Err(ObjectsError::Deadline(deadline)))
}
