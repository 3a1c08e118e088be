//! Documents of a snapshot, back into the environment's store. One that is there with the same size is left alone: a document never
//! changes under its key.

use bytes::Bytes;
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
    let there = objects.around(files.iter().map(|(key, _)| key.as_str())).await.map_err(|source| failed("", source))?;
    let missing = files.into_iter().filter(|(key, size)| there.get(key).is_none_or(|found| found.size != *size));
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
    let key = if key.is_empty() { String::new() } else { format!(" from {key} on") };
    RestoreError::Document { key, source }
}
