//! Says what became of a backup, and takes away the records of backups that the repository does not hold any more.

use kube::{Api, ResourceExt, api::DeleteParams};

use crate::{
    controllers::{
        context::Context,
        events::{self, Note},
        status_patch,
    },
    crd::{BackupPhase, ChatbotBackup, ChatbotBackupStatus, reasons},
    error::Error,
    notify,
    resources::labels,
};

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
            ctx.notifier.tell(message(ctx, backup, &note));
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

fn message(ctx: &Context, backup: &ChatbotBackup, note: &Note) -> notify::Message {
    notify::Message {
        namespace: backup.namespace().unwrap_or_default(),
        environment: backup.spec.environment_ref.name.clone(),
        tier: String::new(),
        release: String::new(),
        reason: note.reason.clone(),
        warning: note.warning,
        message: format!("backup {}: {}", backup.name_any(), note.message),
        time: ctx.clock.now().to_string(),
    }
}

/// Deletes what the operator recorded of backups that are not among `kept`, and all but the newest failures. What a person created
/// is a person's to delete: a sync would create it anew, which would make another backup.
///
/// # Errors
/// When the API server cannot be reached.
pub async fn forget(ctx: &Context, newest: &ChatbotBackup, kept: &[String]) -> Result<(), Error> {
    let namespace = newest.namespace().unwrap_or_default();
    let all = ctx.stores.backups_of(&namespace, &newest.spec.environment_ref.name);
    let api: Api<ChatbotBackup> = Api::namespaced(ctx.client.clone(), &namespace);
    for name in forgotten(newest, all.iter().map(AsRef::as_ref), kept) {
        let doing = || format!("deleting ChatbotBackup {namespace}/{name}");
        ctx.metrics.wrote("ChatbotBackup", "delete");
        match ctx.term.write(doing, api.delete(&name, &DeleteParams::background())).await {
            Ok(_) => tracing::info!(namespace, name, "the repository does not hold this backup any more"),
            Err(Error::Api { source, .. }) if matches!(&*source, kube::Error::Api(status) if status.code == 404) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Names of records that say nothing any more, once `newest` found that the repository holds `kept`.
#[must_use]
pub fn forgotten<'a>(
    newest: &ChatbotBackup,
    all: impl Iterator<Item = &'a ChatbotBackup>,
    kept: &[String],
) -> Vec<String> {
    let is_own = |backup: &&ChatbotBackup| {
        backup.name_any() != newest.name_any()
            && backup.labels().get(labels::MANAGED_BY).is_some_and(|by| by == labels::OPERATOR)
            && backup.status.as_ref().is_some_and(|status| status.phase.is_over())
    };
    let (good, mut failed): (Vec<_>, Vec<_>) = all.filter(is_own).partition(|backup| is_good(backup));
    let is_held = |backup: &ChatbotBackup| {
        let id = backup.status.as_ref().and_then(|status| status.backup.clone()).unwrap_or_default();
        // Later than this one, it is not in what this one found.
        backup.creation_timestamp() > newest.creation_timestamp()
            || kept.iter().any(|kept| id.starts_with(kept.as_str()))
    };
    failed.sort_by_key(|backup| std::cmp::Reverse(backup.creation_timestamp()));
    let good = good.into_iter().filter(|backup| !is_held(backup));
    good.chain(failed.into_iter().skip(KEPT_FAILURES)).map(ResourceExt::name_any).collect()
}

fn is_good(backup: &ChatbotBackup) -> bool {
    backup.status.as_ref().is_some_and(|status| status.phase == BackupPhase::Succeeded && status.backup.is_some())
}
