//! The backup before a release: a dump of the database in the object store, which counts only after it was read back.
//!
//! It streams both ways, so that memory stays flat whatever the database's size. Uploaded objects and vectors are not in it:
//! objects lie in the same store, and vectors can be made again.

mod error;
mod name;
mod read_back;
mod retention;
mod write;

pub use error::BackupError;
use jiff::Timestamp;

use crate::{
    config::backup::BackupConfig,
    objects::{Objects, SILENCE},
    store,
};

/// A backup that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its key in the object store.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// How many tables are in it.
    pub tables: usize,
}

/// Makes a backup; `search_path` (as PATH is written) is where PostgreSQL's programs are looked for, `stop` gives up. None
/// without an object store.
///
/// # Errors
/// See [`BackupError`]; what was written of it is removed then.
pub async fn run(
    config: &BackupConfig,
    search_path: Option<&str>,
    now: Timestamp,
    stop: impl Future<Output = ()>,
) -> Result<Option<Backup>, BackupError> {
    let objects = Objects::for_streams(&config.objects)?;
    if !objects.is_configured() {
        return Ok(None);
    }
    tokio::pin!(stop);
    let folder = name::folder(&config.environment.resource_prefix);
    let key = format!("{folder}/{}", name::file(now, config.environment.release.as_deref()));
    let expected = tables(config).await?;
    let checked = async {
        let written = write::dump(&config.database, search_path, &objects, &key, stop.as_mut()).await?;
        let tables = read_back::check(&objects, &key, &written, expected, search_path, stop.as_mut()).await?;
        Ok((written.bytes, tables))
    };
    match checked.await {
        Ok((bytes, tables)) => {
            retention::prune(&objects, &folder, &key).await;
            Ok(Some(Backup { key, bytes, tables }))
        }
        Err(error) => {
            remove(&objects, &key).await;
            Err(error)
        }
    }
}

/// How many tables the dump must have.
async fn tables(config: &BackupConfig) -> Result<usize, BackupError> {
    let pool = store::pool::lazy(&config.database, "chatbot-backup");
    let tables = store::schema::tables(&pool).await?;
    Ok(tables.len())
}

async fn remove(objects: &Objects, key: &str) {
    // One that was never there counts as removed.
    if let Err(error) = objects.delete(key).await {
        tracing::error!(key, %error, "the backup does not count and cannot be removed: remove it by hand");
    }
}
