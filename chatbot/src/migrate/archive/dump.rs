//! Writes a dump: complete under its name, or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::{ArchiveError, connection, process, programs};
use crate::config::database::Database;

const PROGRAM: &str = "pg_dump";
/// Longest wait for a table that a migration holds, in milliseconds.
const LOCK_WAIT: &str = "--lock-wait-timeout=60000";

/// Dumps `database` to `path`, in pg_dump's custom format; `stop` gives up.
///
/// # Errors
/// See [`ArchiveError`]; whatever was at `path` is still there then.
pub async fn dump(
    database: &Database,
    path: &Path,
    search_path: Option<&str>,
    stop: impl Future<Output = ()>,
) -> Result<(), ArchiveError> {
    let mut command = Command::new(programs::find(PROGRAM, search_path)?);
    let unfinished = Unfinished::create(path)?;
    command.args(["--format=custom", LOCK_WAIT]).stdout(unfinished.writer()?);
    connection::set(&mut command, database);
    process::run(PROGRAM, command, || unfinished.bytes(), stop).await?;
    unfinished.finish(path)
}

/// The dump while it is written, beside its place; removed when dropped, if it is still there.
struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Unfinished {
    /// For the owner's eyes only: everyone's conversations are in it.
    fn create(target: &Path) -> Result<Self, ArchiveError> {
        let mut name = target.as_os_str().to_owned();
        name.push(".new");
        let path = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => Ok(Self { path, file }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(ArchiveError::Unfinished(path)),
            Err(source) => Err(ArchiveError::Write { path, source }),
        }
    }

    fn writer(&self) -> Result<File, ArchiveError> {
        self.file.try_clone().map_err(|source| self.failed(source))
    }

    fn bytes(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    fn finish(self, target: &Path) -> Result<(), ArchiveError> {
        self.file.sync_all().and_then(|()| fs::rename(&self.path, target)).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> ArchiveError {
        ArchiveError::Write { path: self.path.clone(), source }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}
