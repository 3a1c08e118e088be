//! The collections on disk: one shard of the engine per collection, one folder each.
//!
//! The engine panics when it is flushed while it is written to, so every shard stands behind a lock: reads side by
//! side, writes alone. All of it blocks, and is called on the runtime's blocking threads only.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use qdrant_edge::{EdgeConfig, EdgeShard, UpdateOperation, WalOptions};

use crate::answer::Refusal;

/// One collection: reads side by side, writes alone. None once it was closed.
#[derive(Clone)]
pub(crate) struct Collection(Arc<RwLock<Option<EdgeShard>>>);

impl Collection {
    /// Runs `read` on the shard.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&EdgeShard) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let shard = self.0.read().unwrap_or_else(PoisonError::into_inner);
        read(shard.as_ref().ok_or_else(closed)?)
    }

    /// Applies one change and makes it durable before it returns.
    pub(crate) fn update(&self, operation: UpdateOperation) -> Result<(), Refusal> {
        let shard = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let shard = shard.as_ref().ok_or_else(closed)?;
        shard.update(operation)?;
        shard.flush();
        Ok(())
    }

    /// Waits for those who read and write, and closes the shard.
    fn close(&self) {
        drop(self.0.write().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn new(shard: EdgeShard) -> Self {
        Self(Arc::new(RwLock::new(Some(shard))))
    }
}

/// Every collection under one storage folder.
pub(crate) struct Engine {
    root: PathBuf,
    collections: RwLock<HashMap<String, Collection>>,
    is_closed: AtomicBool,
}

impl Engine {
    /// Opens what an earlier run left in `storage`.
    pub(crate) fn open(storage: &Path) -> Result<Self, Refusal> {
        let root = storage.join("collections");
        std::fs::create_dir_all(&root).map_err(|error| unusable(&root, &error))?;
        let mut collections = HashMap::new();
        for entry in std::fs::read_dir(&root).map_err(|error| unusable(&root, &error))? {
            let path = entry.map_err(|error| unusable(&root, &error))?.path();
            if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
                let shard = EdgeShard::load(&path, None)?;
                collections.insert(name.to_owned(), Collection::new(shard));
            }
        }
        Ok(Self { root, collections: RwLock::new(collections), is_closed: AtomicBool::new(false) })
    }

    /// The names of all collections, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let collections = self.collections.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = collections.keys().cloned().collect();
        names.sort();
        names
    }

    /// The collection of this name, or the refusal that says it does not exist.
    pub(crate) fn get(&self, name: &str) -> Result<Collection, Refusal> {
        let collections = self.collections.read().unwrap_or_else(PoisonError::into_inner);
        collections.get(name).cloned().ok_or_else(|| Refusal::NoCollection(name.to_owned()))
    }

    /// Makes an empty collection.
    pub(crate) fn create(&self, name: &str, mut config: EdgeConfig) -> Result<(), Refusal> {
        check_name(name)?;
        let mut collections = self.collections.write().unwrap_or_else(PoisonError::into_inner);
        if self.is_closed.load(Ordering::SeqCst) {
            return Err(closed());
        }
        if collections.contains_key(name) {
            return Err(Refusal::CollectionExists(name.to_owned()));
        }
        // The default log segment of 32 MiB, per collection, is more than a test's disk should pay.
        config.wal_options = Some(WalOptions { segment_capacity: 4 << 20, ..WalOptions::default() });
        let path = self.root.join(name);
        std::fs::create_dir_all(&path).map_err(|error| unusable(&path, &error))?;
        let shard = EdgeShard::new(&path, config)?;
        shard.flush();
        collections.insert(name.to_owned(), Collection::new(shard));
        Ok(())
    }

    /// Closes every collection as soon as nobody reads or writes it; from then on none can be used or made. Files stay.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        for (_, collection) in self.collections.write().unwrap_or_else(PoisonError::into_inner).drain() {
            collection.close();
        }
    }

    /// Removes a collection and its files; false when there was none.
    pub(crate) fn remove(&self, name: &str) -> Result<bool, Refusal> {
        let mut collections = self.collections.write().unwrap_or_else(PoisonError::into_inner);
        let Some(collection) = collections.remove(name) else { return Ok(false) };
        // A shard that is closed later would flush into files that are gone, and panics then.
        collection.close();
        let path = self.root.join(name);
        std::fs::remove_dir_all(&path).map_err(|error| unusable(&path, &error))?;
        Ok(true)
    }
}

fn closed() -> Refusal {
    Refusal::Internal("the collection was closed".to_owned())
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let wrong = |c: char| c.is_control() || matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*');
    if name.is_empty() || name.len() > 255 || name.starts_with('.') || name.contains(wrong) {
        return Err(Refusal::WrongInput(format!("collection name `{name}` holds a character that is not allowed")));
    }
    Ok(())
}

fn unusable(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::Internal(format!("cannot use {}: {error}", path.display()))
}
