//! The name of every object that an environment owns.
//!
//! A name never exceeds 63 characters: an environment's own name has at most 40, a release id has 10, and the longest text
//! between them is `-downgrade-`.

use sha2::{Digest, Sha256};

use crate::crd::Colour;
use crate::resources::backup_cron_job::Run;
use crate::resources::labels::Component;
use crate::resources::release_job::Task;

/// Deployment of one component in one colour, and its disruption budget: `<env>-app-blue`.
#[must_use]
pub fn deployment(environment: &str, component: Component, colour: Colour) -> String {
    format!("{environment}-{component}-{}", colour.as_str())
}

/// Object that belongs to one component, whatever its colour: `<env>-app`.
#[must_use]
pub fn component(environment: &str, component: Component) -> String {
    format!("{environment}-{component}")
}

/// Service, route and service account of the environment: the environment's own name.
#[must_use]
pub fn environment(environment: &str) -> String {
    environment.to_owned()
}

/// Service that points at the candidate of a release: `<env>-preview`.
#[must_use]
pub fn preview(environment: &str) -> String {
    format!("{environment}-preview")
}

/// Immutable Secret with the variables of one release: `<env>-release-<id>`.
#[must_use]
pub fn release_secret(environment: &str, release_id: &str) -> String {
    format!("{environment}-release-{release_id}")
}

/// Secret with the credentials that the operator made on shared services: `<env>-provisioned`.
#[must_use]
pub fn provisioned_secret(environment: &str) -> String {
    format!("{environment}-provisioned")
}

/// Job that works on the database for one release: `<env>-backup-<id>`, `-migrate-`, `-contract-` or `-downgrade-`.
#[must_use]
pub fn release_job(environment: &str, task: Task, release_id: &str) -> String {
    let verb = match task {
        Task::Backup => "backup",
        Task::Expand => "migrate",
        Task::Contract => "contract",
        Task::Downgrade => "downgrade",
    };
    format!("{environment}-{verb}-{release_id}")
}

/// Job that makes database, role, bucket and collections: `<env>-provision-<hash>`.
#[must_use]
pub fn provision_job(environment: &str, hash: &str) -> String {
    format!("{environment}-provision-{hash}")
}

/// CronJob that backs up or rehearses: `<env>-backup-incremental`, `-full` or `-drill`. Kubernetes gives a CronJob 52 characters: of
/// a longer name the environment's part is cut, and told apart from others by a hash.
#[must_use]
pub fn backup_cron_job(environment: &str, run: Run) -> String {
    let ending = format!("-backup-{}", run.as_str());
    if environment.len() + ending.len() <= LONGEST_CRON_JOB {
        return format!("{environment}{ending}");
    }
    let hash = hex::encode(&Sha256::digest(environment)[..3]);
    let room = LONGEST_CRON_JOB - ending.len() - hash.len() - 1;
    format!("{}-{hash}{ending}", &environment[..room])
}

/// Longest name of a CronJob: those of its Jobs end with eleven characters more.
const LONGEST_CRON_JOB: usize = 52;

/// Secret that cert-manager fills for an Ingress: `<env>-tls`.
#[must_use]
pub fn certificate_secret(environment: &str) -> String {
    format!("{environment}-tls")
}

/// NetworkPolicy that closes every pod of the environment: `<env>-default-deny`.
#[must_use]
pub fn default_deny(environment: &str) -> String {
    format!("{environment}-default-deny")
}
