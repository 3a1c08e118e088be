//! Says what became of a backup, and takes away the records of backups that the repository does not hold any more.

use jiff::{SignedDuration, Timestamp};
use kube::{Api, ResourceExt, api::DeleteParams};

use crate::{
    controllers::{
        context::Context,
        events::{self, Note},
        status_patch,
    },
    crd::{BackupPhase, ChatbotBackup, ChatbotBackupStatus, reasons},
    error::Error,
};

/// Jobs that ended longer ago are not written down any more, so that a record that is deleted does not come back.
pub const RECORDED_FOR: SignedDuration = SignedDuration::from_hours(2);
/// So many records of backups that failed are kept: the newest.
const KEPT_FAILURES: usize = 5;

/// Writes the status where it changed, and tells the end of the backup.
///
/// # Errors
/// When the status cannot be written.
pub async fn report(ctx: &Context, backup: &ChatbotBackup, after: &ChatbotBackupStatus) -> Result<(), Error> {
    if backup.status.as_ref() == Some(after) {
        return Ok(());
    }
    status_patch::write(ctx, backup, backup.status.as_ref(), after).await?;
    if let Some(note) = note(after) {
        if note.warning {
            events::tell(ctx, backup, &backup.spec.environment_ref.name, &note);
        }
        events::publish(ctx, backup, note).await;
    }
    Ok(())
}

fn note(after: &ChatbotBackupStatus) -> Option<Note> {
    let (warning, reason) = match after.phase {
        BackupPhase::Pending | BackupPhase::Running => return None,
        BackupPhase::Succeeded if after.problems.is_empty() => (false, reasons::BACKUP_MADE),
        BackupPhase::Succeeded => (true, reasons::BACKUP_DOUBTFUL),
        BackupPhase::Failed => (true, reasons::BACKUP_FAILED),
    };
    let message = [std::slice::from_ref(&after.message), &after.problems].concat().join("; ");
    Some(Note { warning, reason: reason.to_owned(), action: "Backup", message })
}

/// Deletes what the operator recorded of backups that the repository does not hold any more, as far as `newest` found out what it
/// holds, and all but the newest failures. What a person created is a person's to delete: a sync would create it anew, which would
/// make another backup.
///
/// # Errors
/// When the API server cannot be reached.
pub async fn forget(ctx: &Context, newest: &ChatbotBackup, kept: Option<&[String]>) -> Result<(), Error> {
    let namespace = newest.namespace().unwrap_or_default();
    let all = ctx.stores.backups_of(&namespace, &newest.spec.environment_ref.name);
    let all: Vec<&ChatbotBackup> = all.iter().map(AsRef::as_ref).collect();
    let api: Api<ChatbotBackup> = Api::namespaced(ctx.client.clone(), &namespace);
    for name in forgotten(newest, &all, kept, ctx.clock.now()) {
        let doing = || format!("deleting ChatbotBackup {namespace}/{name}");
        ctx.metrics.wrote("ChatbotBackup", "delete");
        match ctx.term.write(doing, api.delete(&name, &DeleteParams::background())).await {
            Ok(_) => tracing::info!(namespace, name, "the record of a backup that is no more was deleted"),
            Err(Error::Api { source, .. }) if matches!(&*source, kube::Error::Api(status) if status.code == 404) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Names of records that say nothing any more, once `newest` found that the repository holds `kept`. A young one stays: its Job would
/// be written down once more.
fn forgotten(newest: &ChatbotBackup, all: &[&ChatbotBackup], kept: Option<&[String]>, now: Timestamp) -> Vec<String> {
    let taken = |backup: &ChatbotBackup| backup.status.as_ref().and_then(|status| status.taken_at.clone());
    let is_newest = all.iter().all(|other| taken(other) <= taken(newest)) || taken(newest).is_none();
    let is_old = |backup: &ChatbotBackup| {
        let ended = backup.status.as_ref().and_then(|status| status.finished_at.as_ref());
        ended.is_some_and(|ended| now.duration_since(ended.0) > RECORDED_FOR)
    };
    let candidates = all
        .iter()
        .copied()
        .filter(|backup| backup.name_any() != newest.name_any() && super::is_record(backup) && is_old(backup));
    let (good, mut failed): (Vec<&ChatbotBackup>, Vec<&ChatbotBackup>) = candidates.partition(|backup| is_good(backup));
    let is_gone = |backup: &ChatbotBackup| {
        let id = backup.status.as_ref().and_then(|status| status.backup.clone()).unwrap_or_default();
        is_newest && kept.is_some_and(|kept| !kept.iter().any(|kept| id.starts_with(kept.as_str())))
    };
    failed.sort_by_key(|backup| std::cmp::Reverse(backup.creation_timestamp()));
    let good = good.into_iter().filter(|backup| is_gone(backup));
    good.chain(failed.into_iter().skip(KEPT_FAILURES)).map(ResourceExt::name_any).collect()
}

fn is_good(backup: &ChatbotBackup) -> bool {
    backup.status.as_ref().is_some_and(|status| status.phase == BackupPhase::Succeeded && status.backup.is_some())
}
