//! Copies snapshots into another repository, which has a key of its own, and reads back what was written there.

use std::{collections::BTreeSet, sync::Arc};

use rustic_core::{
    RusticError,
    repofile::{SnapshotFile, SnapshotId},
};

use super::{Repository, RepositoryError, Tally};

impl Repository {
    /// Copies those snapshots of `host` with the word `tag` that `other` lacks; answers how many. Blocks. A copy is seen there only
    /// after it was read back.
    ///
    /// # Errors
    /// Those of either store.
    pub(crate) fn copy_to(
        &self,
        other: &Self,
        (host, tag): (&str, &str),
        tally: &Arc<Tally>,
    ) -> Result<usize, RepositoryError> {
        let of = |repository: &Self, doing| {
            let location = repository.location();
            move |error: Box<RusticError>| RepositoryError::failed(&location, doing, &error)
        };
        let from = self.over(&Arc::new(self.store().until_stopped(tally)))?;
        let from = from.to_indexed().map_err(of(self, "reading its index"))?;
        let store = Arc::new(other.store().until_stopped(tally).withholding_snapshots());
        let to = other.over(&store)?.to_indexed_ids().map_err(of(other, "reading its index"))?;
        let mine = |snapshot: &SnapshotFile| snapshot.hostname == host && snapshot.tags.contains(tag);
        let there = to.get_matching_snapshots(mine).map_err(of(other, "listing its snapshots"))?;
        let there: BTreeSet<_> = there.iter().map(identity).collect();
        let mut lacking = from.get_matching_snapshots(mine).map_err(of(self, "listing its snapshots"))?;
        lacking.retain(|snapshot| !there.contains(&identity(snapshot)));
        if lacking.is_empty() {
            return Ok(0);
        }
        from.copy(&to, &lacking).map_err(of(other, "copying into it"))?;
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

/// A snapshot without its name and those before it, of which the other repository may not have any.
pub(super) fn anonymous(mut snapshot: SnapshotFile) -> SnapshotFile {
    snapshot.id = SnapshotId::default();
    snapshot.parent = None;
    snapshot.parents = Vec::new();
    snapshot
}
