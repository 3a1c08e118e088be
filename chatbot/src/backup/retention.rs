//! Removes backups that newer ones have taken the place of.

use super::name;
use crate::objects::{Objects, ObjectsError};

/// How many are kept.
const KEPT: usize = 10;

/// Removes what is older than the newest ones, but never `made`, which was just read back. That one counts whatever becomes of
/// this: it is said, and tried again with the next one.
pub(super) async fn prune(objects: &Objects, folder: &str, made: &str) {
    match remove_outdated(objects, folder, made).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "older backups were removed"),
        Err(error) => tracing::warn!(%error, "older backups cannot be removed; the next backup tries again"),
    }
}

async fn remove_outdated(objects: &Objects, folder: &str, made: &str) -> Result<usize, ObjectsError> {
    let outdated = outdated(objects.list(folder).await?, folder, made);
    for key in &outdated {
        objects.delete(key).await?;
    }
    Ok(outdated.len())
}

/// Of the keys below `folder`, those of backups that are not among the newest by their names. Those are as right as the clocks
/// of the machines that made them: one that ran ahead must not cost the backup of now. What is called otherwise is not ours.
fn outdated(keys: Vec<String>, folder: &str, made: &str) -> Vec<String> {
    let is_ours = |key: &String| {
        let file = key.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
        file.is_some_and(name::is_backup)
    };
    let mut backups: Vec<String> = keys.into_iter().filter(is_ours).collect();
    backups.sort_unstable_by(|a, b| b.cmp(a));
    let mut outdated = backups.split_off(backups.len().min(KEPT));
    outdated.retain(|key| key != made);
    outdated
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
        assert_eq!(outdated(keys.clone(), "dev_backups", &backup(KEPT + 2)), [backup(2), backup(1)]);
        assert_eq!(outdated(keys, "dev_backups", &backup(1)), [backup(2)], "the one of now, whatever its name says");
        let few = (1..=KEPT).map(backup).collect();
        assert_eq!(outdated(few, "dev_backups", &backup(KEPT)), Vec::<String>::new());
    }
}
