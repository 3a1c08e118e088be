//! Reconciles a ChatbotBackup: one Job, made once, and what it said.
//!
//! | file | subject |
//! |---|---|
//! | [`plan`](mod@plan) | what is to be done, and what the backup's status says; pure |
//! | [`report`](mod@report) | status, events, and records of backups that are no more |

pub mod plan;
pub mod report;

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kube::{Resource, ResourceExt, runtime::controller::Action};

use self::{
    plan::{Observed, Plan, plan},
    report::{forget, report},
};
use super::{
    context::Context,
    environment::jobs,
    runs::{self, Made, Place},
};
use crate::{
    crd::{BackupKind, ChatbotBackup},
    error::Error,
    release,
    resources::{backup_cron_job::Run, labels, run_job::Single},
};

/// So long the last words of a pod may be seen later than the end of its Job.
const WORDS_FOLLOW: SignedDuration = SignedDuration::from_secs(30);
/// While it runs: the caches are asked, which costs nothing.
const RUNNING: Duration = Duration::from_secs(2);
/// While it waits for something.
const WAITING: Duration = Duration::from_secs(10);

/// Brings one backup a step further, and says how soon to look again.
///
/// # Errors
/// When the API server cannot be reached, or an object is not what its kind says. What the user can mend is no error.
pub async fn reconcile(backup: Arc<ChatbotBackup>, ctx: Arc<Context>) -> Result<Action, Error> {
    let is_over = backup.status.as_ref().is_some_and(|status| status.phase.is_over());
    if is_over || backup.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let namespace = backup.namespace().unwrap_or_default();
    let place = Place::observe(&ctx, &namespace, &backup.spec.environment_ref.name)?;
    let recipe = match &place {
        Some(place) => runs::recipe(&ctx, &place.environment, Run::of(backup.spec.kind))?,
        None => None,
    };
    let observed = observed(&backup, place.as_ref(), recipe.is_some(), ctx.clock.now());
    let decided = plan(&backup, &observed, ctx.clock.now());
    let refused = match (&decided, &recipe) {
        (Plan { makes_job: true, .. }, Some(recipe)) => refusal(runs::make(&ctx, recipe, single(&backup)).await?),
        _ => None,
    };
    let status = plan::with_refusal(decided.status, refused);
    let phase = status.phase;
    report(&ctx, &backup, &status).await?;
    if phase.is_over() {
        forget(&ctx, &backup, decided.kept.as_deref()).await?;
    }
    Ok(match phase {
        crate::crd::BackupPhase::Pending => Action::requeue(WAITING),
        crate::crd::BackupPhase::Running => Action::requeue(RUNNING),
        crate::crd::BackupPhase::Succeeded | crate::crd::BackupPhase::Failed => Action::await_change(),
    })
}

fn observed(backup: &ChatbotBackup, place: Option<&Place>, has_recipe: bool, now: Timestamp) -> Observed {
    let Some(place) = place else { return Observed::default() };
    let name = backup.name_any();
    let job =
        if is_record(backup) { place.own_job(&name) } else { place.job_for(&backup.uid().unwrap_or_default(), &name) };
    let fact = job.map(|job| jobs::fact_of(job, &place.pods));
    let words = job.and_then(|_| jobs::said(&name, &place.pods));
    // The Job may be seen to end before its pod is.
    let ended = job.and_then(|job| job.status.as_ref()?.completion_time.as_ref().map(|time| time.0));
    let is_fresh = ended.is_some_and(|ended| now.duration_since(ended) < WORDS_FOLLOW);
    let fact = match fact {
        Some(release::Job::Succeeded(_)) if words.is_none() && is_fresh => {
            Some(release::Job::Running { message: String::new() })
        }
        fact => fact,
    };
    Observed { has_environment: true, has_recipe, job: job.cloned(), fact, words }
}

/// What a schedule or a release made, and the operator wrote down.
fn is_record(backup: &ChatbotBackup) -> bool {
    backup.labels().get(labels::MANAGED_BY).is_some_and(|by| by == labels::OPERATOR)
}

fn refusal(made: Made) -> Option<String> {
    match made {
        Made::Yes => None,
        Made::Refused(why) => Some(why),
    }
}

fn single(backup: &ChatbotBackup) -> Single<'static> {
    Single {
        name: backup.name_any(),
        asked_by: backup.uid().unwrap_or_default(),
        owner: backup.controller_owner_ref(&()),
        run: Run::of(backup.spec.kind).as_str(),
        args: args(backup.spec.kind),
        variables: Vec::new(),
    }
}

/// The chatbot's command for a backup of this kind that somebody waits for.
#[must_use]
pub fn args(kind: BackupKind) -> Vec<String> {
    let words: &[&str] = match kind {
        BackupKind::Incremental | BackupKind::Release => &["backup", "--unless-empty"],
        BackupKind::Full => &["backup", "--unless-empty", "--full"],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}
