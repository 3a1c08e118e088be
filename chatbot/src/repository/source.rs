//! What goes into one snapshot: files that are streamed, each read once.

use std::{
    io::{self, Read},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use rustic_core::{
    ErrorKind, ReadSource, ReadSourceEntry, ReadSourceOpen, RusticError, RusticResult,
    repofile::{Metadata, Node, NodeType},
};

/// What everyone who may read a backup may do with its files.
const MODE: u32 = 0o400;

/// One file of a snapshot.
pub(crate) struct Entry {
    /// Its path, from the root.
    pub(crate) path: PathBuf,
    /// When it was changed last, for what is streamed: now. One of the same time and size as in the snapshot before is not read again.
    pub(crate) changed: Timestamp,
    /// Its size; zero where nobody knows it before it was read.
    pub(crate) size: u64,
    /// Gives its content, on a thread that may be blocked, when its turn has come.
    pub(crate) open: Box<dyn FnOnce() -> io::Result<Content> + Send>,
}

/// A file's content.
pub(crate) type Content = Box<dyn Read + Send>;

/// What became of the files while they were read.
#[derive(Default)]
pub(crate) struct Tally {
    is_stopped: AtomicBool,
    sizes: Mutex<Vec<(PathBuf, u64)>>,
    failures: Mutex<Vec<(PathBuf, String)>>,
}

impl Tally {
    /// Makes the work end with an error at its next step.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// The first file that could not be read to its end, and why. The library goes on without such a file.
    pub(super) fn failure(&self) -> Option<(PathBuf, String)> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).first().cloned()
    }

    /// The size of each file that was read to its end.
    pub(super) fn sizes(&self) -> Vec<(PathBuf, u64)> {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ended(&self, path: PathBuf, size: u64) {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner).push((path, size));
    }

    fn failed(&self, path: PathBuf, error: &io::Error) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push((path, error.to_string()));
    }
}

/// Gives the library the files in the order of their paths.
pub(super) struct Source {
    files: Mutex<Vec<Entry>>,
    tally: Arc<Tally>,
}

impl Source {
    pub(super) fn new(mut files: Vec<Entry>, tally: Arc<Tally>) -> Self {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files: Mutex::new(files), tally }
    }
}

impl ReadSource for Source {
    type Open = Opening;
    type Iter = std::vec::IntoIter<RusticResult<ReadSourceEntry<Opening>>>;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(None)
    }

    fn entries(&self) -> Self::Iter {
        let files = std::mem::take(&mut *self.files.lock().unwrap_or_else(PoisonError::into_inner));
        let entries: Vec<_> = files.into_iter().map(|file| described(file, Arc::clone(&self.tally))).collect();
        entries.into_iter()
    }
}

fn described(file: Entry, tally: Arc<Tally>) -> RusticResult<ReadSourceEntry<Opening>> {
    let Entry { path, changed, size, open } = file;
    let name = path.file_name().ok_or_else(|| RusticError::new(ErrorKind::InvalidInput, "A file has no name."))?;
    let meta = Metadata { mode: Some(MODE), mtime: Some(changed), size, ..Metadata::default() };
    let node = Node::new_node(name, NodeType::File, meta);
    Ok(ReadSourceEntry { path: path.clone(), node, open: Some(Opening { path, open, tally }) })
}

/// A file that is opened when its turn has come.
pub(super) struct Opening {
    path: PathBuf,
    open: Box<dyn FnOnce() -> io::Result<Content> + Send>,
    tally: Arc<Tally>,
}

impl ReadSourceOpen for Opening {
    type Reader = Counted;

    fn open(self) -> RusticResult<Counted> {
        let Self { path, open, tally } = self;
        match open() {
            Ok(content) => Ok(Counted { path, content, tally, size: 0 }),
            Err(error) => {
                let message = RusticError::with_source(
                    ErrorKind::InputOutput,
                    "A file cannot be opened.",
                    io::Error::other(error.to_string()),
                );
                tally.failed(path, &error);
                Err(message)
            }
        }
    }
}

/// Notes how much was read, and whether to the end.
pub(super) struct Counted {
    path: PathBuf,
    content: Content,
    tally: Arc<Tally>,
    size: u64,
}

impl Read for Counted {
    /// Fills the buffer unless the file ends: the library's chunker shrinks its buffer to the shortest read, down to a byte at a
    /// time, and a pipe gives short ones.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.content.read(room) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.tally.failed(self.path.clone(), &error);
                    return Err(error);
                }
            }
        }
        let count = filled as u64;
        self.size += count;
        if filled < buffer.len() {
            self.tally.ended(self.path.clone(), self.size);
        }
        Ok(filled)
    }
}
