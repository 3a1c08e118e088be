//! The uploaded documents that rows refer to, as files of a snapshot.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Cursor},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use tokio::runtime::Handle;

use super::{BackupError, manifest::ObjectsManifest};
use crate::{
    objects::Objects,
    repository::{Content, Entry},
};

/// Where they are in the snapshot.
pub(crate) const FOLDER: &str = "/objects";

/// The files, and what the manifest says of them. One that nobody finds is named, and does not keep the rest from being kept.
pub(super) async fn referenced(
    objects: &Objects,
    keys: Vec<String>,
) -> Result<(Vec<Entry>, ObjectsManifest), BackupError> {
    let mut there = BTreeMap::new();
    if objects.is_configured() {
        for folder in folders(&keys) {
            there.extend(objects.sizes(folder).await?);
        }
    }
    let (mut files, mut manifest) = (Vec::new(), ObjectsManifest::default());
    for key in keys {
        let Some(known) = there.get(&key) else {
            manifest.missing.push(key);
            continue;
        };
        manifest.count += 1;
        manifest.bytes += known.0;
        files.push(entry(objects.clone(), key, *known));
    }
    Ok((files, manifest))
}

/// Below which the keys are: their first names.
fn folders(keys: &[String]) -> BTreeSet<&str> {
    keys.iter().filter_map(|key| key.split_once('/')).map(|(folder, _)| folder).collect()
}

fn entry(objects: Objects, key: String, (size, changed): (u64, Timestamp)) -> Entry {
    let runtime = Handle::current();
    let path: PathBuf = Path::new(FOLDER).join(&key);
    let open = move || -> io::Result<Content> {
        let content = runtime.block_on(objects.get(&key)).map_err(io::Error::other)?;
        if content.len() as u64 == size {
            return Ok(Box::new(Cursor::new(content)));
        }
        Err(io::Error::other("it was changed while the backup was made: run the command again"))
    };
    Entry { path, known: Some((size, changed)), open: Box::new(open) }
}
