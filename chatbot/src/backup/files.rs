//! The uploaded documents that rows refer to, as files of a snapshot.

use std::{
    io::{self, Cursor},
    path::{Path, PathBuf},
};

use tokio::runtime::Handle;

use super::{BackupError, manifest::ObjectsManifest};
use crate::{
    objects::{Objects, There},
    repository::{Content, Entry},
};

/// Where they are in the snapshot.
pub(crate) const FOLDER: &str = "/objects";

/// The files, and what the manifest says of them. One that nobody finds is named, and does not keep the rest from being kept.
pub(super) async fn referenced(
    objects: &Objects,
    keys: Vec<String>,
) -> Result<(Vec<Entry>, ObjectsManifest), BackupError> {
    let (mut files, mut manifest) = (Vec::new(), ObjectsManifest::default());
    if !objects.is_configured() {
        manifest.missing = keys;
        return Ok((files, manifest));
    }
    let there = objects.around(keys.iter().map(String::as_str)).await?;
    for key in keys {
        let Some(found) = there.get(&key) else {
            manifest.missing.push(key);
            continue;
        };
        manifest.count += 1;
        manifest.bytes += found.size;
        files.push(entry(objects.clone(), key, *found));
    }
    Ok((files, manifest))
}

fn entry(objects: Objects, key: String, There { size, changed }: There) -> Entry {
    let runtime = Handle::current();
    let path: PathBuf = Path::new(FOLDER).join(&key);
    let open = move || -> io::Result<Content> {
        let content = runtime.block_on(objects.get(&key)).map_err(io::Error::other)?;
        if content.len() as u64 == size {
            return Ok(Box::new(Cursor::new(content)));
        }
        Err(io::Error::other("it was changed while the backup was made: run the command again"))
    };
    Entry { path, changed, size, open: Box::new(open) }
}
