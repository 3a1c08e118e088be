//! The CronJobs that back an environment up and rehearse its restore.
//!
//! Each is also the recipe for single runs: a backup that a person asks for, and every step of a restore, is a Job made from one
//! of them. So they exist, suspended, where nothing is scheduled.

use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, JobTemplateSpec};
use k8s_openapi::api::core::v1::{ConfigMapKeySelector, Container, EnvVar, EnvVarSource, SecretKeySelector};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::labels::{self, Component, Labels};
use super::release_job::job_spec;
use super::{Slot, metadata::metadata, names, pod};
use crate::controllers::environment::resolve::{Provision, Resolved};
use crate::crd::{BackupKind, Repository, RestoreSource};

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// A backup that stores what changed.
    Incremental,
    /// A backup after which the repository is checked and copied.
    Full,
    /// A rehearsed restore.
    Drill,
}

/// Longest run, in seconds: of the slowest databases that a dump is still the right means for.
const DEADLINE: i64 = 6 * 3600;
/// A run that could not begin within so many seconds of its time, because nobody was there to begin it, is left to the next one.
const LATEST_START: i64 = 3600;
/// Environments of one cluster have the same schedules; each waits up to so many seconds, by chance, before it begins.
const JITTER: &str = "60";
/// So many Jobs are kept of each outcome: what they were is in their ChatbotBackups.
const KEPT_JOBS: i32 = 2;
/// A schedule that the API server accepts, for a CronJob that is suspended.
const NEVER: &str = "0 0 1 1 *";

impl Run {
    /// Every run.
    pub const ALL: [Self; 3] = [Self::Incremental, Self::Full, Self::Drill];

    /// The word in names and in the label [`labels::BACKUP`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incremental => "incremental",
            Self::Full => "full",
            Self::Drill => "drill",
        }
    }

    /// The run that makes a backup of this kind.
    #[must_use]
    pub const fn of(kind: BackupKind) -> Self {
        match kind {
            BackupKind::Incremental | BackupKind::Release => Self::Incremental,
            BackupKind::Full => Self::Full,
        }
    }

    fn args(self) -> Vec<&'static str> {
        match self {
            // An empty database must not become the newest backup of what was in it.
            Self::Incremental => vec!["backup", "--unless-empty", "--jitter", JITTER],
            Self::Full => vec!["backup", "--unless-empty", "--full", "--jitter", JITTER],
            Self::Drill => vec!["restore", "drill"],
        }
    }

    fn schedule(self, resolved: &Resolved) -> Option<&str> {
        let backups = &resolved.backups;
        let schedule = match self {
            Self::Incremental => &backups.incremental,
            Self::Full => &backups.full,
            Self::Drill => &backups.drill,
        };
        schedule.as_deref()
    }
}

/// The CronJobs of an environment, with the image and variables of `slot`. They rest while `is_held`.
#[must_use]
pub fn build(resolved: &Resolved, slot: &Slot, is_held: bool) -> Vec<CronJob> {
    Run::ALL.into_iter().map(|run| cron_job(resolved, slot, run, is_held)).collect()
}

fn cron_job(resolved: &Resolved, slot: &Slot, run: Run, is_held: bool) -> CronJob {
    let identity = &resolved.identity;
    let labels = run_labels(pod::pod_labels(resolved, Component::Backup, slot), run.as_str());
    let schedule = run.schedule(resolved);
    let job = job_spec(labels.clone(), pod::spec(resolved, container(resolved, slot, run)), DEADLINE);
    let template = ObjectMeta { labels: Some(labels), ..ObjectMeta::default() };
    let own = run_labels(labels::of_component(identity, Component::Backup), run.as_str());
    CronJob {
        metadata: metadata(identity, names::backup_cron_job(&identity.name, run), own),
        spec: Some(CronJobSpec {
            schedule: schedule.unwrap_or(NEVER).to_owned(),
            time_zone: Some("Etc/UTC".to_owned()),
            suspend: Some(schedule.is_none() || resolved.backups.suspend || is_held),
            concurrency_policy: Some("Forbid".to_owned()),
            starting_deadline_seconds: Some(LATEST_START),
            successful_jobs_history_limit: Some(KEPT_JOBS),
            failed_jobs_history_limit: Some(KEPT_JOBS),
            job_template: JobTemplateSpec { metadata: Some(template), spec: Some(job) },
        }),
        status: None,
    }
}

/// `labels`, and what a run of backups or restores is told by.
#[must_use]
pub fn run_labels(labels: Labels, run: &str) -> Labels {
    labels::with(labels, labels::BACKUP, run)
}

