//! `kubectl chatbot backups` and `backup`: which restore points there are, and another one now.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use kube::{
    Api, ResourceExt,
    api::{ListParams, ObjectMeta, PostParams},
};
use tokio::time::{Instant, sleep};

use super::{
    PluginError,
    output::{Output, Palette},
    status::length,
    target::{Target, within},
};
use crate::{
    clock::Clock,
    crd::{
        self, BackupKind, BackupPhase, ChatbotBackup, ChatbotBackupSpec, ChatbotBackupStatus, ChatbotEnvironment,
        LocalRef, conditions,
    },
};

/// Pause between two looks at a backup that is being made.
const LOOK: Duration = Duration::from_secs(1);

/// Options of `backups`.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// The environment; may be left out where the namespace has only one
    name: Option<String>,
}

/// Options of `backup`.
#[derive(Debug, Args)]
pub struct MakeArguments {
    /// The environment; may be left out where the namespace has only one
    name: Option<String>,
    /// Store what changed, and neither check the repository nor copy it
    #[arg(long)]
    incremental: bool,
    /// Wait until it is made, at most so long (2h unless given)
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "2h")]
    wait: Option<crd::Duration>,
}

pub(super) async fn list(target: &Target, output: &Output, arguments: ListArguments) -> Result<(), PluginError> {
    let environment = target.environment(arguments.name.as_deref()).await?;
    let backups = of(target, &environment.name_any()).await?;
    output.text(&screen(&environment, &backups, Clock::system().now(), output.palette()))?;
    Ok(())
}

/// The backups of an environment, the newest first.
///
/// # Errors
/// When they cannot be listed.
pub(super) async fn of(target: &Target, environment: &str) -> Result<Vec<ChatbotBackup>, PluginError> {
    let api: Api<ChatbotBackup> = target.api();
    let doing = format!("list ChatbotBackups in namespace {}", target.namespace);
    let mut found = within(&doing, api.list(&ListParams::default())).await?.items;
    found.retain(|backup| backup.spec.environment_ref.name == environment);
    found.sort_by_key(|backup| std::cmp::Reverse(backup.creation_timestamp()));
    Ok(found)
}

pub(super) async fn make(target: &Target, output: &Output, arguments: MakeArguments) -> Result<(), PluginError> {
    let environment = target.environment(arguments.name.as_deref()).await?.name_any();
    let kind = if arguments.incremental { BackupKind::Incremental } else { BackupKind::Full };
    let name = format!("{environment}-{}", Clock::system().now().strftime("%Y%m%d-%H%M%S"));
    let api: Api<ChatbotBackup> = target.api();
    let backup = ChatbotBackup {
        metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
        spec: ChatbotBackupSpec { environment_ref: LocalRef { name: environment.clone() }, kind },
        status: None,
    };
    within(&format!("create ChatbotBackup {name}"), api.create(&PostParams::default(), &backup)).await?;
    match arguments.wait {
        None => {
            let next = format!("see kubectl chatbot backups {environment} -n {}", target.namespace);
            output.line(&format!("backup {name} is being made; {next}"))?;
            Ok(())
        }
        Some(patience) => follow(&api, output, &name, patience.to_std()).await,
    }
}

/// Shows how a backup goes on until it is over.
async fn follow(api: &Api<ChatbotBackup>, output: &Output, name: &str, patience: Duration) -> Result<(), PluginError> {
    let (deadline, mut told) = (Instant::now() + patience, String::new());
    loop {
        let backup = within(&format!("read ChatbotBackup {name}"), api.get(name)).await?;
        let status = backup.status.unwrap_or_default();
        let line = format!("{:<9}  {}", status.phase.as_str(), status.message).trim_end().to_owned();
        if line != told {
            output.line(&line)?;
            told = line;
        }
        match status.phase {
            BackupPhase::Succeeded if status.problems.is_empty() => return Ok(()),
            BackupPhase::Succeeded => return Err(PluginError::Backup(status.problems.join("; "))),
            BackupPhase::Failed => return Err(PluginError::Backup(status.message)),
            BackupPhase::Pending | BackupPhase::Running if Instant::now() > deadline => {
                return Err(PluginError::Backup(format!(
                    "the backup is not over yet; see kubectl get chatbotbackup {name}"
                )));
            }
            BackupPhase::Pending | BackupPhase::Running => sleep(LOOK).await,
        }
    }
}

fn screen(environment: &ChatbotEnvironment, backups: &[ChatbotBackup], now: Timestamp, palette: Palette) -> String {
    let mut text = health(environment, palette);
    if backups.is_empty() {
        let (name, namespace) = (environment.name_any(), environment.namespace().unwrap_or_default());
        return format!(
            "{text}no backup is known yet; make one: kubectl chatbot backup {name} -n {namespace} --wait\n"
        );
    }
    let heading = format!(
        "{:<8}  {:<11}  {:<9}  {:>10}  {:>10}  {:<8}  {:<8}  NAME\n",
        "AGE", "KIND", "PHASE", "SIZE", "NEW", "OFF-SITE", "BACKUP"
    );
    text.push_str(&palette.faint(&heading));
    for backup in backups {
        text.push_str(&line(backup, now, palette));
    }
    text
}

