//! Whose a snapshot is: several environments, and strangers, may share a repository.

use rustic_core::repofile::SnapshotFile;

/// By what the snapshots of one environment are told from all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whose {
    /// The environment, in the field that restic calls host.
    pub(crate) host: String,
    /// A word that all of them bear.
    pub(crate) tag: &'static str,
}

impl Whose {
    /// Whether a snapshot is one of them.
    pub(super) fn is(&self, snapshot: &SnapshotFile) -> bool {
        snapshot.hostname == self.host && snapshot.tags.contains(self.tag)
    }
}
