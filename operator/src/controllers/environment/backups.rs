//! What backups come to: which Jobs are recorded as one, and what is said of them. Pure.

use std::str::FromStr;

use croner::Cron;
use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};
use k8s_openapi::{
    api::{batch::v1::Job, core::v1::Pod},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::{ResourceExt, core::ObjectMeta};
use serde::Deserialize;

use super::{
    jobs,
    observe::Observed,
    resolve::{Backups, Resolved},
};
use crate::{
    controllers::backup::report::RECORDED_FOR,
    crd::{
        BackupKind, BackupPhase, ChatbotBackup, ChatbotBackupSpec, ChatbotBackupStatus, LocalRef,
        conditions::{self, Decision},
        environment_status::{BackupsStatus, DrillStatus},
        reasons,
    },
    metrics, release,
    resources::{
        backup_cron_job::{Run, run_labels},
        labels::{self, Component},
        names,
        release_job::Task,
    },
};

/// Records of the Jobs that back the environment up and have none yet: those of its schedules, and those that releases begin with.
#[must_use]
pub fn records(resolved: &Resolved, observed: &Observed) -> Vec<ChatbotBackup> {
    let is_young = |job: &&Job| {
        let conditions = job.status.iter().filter_map(|status| status.conditions.as_ref()).flatten();
        let mut ends = conditions.filter(|it| it.status == "True").filter_map(|it| it.last_transition_time.as_ref());
        ends.all(|ended| observed.at.duration_since(ended.0) < RECORDED_FOR)
    };
    let scheduled = observed.runs.iter().filter(is_young).filter_map(|job| Some((job.name_any(), kind(job)?)));
    let prefix = names::release_job(&resolved.identity.name, Task::Backup, "");
    let of_releases = observed.jobs.iter().filter(|(name, job)| name.starts_with(&prefix) && is_young(job));
    let of_releases = of_releases.map(|(name, _)| (name.clone(), BackupKind::Release));
    let is_known = |name: &str| observed.backups.iter().any(|backup| backup.metadata.name.as_deref() == Some(name));
    let missing = scheduled.chain(of_releases).filter(|(name, _)| !is_known(name));
    missing.map(|(name, kind)| record(resolved, name, kind)).collect()
}

/// A drill is no backup.
fn kind(job: &Job) -> Option<BackupKind> {
    match job.labels().get(labels::BACKUP)?.as_str() {
        run if run == Run::Incremental.as_str() => Some(BackupKind::Incremental),
        run if run == Run::Full.as_str() => Some(BackupKind::Full),
        _ => None,
    }
}

fn record(resolved: &Resolved, name: String, kind: BackupKind) -> ChatbotBackup {
    let identity = &resolved.identity;
    let run = kind.as_str().to_lowercase();
    ChatbotBackup {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(identity.namespace.clone()),
            labels: Some(run_labels(labels::of_component(identity, Component::Backup), &run)),
            owner_references: Some(vec![identity.owner_reference()]),
            ..ObjectMeta::default()
        },
        spec: ChatbotBackupSpec { environment_ref: LocalRef { name: identity.name.clone() }, kind },
        status: None,
    }
}

/// What is said of an environment's backups and drills.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// For status.
    pub status: BackupsStatus,
    /// Whether backups are as they should be, and whether one would come back.
    pub decisions: Vec<Decision>,
    /// For metrics.
    pub numbers: metrics::Backups,
}

/// So much the clocks of database and cluster may differ.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// What is said, made from what was said before: a Job that is gone leaves what it told.
#[must_use]
pub fn said(backups: &Backups, observed: &Observed, before: &BackupsStatus) -> Said {
    let mut status = status(observed, before);
    status.next = next(backups, observed.at).map(Time);
    let drill = last_drill(observed);
    if let Some(Drill::Passed(passed)) = &drill {
        status.last_drill = Some(passed.clone());
    }
    let decisions = vec![healthy(backups, observed, &status), recoverable(backups, drill.as_ref(), &status)];
    let numbers = numbers(backups, observed, &status, &decisions);
    Said { status, decisions, numbers }
}

