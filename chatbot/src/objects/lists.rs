//! What takes long: lists of everything below a folder. Each wait for the store has a deadline, the whole has none.

use std::{collections::BTreeMap, time::Duration};

use futures::TryStreamExt;
use jiff::Timestamp;

use super::{Objects, ObjectsError, parse, within};

/// Longest wait for the store to send something.
pub const SILENCE: Duration = Duration::from_mins(1);

impl Objects {
    /// Size and time of the last change of everything below a folder, by key.
    ///
    /// # Errors
    /// `Disabled`, or the store's.
    pub async fn sizes(&self, folder: &str) -> Result<BTreeMap<String, (u64, Timestamp)>, ObjectsError> {
        let mut entries = self.store()?.list(Some(&parse(folder)?));
        let mut found = BTreeMap::new();
        while let Some(entry) = within(SILENCE, async { Ok(entries.try_next().await?) }).await? {
            let changed = Timestamp::from_second(entry.last_modified.timestamp()).unwrap_or_default();
            found.insert(entry.location.to_string(), (entry.size, changed));
        }
        Ok(found)
    }
}
