//! Writes a snapshot: its content first, read back; then the snapshot itself, which makes it one that counts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rustic_core::{
    BackupOptions, OpenStatus, ReadBackend, SnapshotOptions,
    repofile::{SnapshotFile, StringList, Tree},
};
use sha2::{Digest, Sha256};

use super::{Entry, Repository, RepositoryError, Tally, copy, source::Source, store::Store, tree};

/// What is known of a snapshot without looking into it.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    /// Whose it is: an environment's name. Files are compared with the newest snapshot of the same.
    pub(crate) host: String,
    /// Words by which it is found.
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
        let repository = self.indexed(&store)?;
        let failed = |doing| {
            move |error: Box<rustic_core::RusticError>| RepositoryError::failed(&self.location(), doing, &error)
        };
        let root = repository.get_tree(&snapshot.tree).map_err(failed("reading back what was written"))?;
        let sized = with_sizes(root, &tally.sizes());
        let tree = tree::write(&*store, self.key(), &sized, rand::random).map_err(|error| RepositoryError::Failed {
            location: self.location(),
            doing: "writing the list of files",
            said: error.to_string(),
        })?;
        self.read_back(&store)?;
        snapshot.tree = tree.into();
        let id = self.save(snapshot.clone(), tally)?;
        let summary = snapshot.summary.unwrap_or_default();
        Ok(Stored { id, bytes: tally.bytes().max(summary.total_bytes_processed), new_bytes: summary.data_added_packed })
    }

    fn archive(
        &self,
        store: &Arc<Store>,
        description: &Description,
        files: Vec<Entry>,
        tally: &Arc<Tally>,
    ) -> Result<SnapshotFile, RepositoryError> {
        let failed = |doing| {
            move |error: Box<rustic_core::RusticError>| RepositoryError::failed(&self.location(), doing, &error)
        };
        let repository = self.over(store)?.to_indexed_ids().map_err(failed("reading its index"))?;
        let options =
            SnapshotOptions::default().host(description.host.clone()).time(description.time.to_zoned(TimeZone::UTC));
        let mut snapshot = options.to_snapshot().map_err(failed("describing a snapshot"))?;
        snapshot.tags = StringList::default();
        for tag in &description.tags {
            snapshot.tags.add(tag.clone());
        }
        let mut options = BackupOptions::default().no_scan(true);
        options.parent_opts.ignore_ctime = true;
        options.parent_opts.ignore_inode = true;
        let source = Source::new(files, Arc::clone(tally));
        repository.archive(&options, &source, snapshot, &[PathBuf::from("/")]).map_err(failed("writing a snapshot"))
    }

    /// With the index as it lies in the store now, of which every pack must be there.
    fn indexed(
        &self,
        store: &Arc<Store>,
    ) -> Result<rustic_core::Repository<rustic_core::IndexedFullStatus>, RepositoryError> {
        let opened: rustic_core::Repository<OpenStatus> = self.over(store)?;
        opened
            .to_indexed_checked()
            .map_err(|error| RepositoryError::failed(&self.location(), "reading back its index", &error))
    }

    /// Every file that was written is called after its content: what comes back must hash to its name.
    pub(super) fn read_back(&self, store: &Arc<Store>) -> Result<(), RepositoryError> {
        store.written().into_par_iter().try_for_each(|(kind, id)| {
            let failed =
                |error: Box<_>| RepositoryError::failed(&self.location(), "reading back what was written", &error);
            let content = store.read_full(kind, &id).map_err(failed)?;
            if hex::encode(Sha256::digest(&content)) == *id.to_hex() {
                return Ok(());
            }
            Err(RepositoryError::Changed { location: self.location(), file: store.warmup_path(kind, &id) })
        })
    }

    pub(super) fn save(&self, snapshot: SnapshotFile, tally: &Arc<Tally>) -> Result<String, RepositoryError> {
        let store = Arc::new(self.store().until_stopped(tally));
        let saved = self.over(&store)?.save_snapshots(vec![copy::anonymous(snapshot)]);
        saved.map_err(|error| RepositoryError::failed(&self.location(), "writing a snapshot", &error))?;
        Ok(store.written().first().map(|(_, id)| id.to_hex().to_string()).unwrap_or_default())
    }
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
