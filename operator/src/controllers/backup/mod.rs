//! Reconciles a ChatbotBackup: one Job, made once, and what it said.
//!
//! | file | subject |
//! |---|---|
//! | [`plan`](mod@plan) | what is to be done, and what the backup's status says; pure |
//! | [`report`](mod@report) | status, events, and records of backups that are no more |

pub mod plan;
pub mod report;

use std::{sync::Arc, time::Duration};

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
    resources::{backup_cron_job::Run, run_job::Single},
};

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
    let (namespace, name) = (backup.namespace().unwrap_or_default(), backup.name_any());
    let place = Place::observe(&ctx, &namespace, &backup.spec.environment_ref.name)?;
    let recipe = match &place {
        Some(place) => runs::recipe(&ctx, &place.environment, Run::of(backup.spec.kind))?,
        None => None,
    };
    let observed = observed(&name, place.as_ref(), recipe.is_some());
    let decided = plan(&backup, &observed, ctx.clock.now());
    let refused = match (&decided, &recipe) {
        (Plan { makes_job: true, .. }, Some(recipe)) => refusal(runs::make(&ctx, recipe, single(&backup)).await?),
        _ => None,
    };
    let status = plan::with_refusal(decided.status, refused);
    let phase = status.phase;
    report(&ctx, &backup, &status).await?;
    if let Some(kept) = decided.kept {
        forget(&ctx, &backup, &kept).await?;
    }
    Ok(match phase {
        crate::crd::BackupPhase::Pending => Action::requeue(WAITING),
        crate::crd::BackupPhase::Running => Action::requeue(RUNNING),
        crate::crd::BackupPhase::Succeeded | crate::crd::BackupPhase::Failed => Action::await_change(),
    })
}

fn observed(name: &str, place: Option<&Place>, has_recipe: bool) -> Observed {
    let Some(place) = place else { return Observed::default() };
    Observed {
        has_environment: true,
        has_recipe,
        job: place.job(name).cloned(),
        fact: place.job(name).map(|job| jobs::fact_of(job, &place.pods)),
        words: jobs::said(name, &place.pods),
    }
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
    }
}

/// The chatbot's command for a backup of this kind that somebody waits for.
#[must_use]
pub fn args(kind: BackupKind) -> Vec<String> {
    let words: &[&str] = match kind {
        BackupKind::Incremental | BackupKind::Release => &["backup"],
        BackupKind::Full => &["backup", "--full"],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}
