//! What is to be done about a backup, and what its status says. Pure.

use jiff::Timestamp;
use k8s_openapi::{api::batch::v1::Job, apimachinery::pkg::apis::meta::v1::Time};
use kube::ResourceExt;
use serde::Deserialize;

use crate::{
    crd::{
        BackupKind, BackupPhase, ChatbotBackup, ChatbotBackupStatus,
        conditions::{self, Decision},
        reasons,
    },
    release,
};

/// What was read for one backup.
#[derive(Debug, Default)]
pub struct Observed {
    /// Whether its environment exists.
    pub has_environment: bool,
    /// Whether the environment has a recipe for its Job.
    pub has_recipe: bool,
    /// Its Job.
    pub job: Option<Job>,
    /// What that tells.
    pub fact: Option<release::Job>,
    /// What the chatbot said when it was done.
    pub words: Option<Words>,
}

/// The last words of `chatbot backup`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Words {
    /// Newest migration.
    #[serde(default)]
    pub schema: String,
    /// Whether there is nowhere to put a backup.
    #[serde(default)]
    pub skipped: bool,
    /// Whether the database is empty, and backups of it are there.
    #[serde(default)]
    pub question: bool,
    /// One sentence.
    #[serde(default)]
    pub message: String,
    /// The backup, by versions of the chatbot that tell.
    #[serde(default)]
    pub backup: Option<Made>,
}

/// What was made.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// Name in the repository.
    pub id: String,
    /// When what it holds was so.
    pub taken_at: Timestamp,
    /// Bytes of what it holds.
    pub bytes: i64,
    /// Bytes that were new.
    pub new_bytes: i64,
    /// Rows in all tables.
    pub rows: i64,
    /// The backups that the repository holds now, by the first digits of their names.
    #[serde(default)]
    pub kept: Vec<String>,
    /// Whether the second repository has it.
    #[serde(default)]
    pub offsite: Option<bool>,
    /// Which part of the content was read.
    #[serde(default)]
    pub checked: Option<String>,
    /// What is wrong although it is good.
    #[serde(default)]
    pub problems: Vec<String>,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub struct Plan {
    /// Whether its Job is to be made.
    pub makes_job: bool,
    /// What to say.
    pub status: ChatbotBackupStatus,
    /// The backups that the repository holds since, where that became known.
    pub kept: Option<Vec<String>>,
}

/// The next step of a backup that is not over.
#[must_use]
pub fn plan(backup: &ChatbotBackup, observed: &Observed, now: Timestamp) -> Plan {
    let before = backup.status.clone().unwrap_or_default();
    let mut status = ChatbotBackupStatus { observed_generation: backup.metadata.generation, ..before };
    let mut kept = None;
    let started = observed.job.as_ref().and_then(ResourceExt::creation_timestamp);
    status.started_at = started.or(status.started_at);
    // What a schedule or a release made is only written down here.
    let is_own = !super::is_record(backup) && backup.spec.kind != BackupKind::Release;
    let makes_job = is_own && observed.job.is_none() && status.phase == BackupPhase::Pending && observed.has_recipe;
    match &observed.fact {
        None if !observed.has_environment => {
            let name = &backup.spec.environment_ref.name;
            wait(&mut status, format!("there is no ChatbotEnvironment {name} in this namespace"));
        }
        None if makes_job => wait(&mut status, "its Job is being made".to_owned()),
        None if status.phase == BackupPhase::Running => {
            fail(&mut status, now, "its Job was deleted before it ended: create another ChatbotBackup".to_owned());
        }
        None if !is_own && observed.has_environment => {
            let message = "its Job is gone: nobody knows what became of it";
            fail(&mut status, now, message.to_owned());
        }
        None => wait(&mut status, "no release of the environment serves yet, so nothing can back it up".to_owned()),
        Some(release::Job::Absent | release::Job::Running { .. }) => {
            status.phase = BackupPhase::Running;
            status.message = running(observed.fact.as_ref());
        }
        Some(release::Job::Failed { message, .. }) => fail(&mut status, now, message.clone()),
        Some(release::Job::Succeeded(_)) => {
            kept = succeed(&mut status, now, observed.words.clone().unwrap_or_default());
        }
    }
    decide(backup, &mut status, now);
    Plan { makes_job, status, kept }
}

/// The same where the Job could not be made.
#[must_use]
pub fn with_refusal(mut status: ChatbotBackupStatus, refused: Option<String>) -> ChatbotBackupStatus {
    if let Some(why) = refused {
        status.message = format!("its Job cannot be made: {why}");
        if let Some(ready) = status.conditions.iter_mut().find(|it| it.type_ == conditions::READY) {
            ready.message.clone_from(&status.message);
        }
    }
    status
}

/// What an attempt that failed said last is worth more than that there is another one.
fn running(fact: Option<&release::Job>) -> String {
    match fact {
        Some(release::Job::Running { message }) if !message.is_empty() => {
            format!("an attempt failed, and another one is made: {message}")
        }
        _ => "it is being made".to_owned(),
    }
}

fn wait(status: &mut ChatbotBackupStatus, message: String) {
    status.phase = BackupPhase::Pending;
    status.message = message;
}

fn fail(status: &mut ChatbotBackupStatus, now: Timestamp, message: String) {
    status.phase = BackupPhase::Failed;
    status.finished_at = Some(Time(now));
    status.message = message;
}

/// A node that went away with its pod took them along.
const UNKNOWN: &str = "it was made; its last words are lost, so nobody knows what it holds";

fn succeed(status: &mut ChatbotBackupStatus, now: Timestamp, words: Words) -> Option<Vec<String>> {
    if words.skipped || words.question {
        fail(status, now, words.message);
        return None;
    }
    status.phase = BackupPhase::Succeeded;
    status.finished_at = Some(Time(now));
    status.message = if words.message.is_empty() { UNKNOWN.to_owned() } else { words.message };
    status.schema = Some(words.schema).filter(|schema| !schema.is_empty());
    let made = words.backup?;
    status.backup = Some(made.id);
    status.taken_at = Some(Time(made.taken_at));
    status.bytes = Some(made.bytes);
    status.new_bytes = Some(made.new_bytes);
    status.rows = Some(made.rows);
    status.offsite = made.offsite;
    status.checked = made.checked;
    status.problems = made.problems;
    Some(made.kept).filter(|kept| !kept.is_empty())
}

fn decide(backup: &ChatbotBackup, status: &mut ChatbotBackupStatus, now: Timestamp) {
    let (ready, reason, also) = match status.phase {
        BackupPhase::Pending | BackupPhase::Running => {
            (false, reasons::BACKUP_IN_PROGRESS, Some(conditions::RECONCILING))
        }
        BackupPhase::Succeeded => (true, reasons::BACKUP_MADE, None),
        BackupPhase::Failed => (false, reasons::BACKUP_FAILED, Some(conditions::STALLED)),
    };
    conditions::tell(
        &mut status.conditions,
        Decision { type_: conditions::READY, status: Some(ready), reason, message: status.message.clone() },
        also,
        (backup.metadata.generation, now),
    );
}
