//! What the cluster tells of a restore. From caches alone.

use k8s_openapi::api::{batch::v1::CronJob, core::v1::Pod};
use kube::ResourceExt;
use serde::Deserialize;

use super::{
    ABORT, UNDO, job_name,
    next::{Facts, Task},
};
use crate::{
    controllers::{
        context::Context,
        environment::{jobs, trouble::is_ready},
        runs::{self, Place},
    },
    crd::{ChatbotRestore, RestorePhase, conditions},
    error::Error,
    resources::{
        backup_cron_job::Run,
        labels::{self, Component},
    },
};

/// What was read for one restore.
#[derive(Debug, Default)]
pub struct Observed {
    /// For its phases.
    pub facts: Facts,
    /// The recipe of its Jobs.
    pub recipe: Option<CronJob>,
    /// Which backup is asked for, as the chatbot reads it.
    pub from: String,
}

/// The last words of the chatbot's restore commands.
#[derive(Deserialize)]
struct Words {
    backup: String,
}

/// Reads everything that the next step of `restore` needs.
///
/// # Errors
/// When an object is not what its kind says.
pub fn observe(ctx: &Context, restore: &ChatbotRestore) -> Result<Observed, Error> {
    let (namespace, name) = (restore.namespace().unwrap_or_default(), restore.name_any());
    let environment = restore.spec.environment_ref.name.as_str();
    let wishes = |annotation| restore.annotations().get(annotation).is_some_and(|value| value == "true");
    let Some(place) = Place::observe(ctx, &namespace, environment)? else {
        let waits_for = Some(format!("there is no ChatbotEnvironment {environment} in this namespace"));
        let facts = Facts { waits_for, abort: wishes(ABORT), ..Facts::default() };
        return Ok(Observed { facts, ..Observed::default() });
    };
    let recipe = runs::recipe(ctx, &place.environment, Run::Drill)?;
    let jobs = Task::ALL
        .into_iter()
        .filter_map(|task| place.job(&job_name(&name, task)).map(|job| (task, jobs::fact_of(job, &place.pods))));
    let facts = Facts {
        waits_for: waits_for(ctx, restore, &place, recipe.is_some()),
        pods: serving(&place).count(),
        serves: serves(&place),
        trouble: trouble(&place),
        jobs: jobs.collect(),
        prepared: jobs::said::<Words>(&job_name(&name, Task::Prepare), &place.pods).map(|words| words.backup),
        undo: wishes(UNDO),
        abort: wishes(ABORT),
    };
    Ok(Observed { facts, recipe, from: from(ctx, restore) })
}

/// A ChatbotBackup is known by its name here, and by another one to the chatbot.
fn from(ctx: &Context, restore: &ChatbotRestore) -> String {
    let from = &restore.spec.from;
    if let Some(at) = &from.at {
        return at.0.to_string();
    }
    let Some(name) = &from.backup else { return "latest".to_owned() };
    let namespace = restore.namespace().unwrap_or_default();
    let backups = ctx.stores.backups_of(&namespace, &restore.spec.environment_ref.name);
    let found = backups.iter().find(|backup| backup.metadata.name.as_ref() == Some(name));
    found.and_then(|backup| backup.status.as_ref()?.backup.clone()).unwrap_or_else(|| name.clone())
}

fn waits_for(ctx: &Context, restore: &ChatbotRestore, place: &Place, has_recipe: bool) -> Option<String> {
    let namespace = restore.namespace().unwrap_or_default();
    let is_other = |other: &&std::sync::Arc<ChatbotRestore>| {
        let phase = other.status.as_ref().map(|status| status.phase).unwrap_or_default();
        other.metadata.uid != restore.metadata.uid && phase.is_under_way()
    };
    let others = ctx.stores.restores_of(&namespace, &restore.spec.environment_ref.name);
    if let Some(other) = others.iter().find(is_other) {
        return Some(format!("restore {} of the same environment is under way", other.name_any()));
    }
    let release = place.environment.status.as_ref().and_then(|status| status.release.clone()).unwrap_or_default();
    if let Some(candidate) = &release.candidate {
        return Some(format!("release {} is on its way: the restore begins when it is over", candidate.id));
    }
    (!has_recipe || release.id.is_none()).then(|| "no release of the environment serves yet".to_owned())
}

/// Servers and workers, ending ones included.
fn serving(place: &Place) -> impl Iterator<Item = &Pod> {
    let is_of = |pod: &Pod, component: Component| {
        pod.labels().get(labels::COMPONENT).is_some_and(|name| name == component.as_str())
    };
    let pods = place.pods.iter().map(AsRef::as_ref);
    pods.filter(move |pod| (is_of(pod, Component::App) || is_of(pod, Component::Worker)) && !jobs::is_over(pod))
}

/// An environment that was just let go on shows for a moment what it was before: a server must be there too.
fn serves(place: &Place) -> bool {
    let status = place.environment.status.clone().unwrap_or_default();
    let is_suspended = place.environment.spec.suspend;
    let has_server = serving(place).any(|pod| pod.metadata.deletion_timestamp.is_none() && is_ready(pod));
    is_suspended || (has_server && conditions::is_true(&status.conditions, conditions::READY))
}

fn trouble(place: &Place) -> String {
    let status = place.environment.status.clone().unwrap_or_default();
    let ready = conditions::find(&status.conditions, conditions::READY).filter(|ready| ready.status != "True");
    ready
        .filter(|ready| ready.reason != crate::crd::reasons::RESTORING)
        .map(|ready| ready.message.clone())
        .unwrap_or_default()
}

/// Whether a restore of the environment wants its servers and workers gone, and which.
#[must_use]
pub fn stopping<'a>(restores: impl IntoIterator<Item = &'a ChatbotRestore>) -> Option<(String, RestorePhase)> {
    restores.into_iter().find_map(|restore| {
        let phase = restore.status.as_ref()?.phase;
        phase.stops_everything().then(|| (restore.name_any(), phase))
    })
}
