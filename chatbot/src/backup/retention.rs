//! Removes backups that newer ones have taken the place of.

use super::name;
use crate::objects::{Objects, ObjectsError};

/// How many are kept.
const KEPT: usize = 10;

/// Removes what is older than the newest ones. The new backup counts whatever becomes of this: it is said, and tried again
/// with the next one.
pub(super) async fn prune(objects: &Objects, folder: &str) {
    match remove_outdated(objects, folder).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "older backups were removed"),
        Err(error) => tracing::warn!(%error, "older backups cannot be removed; the next backup tries again"),
    }
}

async fn remove_outdated(objects: &Objects, folder: &str) -> Result<usize, ObjectsError> {
    let outdated = outdated(objects.list(folder).await?, folder);
    for key in &outdated {
        objects.delete(key).await?;
    }
    Ok(outdated.len())
}

/// Of the keys below `folder`, those of backups that are not among the newest. What is called otherwise is not ours.
fn outdated(keys: Vec<String>, folder: &str) -> Vec<String> {
    let is_ours = |key: &String| {
        let file = key.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
        file.is_some_and(name::is_backup)
    };
    let mut backups: Vec<String> = keys.into_iter().filter(is_ours).collect();
    backups.sort_unstable_by(|a, b| b.cmp(a));
    backups.split_off(backups.len().min(KEPT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stay_and_what_is_not_ours_is_left_alone() {
        let backup = |day: usize| format!("dev_backups/202603{day:02}T000000Z-a.pgdump");
        let mut keys: Vec<String> = (1..=KEPT + 2).map(backup).collect();
        keys.reverse();
        keys.push("dev_backups/notes.txt".to_owned());
        keys.push("dev_backups/deeper/20260101T000000Z-a.pgdump".to_owned());
        keys.push("other_backups/20260101T000000Z-a.pgdump".to_owned());
        assert_eq!(outdated(keys, "dev_backups"), [backup(2), backup(1)]);
        assert_eq!(outdated((1..=KEPT).map(backup).collect(), "dev_backups"), Vec::<String>::new());
    }
}
