//! Documents of a snapshot, back into the environment's store. One that is there with the same size is left alone: a document never
//! changes under its key.

use std::collections::BTreeSet;

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::RestoreError;
use crate::{
    backup::files::FOLDER,
    config::objects::Objects as Config,
    objects::{Objects, ObjectsError},
    repository::{RepositoryError, Snapshot},
};

/// What documents are called here.
#[derive(Debug)]
pub(super) enum Names {
    /// As in the snapshot.
    AsTheyAre,
    /// Another environment's: theirs begin with the first text, ours with the second, and only these of ours are wanted.
    Renamed(String, String, BTreeSet<String>),
}

impl Names {
    /// The key that a document of the snapshot has here; none where it is not wanted.
    fn of(&self, theirs: &str) -> Option<String> {
        match self {
            Self::AsTheyAre => Some(theirs.to_owned()),
            Self::Renamed(from, to, wanted) => {
                let rest = theirs.strip_prefix(from.as_str());
                let ours = rest.map_or_else(|| theirs.to_owned(), |rest| format!("{to}{rest}"));
                wanted.contains(&ours).then_some(ours)
            }
        }
    }
}

/// A document to be put back.
struct Document {
    theirs: String,
    ours: String,
    size: u64,
}

/// Puts back what is missing; answers how many that were.
pub(super) async fn restore(config: &Config, snapshot: Snapshot, names: Names) -> Result<usize, RestoreError> {
    let objects = Objects::for_streams(config).map_err(|source| failed("", source))?;
    let (snapshot, files) = listed(snapshot).await?;
    let called = |(theirs, size): (String, u64)| names.of(&theirs).map(|ours| Document { theirs, ours, size });
    let documents: Vec<Document> = files.into_iter().filter_map(called).collect();
    let there = objects.around(documents.iter().map(|it| it.ours.as_str())).await;
    let there = there.map_err(|source| failed("", source))?;
    let missing = documents.into_iter().filter(|it| there.get(&it.ours).is_none_or(|found| found.size != it.size));
    let (mut snapshot, mut restored) = (snapshot, 0);
    for Document { theirs, ours, .. } in missing {
        let (back, content) = read(snapshot, &theirs).await?;
        snapshot = back;
        objects.put(&ours, content).await.map_err(|source| failed(&ours, source))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_environments_documents_get_names_of_ours_and_only_wanted_ones_come() {
        let wanted = BTreeSet::from(["stage_documents/u/1".to_owned()]);
        let names = Names::Renamed("prod_".to_owned(), "stage_".to_owned(), wanted);
        for (theirs, ours) in
            [("prod_documents/u/1", Some("stage_documents/u/1")), ("prod_documents/u/2", None), ("documents/u/3", None)]
        {
            assert_eq!(names.of(theirs).as_deref(), ours, "{theirs}");
        }
        assert_eq!(Names::AsTheyAre.of("prod_documents/u/1").as_deref(), Some("prod_documents/u/1"));
    }
}
