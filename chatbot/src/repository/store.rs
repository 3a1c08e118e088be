//! The repository's files in an object store, laid out as restic does it.
//!
//! The library that reads and writes them waits where it stands, so that each of its calls runs the store's future to its end, on
//! a thread that is not one of the runtime's.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::{TryStreamExt, stream::BoxStream};
use jiff::Timestamp;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload, path::Path};
use rustic_core::{BytesList, ErrorKind, FileType, Id, ReadBackend, RusticError, RusticResult, WriteBackend};
use tokio::runtime::Handle;

use super::Tally;

/// Longest wait for the store to take or give one file; the largest has some ten megabytes.
const DEADLINE: Duration = Duration::from_mins(5);
/// Longest wait for the next page of a list.
const SILENCE: Duration = Duration::from_mins(1);

/// Where a repository is: a folder of an object store.
#[derive(Clone, Debug)]
pub struct Place {
    /// The store.
    pub objects: Arc<dyn ObjectStore>,
    /// The folder in it.
    pub folder: Path,
    /// Both as people write them, for messages.
    pub name: String,
}

/// The files of one repository.
pub(super) struct Store {
    place: Place,
    runtime: Handle,
    written: Mutex<Vec<(FileType, Id)>>,
    withholds_snapshots: bool,
    tally: Option<Arc<Tally>>,
}

impl Store {
    /// Those in `place`.
    pub(super) fn new(place: Place, runtime: Handle) -> Self {
        Self { place, runtime, written: Mutex::default(), withholds_snapshots: false, tally: None }
    }

    /// The same, but what is written as a snapshot is dropped: who writes one wants to look at what it refers to first.
    pub(super) fn withholding_snapshots(self) -> Self {
        Self { withholds_snapshots: true, ..self }
    }

    /// The same, but every call fails once `tally` is stopped.
    pub(super) fn until_stopped(self, tally: &Arc<Tally>) -> Self {
        Self { tally: Some(Arc::clone(tally)), ..self }
    }

    /// The files that were written through this.
    pub(super) fn written(&self) -> Vec<(FileType, Id)> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When the newest file of a kind was written; None where there is none.
    pub(super) fn newest(&self, kind: FileType) -> RusticResult<Option<Timestamp>> {
        let times = self.listed(kind)?.into_iter().map(|(_, entry)| entry.last_modified.timestamp());
        Ok(times.max().and_then(|seconds| Timestamp::from_second(seconds).ok()))
    }

    fn listed(&self, kind: FileType) -> RusticResult<Vec<(Id, ObjectMeta)>> {
        let folder = self.place.folder.clone().join(kind.dirname());
        let work = async {
            let (mut entries, mut files) = (self.place.objects.list(Some(&folder)), Vec::new());
            while let Some(entry) = next(&mut entries).await? {
                // What is called otherwise is not the repository's: a file that is being written, or a stranger's.
                let id = entry.location.filename().and_then(|name| name.parse::<Id>().ok());
                files.extend(id.map(|id| (id, entry)));
            }
            Ok(files)
        };
        self.runtime.block_on(work).map_err(|error: object_store::Error| failed("list", &folder, error))
    }

    fn path(&self, kind: FileType, id: &Id) -> Path {
        let folder = self.place.folder.clone();
        let id = id.to_hex().to_string();
        match kind {
            FileType::Config => folder.join("config"),
            FileType::Pack => folder.join("data").join(&id[..2]).join(id),
            FileType::Index | FileType::Key | FileType::Snapshot => folder.join(kind.dirname()).join(id),
        }
    }

    fn wait<T>(
        &self,
        doing: &'static str,
        path: &Path,
        work: impl Future<Output = object_store::Result<T>>,
    ) -> RusticResult<T> {
        if self.tally.as_ref().is_some_and(|tally| tally.is_stopped()) {
            return Err(failed(doing, path, io::Error::from(io::ErrorKind::Interrupted)));
        }
        let bounded = async { tokio::time::timeout(DEADLINE, work).await };
        match self.runtime.block_on(bounded) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(failed(doing, path, error)),
            Err(silent) => Err(failed(doing, path, silent)),
        }
    }
}

fn failed(
    doing: &'static str,
    path: &Path,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Box<RusticError> {
    RusticError::with_source(ErrorKind::Backend, "The object store failed to {doing} `{path}`.", source)
        .attach_context("doing", doing)
        .attach_context("path", path.to_string())
}

impl ReadBackend for Store {
    fn location(&self) -> String {
        self.place.name.clone()
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        if kind == FileType::Config {
            let path = self.path(kind, &Id::default());
            let found = async {
                match self.place.objects.head(&path).await {
                    Ok(found) => Ok(vec![(Id::default(), size(found.size))]),
                    Err(object_store::Error::NotFound { .. }) => Ok(Vec::new()),
                    Err(error) => Err(error),
                }
            };
            return self.wait("look at", &path, found);
        }
        Ok(self.listed(kind)?.into_iter().map(|(id, entry)| (id, size(entry.size))).collect())
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        let path = self.path(kind, id);
        self.wait("read", &path, async { self.place.objects.get(&path).await?.bytes().await })
    }

    fn read_partial(&self, kind: FileType, id: &Id, _: bool, offset: u32, length: u32) -> RusticResult<Bytes> {
        let path = self.path(kind, id);
        let range = u64::from(offset)..u64::from(offset) + u64::from(length);
        self.wait("read", &path, self.place.objects.get_range(&path, range))
    }

    fn warmup_path(&self, kind: FileType, id: &Id) -> String {
        self.path(kind, id).to_string()
    }
}

impl WriteBackend for Store {
    fn write_bytes(&self, kind: FileType, id: &Id, _: bool, content: BytesList) -> RusticResult<()> {
        if kind == FileType::Snapshot && self.withholds_snapshots {
            return Ok(());
        }
        let path = self.path(kind, id);
        let payload: PutPayload = content.into_vec().into_iter().collect();
        // Two that make a repository at once must not both have made it.
        let mode = if kind == FileType::Config { PutMode::Create } else { PutMode::Overwrite };
        self.wait("write", &path, self.place.objects.put_opts(&path, payload, mode.into()))?;
        self.written.lock().unwrap_or_else(PoisonError::into_inner).push((kind, *id));
        Ok(())
    }

    fn remove(&self, kind: FileType, id: &Id, _: bool) -> RusticResult<()> {
        let path = self.path(kind, id);
        let removed = async {
            match self.place.objects.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        };
        self.wait("remove", &path, removed)
    }
}

async fn next(
    entries: &mut BoxStream<'_, object_store::Result<ObjectMeta>>,
) -> object_store::Result<Option<ObjectMeta>> {
    let silent = |source| object_store::Error::Generic { store: "list", source: Box::new(source) };
    tokio::time::timeout(SILENCE, entries.try_next()).await.map_err(silent)?
}

/// Files of a repository are smaller than 4 GiB by its format.
fn size(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