fn container(resolved: &Resolved, slot: &Slot, run: Run) -> Container {
    let container = pod::container(resolved, slot, Component::Backup.as_str(), &run.args());
    let administrator = resolved.provision.iter().filter(|_| run == Run::Drill).map(administrator);
    Container {
        env: Some(variables(resolved, &slot.release).into_iter().chain(administrator).collect()),
        resources: Some(pod::job_resources()),
        ..container
    }
}

/// A database beside the live one is made with the administrator's access, where the environment names one.
fn administrator(provision: &Provision) -> EnvVar {
    from_secret("ADMIN_DATABASE_URL", &provision.admin_secret, "DATABASE_URL", false)
}

/// What `spec.backups` says, as the chatbot's variables. They are laid over those of the release.
#[must_use]
pub fn variables(resolved: &Resolved, release: &str) -> Vec<EnvVar> {
    let backups = &resolved.backups;
    let keep = [("BACKUP_KEEP_HOURLY", backups.keep_hourly), ("BACKUP_KEEP_DAILY", backups.keep_daily)];
    let keep = keep.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| pod::variable(name, count));
    let first = backups.repository.iter().flat_map(|place| {
        let own = place.secret_ref.as_ref().map(|secret| credentials("BACKUP", &secret.name));
        own.into_iter().flatten().chain(location("BACKUP", place, resolved))
    });
    let second = backups.offsite.iter().flat_map(|place| {
        let environment = || names::release_secret(&resolved.identity.name, release);
        let secret = place.secret_ref.as_ref().map_or_else(environment, |secret| secret.name.clone());
        credentials("OFFSITE", &secret).into_iter().chain(location("OFFSITE", place, resolved))
    });
    keep.chain(first).chain(second).collect()
}

fn location(which: &str, place: &Repository, resolved: &Resolved) -> [EnvVar; 2] {
    let identity = &resolved.identity;
    let folder = place.prefix.clone().unwrap_or_else(|| format!("{}/{}", identity.namespace, identity.name));
    bucket_and_folder(which, &place.bucket, &folder)
}

fn plain(name: &str, value: &str) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value.to_owned()), value_from: None }
}

fn bucket_and_folder(which: &str, bucket: &str, folder: &str) -> [EnvVar; 2] {
    [("BUCKET", bucket), ("FOLDER", folder)].map(|(name, value)| plain(&format!("{which}_{name}"), value))
}

/// What a restore is told of another environment, and by what its data is made fit to be shown here.
#[must_use]
pub fn source_variables(source: &RestoreSource) -> Vec<EnvVar> {
    let RestoreSource { resource_prefix, repository, scrub } = source;
    let secret = repository.secret_ref.as_ref().map(|secret| secret.name.as_str()).unwrap_or_default();
    let folder = repository.prefix.as_deref().unwrap_or_default();
    let script = ConfigMapKeySelector { name: scrub.config_map.clone(), key: scrub.key.clone(), optional: Some(false) };
    let script = EnvVarSource { config_map_key_ref: Some(script), ..EnvVarSource::default() };
    let script = EnvVar { name: "SCRUB_SQL".to_owned(), value: None, value_from: Some(script) };
    let own = [plain("SOURCE_PREFIX", resource_prefix), script];
    let location = bucket_and_folder("SOURCE", &repository.bucket, folder);
    own.into_iter().chain(location).chain(credentials("SOURCE", secret)).collect()
}

/// Endpoint and access key of a bucket, under the names that the environment's own Secret has for its own.
fn credentials(which: &str, secret: &str) -> [EnvVar; 6] {
    [
        ("URL", "MINIO_URL", false),
        ("ACCESS_KEY", "MINIO_ROOT_USER", false),
        ("SECRET_KEY", "MINIO_ROOT_PASSWORD", false),
        ("REGION", "OBJECTS_REGION", true),
        ("KEY", "BACKUP_KEY", true),
        ("KEY_PREVIOUS", "BACKUP_KEY_PREVIOUS", true),
    ]
    .map(|(name, key, is_optional)| from_secret(&format!("{which}_{name}"), secret, key, is_optional))
}

fn from_secret(name: &str, secret: &str, key: &str, is_optional: bool) -> EnvVar {
    let key = SecretKeySelector { name: secret.to_owned(), key: key.to_owned(), optional: Some(is_optional) };
    let source = EnvVarSource { secret_key_ref: Some(key), ..EnvVarSource::default() };
    EnvVar { name: name.to_owned(), value: None, value_from: Some(source) }
}
