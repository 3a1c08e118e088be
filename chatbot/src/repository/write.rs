//! Writes a snapshot: its content first, read back; then the snapshot itself, which makes it one that counts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rustic_core::{
    BackupOptions, IndexedFullStatus, ReadBackend, Repository as Library, SnapshotOptions,
    repofile::{SnapshotFile, SnapshotId, Tree},
};
use sha2::{Digest, Sha256};

use super::{Entry, Repository, RepositoryError, Tally, Whose, source::Source, store::Store, tree};

/// What is being done when the last file is written.
const WRITING: &str = "writing a snapshot";

/// What is known of a snapshot without looking into it.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    /// Whose it is. Files are compared with the newest snapshot of the same.
    pub(crate) whose: Whose,
    /// Further words by which it is found.
    pub(crate) tags: Vec<String>,
    /// When what it shows was so.
    pub(crate) time: Timestamp,
}

/// A snapshot that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Its name in the repository: 64 hexadecimal digits.
    pub(crate) id: String,
    /// Bytes of its files.
    pub(crate) bytes: u64,
    /// Bytes that were new to the repository, as they lie there.
    pub(crate) new_bytes: u64,
}

impl Repository {
    /// Stores `files` as one snapshot. Blocks; `tally` tells how far it has come.
    ///
    /// # Errors
    /// `Unread` for a file that could not be read to its end, `Changed` for what came back otherwise, or the store's. What was
    /// written until then belongs to no snapshot, and goes with the next clean-up.
    pub(crate) fn write(
        &self,
        description: &Description,
        files: Vec<Entry>,
        tally: &Arc<Tally>,
    ) -> Result<Stored, RepositoryError> {
        // The library would save the snapshot at once, without files that could not be read.
        let store = Arc::new(self.store().until_stopped(tally).withholding_snapshots());
        let mut snapshot = self.archive(&store, description, files, tally)?;
        if let Some((file, said)) = tally.failure() {
            return Err(RepositoryError::Unread { file: file.display().to_string(), said });
        }
        let root =
            self.indexed(&store)?.get_tree(&snapshot.tree).map_err(self.failed("reading back what was written"))?;
        let tree = tree::write(&*store, self.key(), &with_sizes(root, &tally.sizes()), rand::random);
        let said = |error: tree::Error| RepositoryError::Failed {
            location: self.location(),
            doing: "writing the list of files",
            said: error.to_string(),
        };
        snapshot.tree = tree.map_err(said)?.into();
        self.read_back(&store)?;
        let summary = snapshot.summary.clone().unwrap_or_default();
        let id = self.save(snapshot, tally)?;
        Ok(Stored { id, bytes: summary.total_bytes_processed, new_bytes: summary.data_added_packed })
    }

    fn archive(
        &self,
        store: &Arc<Store>,
        description: &Description,
        files: Vec<Entry>,
        tally: &Arc<Tally>,
    ) -> Result<SnapshotFile, RepositoryError> {
        let repository = self.over(store)?.to_indexed_ids().map_err(self.failed("reading its index"))?;
        let options = SnapshotOptions::default()
            .host(description.whose.host.clone())
            .time(description.time.to_zoned(TimeZone::UTC));
        let mut snapshot = options.to_snapshot().map_err(self.failed("describing a snapshot"))?;
        snapshot.tags.add(description.whose.tag.to_owned());
        for tag in &description.tags {
            snapshot.tags.add(tag.clone());
        }
        let mut options = BackupOptions::default().no_scan(true);
        options.parent_opts.ignore_ctime = true;
        options.parent_opts.ignore_inode = true;
        let source = Source::new(files, Arc::clone(tally));
        repository.archive(&options, &source, snapshot, &[PathBuf::from("/")]).map_err(self.failed(WRITING))
    }

    /// With the index as it lies in the store now, of which every pack must be there.
    fn indexed(&self, store: &Arc<Store>) -> Result<Library<IndexedFullStatus>, RepositoryError> {
        self.over(store)?.to_indexed_checked().map_err(self.failed("reading back its index"))
    }

    /// Every file that was written is called after its content: what comes back must hash to its name.
    pub(super) fn read_back(&self, store: &Arc<Store>) -> Result<(), RepositoryError> {
        store.written().into_par_iter().try_for_each(|(kind, id)| {
            let content = store.read_full(kind, &id).map_err(self.failed("reading back what was written"))?;
            if hex::encode(Sha256::digest(&content)) == *id.to_hex() {
                return Ok(());
            }
            Err(RepositoryError::Changed { location: self.location(), file: store.warmup_path(kind, &id) })
        })
    }

    /// Makes a snapshot one that counts; answers its name.
    pub(super) fn save(&self, snapshot: SnapshotFile, tally: &Arc<Tally>) -> Result<String, RepositoryError> {
        let store = Arc::new(self.store().until_stopped(tally));
        let saved = self.over(&store)?.save_snapshots(vec![anonymous(snapshot)]);
        saved.map_err(self.failed(WRITING))?;
        Ok(store.written().first().map(|(_, id)| id.to_hex().to_string()).unwrap_or_default())
    }
}

/// A snapshot without its name, and without those before it, of which another repository may not have any.
fn anonymous(mut snapshot: SnapshotFile) -> SnapshotFile {
    snapshot.id = SnapshotId::default();
    snapshot.parent = None;
    snapshot.parents = Vec::new();
    snapshot
}

/// The files of the root with the sizes that they turned out to have.
fn with_sizes(mut root: Tree, sizes: &[(PathBuf, u64)]) -> Tree {
    let sizes: BTreeMap<&Path, u64> = sizes.iter().map(|(path, size)| (path.as_path(), *size)).collect();
    for node in &mut root.nodes {
        let path = Path::new("/").join(node.name());
        if let Some(size) = sizes.get(path.as_path()) {
            node.meta.size = *size;
        }
    }
    root
}
