//! Documents of a snapshot, back into the environment's store. One that is there with the same size is left alone: a document never
//! changes under its key.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::task::spawn_blocking;

use super::RestoreError;
use crate::{
    backup::files::FOLDER,
    config::objects::Objects as Config,
    objects::{Objects, ObjectsError},
    repository::{RepositoryError, Snapshot},
};

/// Puts back what is missing; answers how many that were.
pub(super) async fn restore(config: &Config, snapshot: Snapshot) -> Result<usize, RestoreError> {
    let objects = Objects::for_streams(config).map_err(|source| failed("", source))?;
    let (snapshot, files) = listed(snapshot).await?;
    let there = there(&objects, &files).await?;
    let missing = files.into_iter().filter(|(key, size)| there.get(key).is_none_or(|(found, _)| found != size));
    let (mut snapshot, mut restored) = (snapshot, 0);
    for (key, _) in missing {
        let (back, content) = read(snapshot, &key).await?;
        snapshot = back;
        objects.put(&key, content).await.map_err(|source| failed(&key, source))?;
        restored += 1;
    }
    Ok(restored)
}

async fn listed(snapshot: Snapshot) -> Result<(Snapshot, Vec<(String, u64)>), RestoreError> {
    let list = move || snapshot.files(FOLDER).map(|files| (snapshot, files));
    Ok(spawn_blocking(list).await??)
}

/// What the store has in the folders that the files are in.
async fn there(objects: &Objects, files: &[(String, u64)]) -> Result<BTreeMap<String, (u64, Timestamp)>, RestoreError> {
    let mut there = BTreeMap::new();
    let folders: std::collections::BTreeSet<&str> =
        files.iter().filter_map(|(key, _)| key.split_once('/')).map(|(folder, _)| folder).collect();
    for folder in folders {
        there.extend(objects.sizes(folder).await.map_err(|source| failed(folder, source))?);
    }
    Ok(there)
}

async fn read(snapshot: Snapshot, key: &str) -> Result<(Snapshot, Bytes), RestoreError> {
    let path = format!("{FOLDER}/{key}");
    let read = move || -> Result<_, RepositoryError> {
        let mut content = Vec::new();
        snapshot.copy(&path, &mut content)?;
        Ok((snapshot, Bytes::from(content)))
    };
    Ok(spawn_blocking(read).await??)
}

fn failed(key: &str, source: ObjectsError) -> RestoreError {
    RestoreError::Document { key: key.to_owned(), source }
}