fn numbers(backups: &Backups, observed: &Observed, status: &BackupsStatus, decisions: &[Decision]) -> metrics::Backups {
    let at = |time: &Option<Time>| time.as_ref().map(|time| time.0.as_second());
    let seconds = |duration: crate::crd::Duration| i64::try_from(duration.to_std().as_secs()).ok();
    let newest =
        || observed.backups.iter().filter_map(|backup| good(backup)).max_by_key(|(_, made)| made.taken_at.clone());
    let made = newest().map(|(_, made)| made.clone()).unwrap_or_default();
    let sound = observed.backups.iter().filter_map(|backup| good(backup));
    let sound = sound.filter(|(_, made)| made.checked.is_some() && made.problems.is_empty());
    let drill = status.last_drill.as_ref();
    let recoverable = decisions.iter().find(|decision| decision.type_ == conditions::RECOVERABLE);
    metrics::Backups {
        last_success: at(&status.last),
        verified: sound.filter_map(|(_, made)| at(&made.taken_at)).max(),
        offsite: at(&status.last_offsite),
        bytes: made.bytes,
        new_bytes: made.new_bytes,
        duration: at(&made.finished_at).zip(at(&made.started_at)).map(|(end, start)| end - start),
        rpo: backups.are_scheduled().then(|| seconds(backups.rpo)).flatten(),
        drilled: drill.map(|drill| drill.at.0.as_second()),
        drill_duration: drill.map(|drill| drill.restore_seconds),
        drill_rows: drill.map(|drill| drill.rows),
        rto: backups.drill.is_some().then(|| seconds(backups.rto)).flatten(),
        recoverable: recoverable.and_then(|decision| decision.status).map(i64::from),
    }
}

fn status(observed: &Observed, before: &BackupsStatus) -> BackupsStatus {
    let good = || observed.backups.iter().filter_map(|backup| good(backup));
    // A server whose clock was wrong for a moment must not keep an alarm silent for a year.
    let past = |time: &Time| time.0 <= observed.at + CLOCKS_DIFFER;
    let newest = |times: &mut dyn Iterator<Item = Time>| times.max();
    let taken = |backup: (&ChatbotBackup, &ChatbotBackupStatus)| backup.1.taken_at.clone();
    let full = || good().filter(|(backup, _)| backup.spec.kind == BackupKind::Full);
    BackupsStatus {
        last: newest(&mut good().filter_map(taken).filter(past)).max(before.last.clone().filter(past)),
        last_full: newest(&mut full().filter_map(taken).filter(past)).max(before.last_full.clone().filter(past)),
        last_offsite: newest(&mut good().filter(|(_, status)| status.offsite == Some(true)).filter_map(taken))
            .max(before.last_offsite.clone())
            .filter(past),
        last_drill: before.last_drill.clone(),
        next: None,
        count: i64::try_from(good().count()).ok(),
        bytes: Some(good().filter_map(|(_, status)| status.new_bytes).sum()),
    }
}

/// When the next scheduled one is due.
fn next(backups: &Backups, now: Timestamp) -> Option<Timestamp> {
    let now = now.to_zoned(TimeZone::UTC);
    let schedules = [&backups.incremental, &backups.full].into_iter().flatten().filter(|_| !backups.suspend);
    let due = |schedule: &String| Cron::from_str(schedule).ok()?.find_next_occurrence(&now, false).ok();
    schedules.filter_map(due).min().map(|time: Zoned| time.timestamp())
}

/// One that was made, and is still in the repository as far as is known.
fn good(backup: &ChatbotBackup) -> Option<(&ChatbotBackup, &ChatbotBackupStatus)> {
    let status = backup.status.as_ref().filter(|status| status.phase == BackupPhase::Succeeded)?;
    status.taken_at.as_ref().map(|_| (backup, status))
}

/// What the newest rehearsal that is over came to.
enum Drill {
    Passed(DrillStatus),
    Failed { message: String },
}

/// The last words of `chatbot restore drill`.
#[derive(Deserialize)]
struct Words {
    drill: Numbers,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    restore_seconds: f64,
    rows: i64,
}

fn last_drill(observed: &Observed) -> Option<Drill> {
    let is_drill = |job: &&Job| job.labels().get(labels::BACKUP).is_some_and(|run| run == Run::Drill.as_str());
    let is_over = |job: &&Job| jobs::succeeded(job) || jobs::failed(job);
    let newest = observed.runs.iter().filter(is_drill).filter(is_over).max_by_key(|job| job.creation_timestamp())?;
    match jobs::fact_of(newest, &observed.pods) {
        release::Job::Failed { message, .. } => Some(Drill::Failed { message }),
        release::Job::Succeeded(_) => passed(newest, &observed.pods).map(Drill::Passed),
        release::Job::Absent | release::Job::Running { .. } => None,
    }
}

