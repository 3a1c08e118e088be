//! Copies snapshots into another repository, which has a key of its own, and reads back what was written there.

use std::{collections::BTreeSet, sync::Arc};

use rustic_core::repofile::SnapshotFile;

use super::{Repository, RepositoryError, Tally, Whose};

/// What is being done when a repository is looked into.
const LISTING: &str = "listing its snapshots";
const INDEXING: &str = "reading its index";

impl Repository {
    /// Copies those snapshots of `whose` that `other` lacks; answers how many. Blocks. A copy is seen there only after it was read back.
    ///
    /// # Errors
    /// Those of either store.
    pub(crate) fn copy_to(&self, other: &Self, whose: &Whose, tally: &Arc<Tally>) -> Result<usize, RepositoryError> {
        let from = self.over(&Arc::new(self.store().until_stopped(tally)))?;
        let from = from.to_indexed().map_err(self.failed(INDEXING))?;
        let store = Arc::new(other.store().until_stopped(tally).withholding_snapshots());
        let to = other.over(&store)?.to_indexed_ids().map_err(other.failed(INDEXING))?;
        let there = to.get_matching_snapshots(|snapshot| whose.is(snapshot)).map_err(other.failed(LISTING))?;
        let there: BTreeSet<_> = there.iter().map(identity).collect();
        let ours = from.get_matching_snapshots(|snapshot| whose.is(snapshot)).map_err(self.failed(LISTING))?;
        let lacking: Vec<_> = ours.into_iter().filter(|snapshot| !there.contains(&identity(snapshot))).collect();
        if lacking.is_empty() {
            return Ok(0);
        }
        from.copy(&to, &lacking).map_err(other.failed("copying into it"))?;
        other.read_back(&store)?;
        let copied = lacking.len();
        for mut snapshot in lacking {
            snapshot.original = Some(snapshot.id);
            other.save(snapshot, tally)?;
        }
        Ok(copied)
    }
}

/// What a snapshot and its copy have in common: when it was, and what it holds.
fn identity(snapshot: &SnapshotFile) -> (i128, String) {
    (snapshot.time.timestamp().as_nanosecond(), snapshot.tree.to_hex().to_string())
}
