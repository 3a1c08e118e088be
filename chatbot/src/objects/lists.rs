//! What takes long: lists. Each wait for the store has a deadline, the whole has none.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::TryStreamExt;
use jiff::Timestamp;

use super::{Objects, ObjectsError, parse, within};

/// Longest wait for the store to send something.
pub const SILENCE: Duration = Duration::from_mins(1);

/// An object that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct There {
    /// Its bytes.
    pub size: u64,
    /// When it was written.
    pub changed: Timestamp,
}

impl Objects {
    /// What there is beside these keys: everything below the folders that they begin with. Asking for each key by itself would take
    /// a request for each.
    ///
    /// # Errors
    /// `Disabled`, or the store's.
    pub async fn around(&self, keys: impl Iterator<Item = &str>) -> Result<BTreeMap<String, There>, ObjectsError> {
        let folders: BTreeSet<&str> = keys.filter_map(|key| key.split_once('/')).map(|(folder, _)| folder).collect();
        let mut found = BTreeMap::new();
        for folder in folders {
            let mut entries = self.store()?.list(Some(&parse(folder)?));
            while let Some(entry) = within(SILENCE, async { Ok(entries.try_next().await?) }).await? {
                let changed = Timestamp::from_second(entry.last_modified.timestamp()).unwrap_or_default();
                found.insert(entry.location.to_string(), There { size: entry.size, changed });
            }
        }
        Ok(found)
    }
}
