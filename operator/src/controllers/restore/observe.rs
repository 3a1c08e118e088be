//! What the cluster tells of a restore. From caches alone.

use k8s_openapi::api::{
    batch::v1::{CronJob, Job},
    core::v1::Pod,
};
use kube::ResourceExt;
use serde::Deserialize;

use super::{
    ABORT, UNDO, job_name,
    next::{Facts, Task},
};
use crate::{
    controllers::{
        context::Context,
        environment::{PAUSE, jobs, trouble::is_ready},
        runs::{self, Place},
    },
    crd::{ChatbotRestore, Phase, RestorePhase, conditions, environment_status::ReleaseStatus, reasons},
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

const APP: &str = Component::App.as_str();
const BACKUP: &str = Component::Backup.as_str();

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
    let (namespace, uid) = (restore.namespace().unwrap_or_default(), restore.uid().unwrap_or_default());
    let environment = restore.spec.environment_ref.name.as_str();
    let wishes = |annotation| restore.annotations().get(annotation).is_some_and(|value| value == "true");
    let Some(place) = Place::observe(ctx, &namespace, environment)? else {
        let waits_for = Some(format!("there is no ChatbotEnvironment {environment} in this namespace"));
        let facts = Facts { waits_for, abort: wishes(ABORT), ..Facts::default() };
        return Ok(Observed { facts, ..Observed::default() });
    };
    let recipe = runs::recipe(ctx, &place.environment, Run::Drill)?;
    let name = |task| job_name(restore, task);
    let job = |task| place.job_for(&uid, &name(task)).map(|job| (task, jobs::fact_of(job, &place.pods)));
    let is_own = |pod: &&Pod| jobs::job_of(pod).is_some_and(|job| Task::ALL.into_iter().any(|task| job == name(task)));
    let pods = users(&place).count();
    let facts = Facts {
        environment: true,
        waits_for: waits_for(ctx, restore, &place, recipe.is_some()),
        busy: busy(&place),
        pods,
        stopped: pods == 0 && place.replicas == 0,
        own_pods: open(&place).filter(is_own).count(),
        serves: serves(&place),
        trouble: trouble(&place),
        jobs: Task::ALL.into_iter().filter_map(job).collect(),
        prepared: jobs::said::<Words>(&name(Task::Prepare), &place.pods).map(|words| words.backup),
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
    if let Some(other) = earlier(ctx, restore) {
        return Some(format!("restore {other} of the same environment is not over yet"));
    }
    if place.environment.annotations().get(PAUSE).is_some_and(|value| value == "true") {
        return Some(format!("the environment is paused: kubectl chatbot resume {}", place.environment.name_any()));
    }
    if let Some(why) = blocked(place) {
        return Some(format!("nothing can be stopped or started in the environment: {why}"));
    }
    let release = release(place);
    if has_recipe && is_asked(place) {
        return None;
    }
    if !has_recipe || release.id.is_none() {
        return Some("no release of the environment serves yet".to_owned());
    }
    on_its_way(&release)
}

/// Whether a release waits to hear whether this is meant: then nothing else is on its way.
fn is_asked(place: &Place) -> bool {
    let status = place.environment.status.clone().unwrap_or_default();
    let ready = conditions::find(&status.conditions, conditions::READY).map(|ready| ready.reason.clone());
    let serves_nothing = status.release.is_none_or(|release| release.id.is_none());
    match ready.as_deref() {
        Some(reasons::RESTORE_OR_START_EMPTY) => true,
        Some(reasons::RESTORING) => serves_nothing,
        _ => false,
    }
}

fn release(place: &Place) -> ReleaseStatus {
    place.environment.status.as_ref().and_then(|status| status.release.clone()).unwrap_or_default()
}

/// What its variables lack, so that the operator only looks after what runs.
fn blocked(place: &Place) -> Option<String> {
    let status = place.environment.status.clone().unwrap_or_default();
    let ready = conditions::find(&status.conditions, conditions::READY)?;
    reasons::BLOCKING.contains(&ready.reason.as_str()).then(|| ready.message.clone())
}

fn on_its_way(release: &ReleaseStatus) -> Option<String> {
    let candidate = release.candidate.as_ref()?;
    let waits = matches!(release.phase, Phase::Promote | Phase::Held | Phase::Bake);
    let next = if waits { "; end it: kubectl chatbot promote, or rollback" } else { "" };
    Some(format!("release {} is on its way: the restore goes on when it is over{next}", candidate.id))
}

/// One at a time, in the order in which they were asked for.
fn earlier(ctx: &Context, restore: &ChatbotRestore) -> Option<String> {
    let namespace = restore.namespace().unwrap_or_default();
    let all = ctx.stores.restores_of(&namespace, &restore.spec.environment_ref.name);
    let before = all.iter().take_while(|other| other.metadata.uid != restore.metadata.uid);
    let later = all.iter().skip_while(|other| other.metadata.uid != restore.metadata.uid).skip(1);
    let phase = |other: &ChatbotRestore| other.status.as_ref().map(|status| status.phase).unwrap_or_default();
    let open = before.filter(|other| phase(other) == RestorePhase::Pending || phase(other).is_under_way());
    // A later one may have begun before this one was seen, or be on its way back.
    let mut others = open.chain(later.filter(|other| phase(other).is_under_way()));
    others.next().map(|other| other.name_any())
}

/// What must not be cut off: a release, and its migrations. A backup that is being made begins anew.
fn busy(place: &Place) -> Option<String> {
    if is_asked(place) {
        return None;
    }
    let job = users(place).find_map(|pod| jobs::job_of(pod).map(str::to_owned));
    on_its_way(&release(place)).or_else(|| job.map(|job| format!("Job {job} is at work")))
}

fn open(place: &Place) -> impl Iterator<Item = &Pod> {
    place.pods.iter().map(AsRef::as_ref).filter(|pod| !jobs::is_over(pod))
}

/// Pods that have not ended and use the database: all but backups and restores.
fn users(place: &Place) -> impl Iterator<Item = &Pod> {
    let uses_it = |pod: &&Pod| pod.labels().get(labels::COMPONENT).is_some_and(|name| name != BACKUP);
    open(place).filter(uses_it)
}

/// Servers, ending ones included.
fn servers(place: &Place) -> impl Iterator<Item = &Pod> {
    let is_server = |pod: &&Pod| pod.labels().get(labels::COMPONENT).is_some_and(|name| name == APP);
    place.pods.iter().map(AsRef::as_ref).filter(is_server)
}

/// An environment that was just let go on shows for a moment what it was before: a server must be there too.
fn serves(place: &Place) -> bool {
    let status = place.environment.status.clone().unwrap_or_default();
    let is_suspended = place.environment.spec.suspend;
    let has_server = servers(place).any(|pod| pod.metadata.deletion_timestamp.is_none() && is_ready(pod));
    is_suspended || is_asked(place) || (has_server && conditions::is_true(&status.conditions, conditions::READY))
}

fn trouble(place: &Place) -> String {
    let status = place.environment.status.clone().unwrap_or_default();
    let ready = conditions::find(&status.conditions, conditions::READY).filter(|ready| ready.status != "True");
    ready.filter(|ready| ready.reason != reasons::RESTORING).map(|ready| ready.message.clone()).unwrap_or_default()
}

/// Whether a restore of the environment wants its servers and workers gone, and which: one that says so, or whose Job moves names
/// of databases right now, although it was deleted meanwhile.
#[must_use]
pub fn stopping<'a>(
    restores: impl IntoIterator<Item = &'a ChatbotRestore>,
    jobs: impl IntoIterator<Item = &'a Job>,
) -> Option<(String, RestorePhase)> {
    let said = restores.into_iter().find_map(|restore| {
        let phase = restore.status.as_ref()?.phase;
        phase.stops_everything().then(|| (restore.name_any(), phase))
    });
    let swaps = |job: &Job| Task::ALL.into_iter().any(|task| task.swaps() && is_of(job, task));
    let open = |job: &&Job| swaps(job) && !jobs::succeeded(job) && !jobs::failed(job);
    said.or_else(|| jobs.into_iter().find(open).map(|job| (job.name_any(), RestorePhase::Swap)))
}

fn is_of(job: &Job, task: Task) -> bool {
    job.labels().get(labels::BACKUP).is_some_and(|run| run == task.run())
}