/// What the operator makes of them all.
fn health(environment: &ChatbotEnvironment, palette: Palette) -> String {
    let shown = environment.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default();
    let lines = [conditions::BACKUPS_HEALTHY, conditions::RECOVERABLE].map(|type_| {
        let Some(condition) = conditions::find(&shown, type_) else { return String::new() };
        let word = match condition.status.as_str() {
            "True" => palette.good("yes"),
            "False" => palette.bad("no "),
            _ => palette.mind("?  "),
        };
        format!("{type_:<15}  {word}  {}\n", condition.message)
    });
    lines.concat()
}

fn line(backup: &ChatbotBackup, now: Timestamp, palette: Palette) -> String {
    let status = backup.status.clone().unwrap_or_default();
    let phase = format!("{:<9}", status.phase.as_str());
    let phase = match status.phase {
        BackupPhase::Succeeded if status.problems.is_empty() => palette.good(&phase),
        BackupPhase::Succeeded | BackupPhase::Pending | BackupPhase::Running => palette.mind(&phase),
        BackupPhase::Failed => palette.bad(&phase),
    };
    let taken = status.taken_at.clone().or_else(|| backup.creation_timestamp());
    let age = taken.map_or_else(String::new, |taken| length(taken.0, now));
    let offsite = status.offsite.map_or("-", |is_there| if is_there { "yes" } else { "no" });
    let id = status.backup.as_deref().map_or("-", short);
    let (kind, all, new) = (backup.spec.kind.as_str(), size(status.bytes), size(status.new_bytes));
    let line =
        format!("{age:<8}  {kind:<11}  {phase}  {all:>10}  {new:>10}  {offsite:<8}  {id:<8}  {}\n", backup.name_any());
    line + &why(&status)
}

fn why(status: &ChatbotBackupStatus) -> String {
    let indented = |message: &str| format!("{:10}{message}\n", "");
    match status.phase {
        BackupPhase::Failed | BackupPhase::Pending => indented(&status.message),
        BackupPhase::Succeeded | BackupPhase::Running => status.problems.iter().map(|it| indented(it)).collect(),
    }
}

/// As much of a backup's name as people use.
pub(super) fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// Bytes as people read them.
pub(super) fn size(bytes: Option<i64>) -> String {
    const UNITS: [(&str, i64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let Some(bytes) = bytes else { return "-".to_owned() };
    let Some((unit, one)) = UNITS.iter().find(|(_, one)| bytes >= *one) else { return format!("{bytes} B") };
    format!("{}.{} {unit}", bytes / one, bytes % one * 10 / one)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn backup(name: &str, kind: &str, status: &Value) -> ChatbotBackup {
        serde_json::from_value(json!({
            "apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotBackup", "metadata": {"name": name, "creationTimestamp": "2026-03-04T02:00:00Z"},
            "spec": {"environmentRef": {"name": "prod"}, "kind": kind}, "status": status,
        }))
        .unwrap()
    }

    fn prod() -> ChatbotEnvironment {
        let condition = |type_: &str, status: &str, message: &str| json!({"type": type_, "status": status, "reason": "R", "message": message, "lastTransitionTime": "2026-03-04T02:00:00Z"});
        serde_json::from_value(json!({
            "apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotEnvironment", "metadata": {"name": "prod", "namespace": "chat"},
            "spec": {"tier": "prod", "image": "chatbot:2", "secretRef": {"name": "chatbot"}},
            "status": {"conditions": [
                condition("BackupsHealthy", "True", "the newest good backup is of 2026-03-04T02:30:00Z"),
                condition("Recoverable", "Unknown", "no restore has been rehearsed yet")]},
        }))
        .unwrap()
    }

    #[test]
    fn the_screen_shows_each_backup_and_why_one_is_none() {
        let good = json!({"phase": "Succeeded", "takenAt": "2026-03-04T02:30:00Z", "backup": "5f0c61d2aaaa", "bytes": 642_018_304,
            "newBytes": 1_992_294, "offsite": true});
        let doubtful = json!({"phase": "Succeeded", "takenAt": "2026-03-04T02:00:00Z", "backup": "9a3e07bbaaaa", "bytes": 1023,
            "newBytes": 0, "offsite": false, "problems": ["the second repository lacks this backup: it does not answer"]});
        let failed = json!({"phase": "Failed", "message": "no backup was made: the bucket is full"});
        let backups = [
            backup("prod-backup-incremental-1", "Incremental", &good),
            backup("prod-backup-full-1", "Full", &doubtful),
            backup("before-holiday", "Full", &failed),
            backup("now", "Full", &json!({"phase": "Running", "message": "it is being made"})),
        ];
        let now = "2026-03-04T03:00:00Z".parse().unwrap();
        insta::assert_snapshot!(screen(&prod(), &backups, now, Palette::default()));
        assert!(
            screen(&prod(), &[], now, Palette::default()).ends_with("kubectl chatbot backup prod -n chat --wait\n")
        );
    }

    #[test]
    fn sizes_are_in_the_largest_unit_that_leaves_a_whole_one() {
        let cases = [
            (None, "-"),
            (Some(0), "0 B"),
            (Some(1023), "1023 B"),
            (Some(1536), "1.5 KiB"),
            (Some(3 << 40), "3.0 TiB"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(size(bytes), expected);
        }
    }
}
