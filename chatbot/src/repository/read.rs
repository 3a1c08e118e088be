//! Reads what a repository holds: its snapshots, their files, one file's content.

use std::{io::Write, path::Path, sync::Arc};

use jiff::Timestamp;
use rustic_core::{IndexedFullStatus, LsOptions, RusticResult, repofile::SnapshotFile};
use serde::Serialize;

use super::{Repository, RepositoryError, Whose};

/// A snapshot, as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Its name: 64 hexadecimal digits.
    pub id: String,
    /// When what it shows was so.
    pub time: Timestamp,
    /// Words by which it is found, sorted; without the one that all of its environment bear.
    pub tags: Vec<String>,
    /// Bytes of its files.
    pub bytes: u64,
    /// Bytes of them that were new to the repository, as they lie there.
    pub new_bytes: u64,
}

/// A snapshot that is open.
pub(crate) struct Snapshot {
    repository: rustic_core::Repository<IndexedFullStatus>,
    file: SnapshotFile,
    location: String,
}

impl Repository {
    /// The snapshots of `whose`, newest first. Blocks.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn list(&self, whose: &Whose) -> Result<Vec<Listed>, RepositoryError> {
        let repository = self.over(&Arc::new(self.store()))?;
        let found = repository.get_matching_snapshots(|snapshot| whose.is(snapshot));
        let mut found = found.map_err(self.failed("listing its snapshots"))?;
        found.sort_by(|a, b| b.time.cmp(&a.time));
        Ok(found.iter().map(|snapshot| listed(snapshot, whose)).collect())
    }

    /// Opens the snapshot of this name. Blocks.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn snapshot(&self, id: &str) -> Result<Snapshot, RepositoryError> {
        const OPENING: &str = "opening a snapshot";
        let repository = self.over(&Arc::new(self.store()))?.to_indexed().map_err(self.failed(OPENING))?;
        let file = repository.get_snapshots(&[id]).map_err(self.failed(OPENING))?.pop();
        let missing = || RepositoryError::NoSnapshot { location: self.location(), id: id.to_owned() };
        Ok(Snapshot { repository, file: file.ok_or_else(missing)?, location: self.location() })
    }
}

impl Snapshot {
    /// Writes one file of it to `out`. Blocks. Nothing passes that was not written with the repository's key.
    ///
    /// # Errors
    /// The store's, damage, or that `out` takes no more.
    pub(crate) fn copy(&self, path: &str, out: &mut impl Write) -> Result<(), RepositoryError> {
        let mut copy = || -> RusticResult<()> {
            let node = self.repository.node_from_path(self.file.tree, Path::new(path))?;
            self.repository.dump(&node, out)
        };
        self.failed("reading a snapshot", copy())
    }

    /// The files below a folder with their sizes; none where there is no such folder. Blocks.
    ///
    /// # Errors
    /// The store's, or damage.
    pub(crate) fn files(&self, folder: &str) -> Result<Vec<(String, u64)>, RepositoryError> {
        let list = || -> RusticResult<Vec<(String, u64)>> {
            let root = self.repository.get_tree(&self.file.tree)?;
            let name = folder.trim_matches('/');
            let Some(node) = root.nodes.into_iter().find(|node| node.is_dir() && node.name().to_str() == Some(name))
            else {
                return Ok(Vec::new());
            };
            let mut files = Vec::new();
            for entry in self.repository.ls(&node, &LsOptions::default())? {
                let (path, node) = entry?;
                if node.is_file() {
                    files.push((path.display().to_string(), node.meta.size));
                }
            }
            Ok(files)
        };
        self.failed("listing a snapshot", list())
    }

    fn failed<T>(&self, doing: &'static str, result: RusticResult<T>) -> Result<T, RepositoryError> {
        result.map_err(|error| RepositoryError::failed(&self.location, doing, &error))
    }
}

fn listed(snapshot: &SnapshotFile, whose: &Whose) -> Listed {
    let summary = snapshot.summary.clone().unwrap_or_default();
    Listed {
        id: snapshot.id.to_hex().to_string(),
        time: snapshot.time.timestamp(),
        tags: snapshot.tags.iter().filter(|tag| *tag != whose.tag).cloned().collect(),
        bytes: summary.total_bytes_processed,
        new_bytes: summary.data_added_packed,
    }
}