fn passed(job: &Job, pods: &[std::sync::Arc<Pod>]) -> Option<DrillStatus> {
    let Words { drill } = jobs::said(&job.name_any(), pods)?;
    let at = job.status.as_ref()?.completion_time.clone()?;
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a restore")]
    let restore_seconds = drill.restore_seconds.ceil() as i64;
    Some(DrillStatus { at, restore_seconds, rows: drill.rows })
}

/// By the age of the newest good one, and by what the last one found: never by counting failures.
fn healthy(backups: &Backups, observed: &Observed, status: &BackupsStatus) -> Decision {
    let decision = |status, reason, message| Decision { type_: conditions::BACKUPS_HEALTHY, status, reason, message };
    if !backups.are_scheduled() {
        let message = "no backup is scheduled; a release begins with one where the database has a place to go";
        return decision(None, reasons::BACKUPS_OFF, message.to_owned());
    }
    let last_words = last_failure(observed);
    let because = last_words.as_ref().map_or_else(String::new, |words| format!("; the last attempt failed: {words}"));
    match &status.last {
        Some(last) if is_older(last, backups.rpo.to_std(), observed.at) => {
            let message =
                format!("the newest good backup is of {}, and backups.rpo is {}{because}", last.0, backups.rpo);
            decision(Some(false), reasons::BACKUP_TOO_OLD, message)
        }
        None => match last_words {
            Some(words) => decision(Some(false), reasons::BACKUP_FAILED, format!("there is no backup yet: {words}")),
            None => decision(None, reasons::NO_BACKUP_YET, "there is no backup yet".to_owned()),
        },
        Some(last) => match problems(observed) {
            problems if problems.is_empty() => decision(
                Some(true),
                reasons::BACKUP_RECENT,
                format!("the newest good backup is of {}{because}", last.0),
            ),
            problems => decision(Some(false), reasons::BACKUP_DOUBTFUL, problems.join("; ")),
        },
    }
}

fn is_older(time: &Time, age: std::time::Duration, now: Timestamp) -> bool {
    SignedDuration::try_from(age).is_ok_and(|age| now.duration_since(time.0) > age)
}

/// Why the newest one failed, if it did.
fn last_failure(observed: &Observed) -> Option<String> {
    let over = observed.backups.iter().filter_map(|backup| Some((backup, backup.status.as_ref()?)));
    let over = over.filter(|(_, status)| status.phase.is_over());
    let (_, newest) = over.max_by_key(|(backup, _)| backup.creation_timestamp())?;
    (newest.phase == BackupPhase::Failed).then(|| newest.message.clone())
}

/// What the newest full one found beside itself.
fn problems(observed: &Observed) -> Vec<String> {
    let full = observed.backups.iter().filter_map(|backup| good(backup));
    let full = full.filter(|(backup, _)| backup.spec.kind == BackupKind::Full);
    full.max_by_key(|(backup, _)| backup.creation_timestamp())
        .map(|(_, status)| status.problems.clone())
        .unwrap_or_default()
}

fn recoverable(backups: &Backups, drill: Option<&Drill>, status: &BackupsStatus) -> Decision {
    let decision = |status, reason, message| Decision { type_: conditions::RECOVERABLE, status, reason, message };
    if let Some(Drill::Failed { message }) = drill {
        return decision(Some(false), reasons::DRILL_FAILED, format!("the last rehearsed restore failed: {message}"));
    }
    let Some(DrillStatus { at, restore_seconds, rows }) = &status.last_drill else {
        return decision(None, reasons::NEVER_DRILLED, "no restore has been rehearsed yet".to_owned());
    };
    let said = format!("a restore was rehearsed at {}: {rows} rows in {restore_seconds} s", at.0);
    let limit = i64::try_from(backups.rto.to_std().as_secs()).unwrap_or(i64::MAX);
    if *restore_seconds > limit {
        return decision(Some(false), reasons::DRILL_FAILED, format!("{said}, and backups.rto is {}", backups.rto));
    }
    decision(Some(true), reasons::DRILL_PASSED, said)
}
