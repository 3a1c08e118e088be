//! What must not exist any more. Pure.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret;
use kube::{Resource, ResourceExt, api::ApiResource};

use super::{
    jobs,
    object::{Object, Removal},
    observe::Observed,
    resolve::Resolved,
};
use crate::{
    crd::environment_status::Outcome,
    release::{JobRun, Layout, Phase, ReleaseState},
    resources::{names, release_job::Task},
};

/// What the operator made for this environment and does not want any more: a discarded candidate, old settings, Jobs that are
/// over, and what the spec no longer asks for.
#[must_use]
pub fn removals(
    resolved: &Resolved,
    observed: &Observed,
    state: &ReleaseState,
    layout: &Layout,
    objects: &[Object],
) -> Vec<Removal> {
    let uid = resolved.identity.uid.as_str();
    let wanted: BTreeSet<(&str, &str)> =
        objects.iter().map(|object| (object.resource.kind.as_str(), object.name.as_str())).collect();
    let kept_jobs = kept_jobs(resolved, observed, state, layout);
    let is_kept =
        |kind: &str, name: &str| wanted.contains(&(kind, name)) || (kind == "Job" && kept_jobs.contains(name));
    let owned = observed
        .owned
        .iter()
        .filter(|(resource, object)| is_owned(object.as_ref(), uid) && !is_kept(&resource.kind, &object.name_any()));
    let owned = owned.map(|(resource, object)| removal(resource.clone(), object.as_ref()));
    let kept_secrets = kept_secrets(resolved, state);
    let secrets = observed
        .own_secrets
        .iter()
        .filter(|secret| is_owned(secret.as_ref(), uid) && !kept_secrets.contains(&secret.name_any()));
    let kind = ApiResource::erase::<Secret>(&());
    owned.chain(secrets.map(|secret| removal(kind.clone(), secret.as_ref()))).collect()
}

/// Jobs of the release under way, or of the last one, tell what happened; a failed one goes when it is to be tried again, and
/// when its release is over.
fn kept_jobs(resolved: &Resolved, observed: &Observed, state: &ReleaseState, layout: &Layout) -> BTreeSet<String> {
    let environment = resolved.identity.name.as_str();
    let Some(placed) = state.watched() else { return BTreeSet::new() };
    // What migrated must not go on when it is to be taken back.
    let is_undone = state.running.as_ref().is_some_and(|running| running.phase == Phase::Discard);
    let tasks = Task::ALL.into_iter().filter(|task| !(is_undone && *task == Task::Expand));
    let of_release = tasks.map(|task| names::release_job(environment, task, &placed.release.id));
    let provision = resolved.provision.iter().map(|provision| names::provision_job(environment, &provision.hash));
    let replaced = match &layout.job {
        Some(JobRun::Replace(task, slot)) => Some(names::release_job(environment, *task, &slot.release)),
        Some(JobRun::Ensure(..)) | None => None,
    };
    let is_kept = |name: &String| {
        let failed = observed.jobs.get(name).is_some_and(jobs::failed);
        replaced.as_ref() != Some(name) && (!failed || state.running.is_some())
    };
    of_release.filter(is_kept).chain(provision.filter(|name| provision_is_kept(name, observed))).collect()
}

/// A failed one is kept for its message by the objects of the plan, until it is to be tried again.
fn provision_is_kept(name: &str, observed: &Observed) -> bool {
    observed.jobs.get(name).is_some_and(|job| !jobs::failed(job))
}

/// Those of past releases are kept for as long as history knows them: a person may return to one.
fn kept_secrets(resolved: &Resolved, state: &ReleaseState) -> BTreeSet<String> {
    let active = state.active.as_ref().map(|active| active.release.id.as_str());
    let previous = state.previous.as_ref().map(|previous| previous.release.id.as_str());
    let running = state.running.as_ref().map(|running| running.placed.release.id.as_str());
    let environment = resolved.identity.name.as_str();
    let past = state.history.iter().filter(|past| past.outcome == Outcome::Succeeded).map(|past| past.id.as_str());
    let ids = [active, previous, running].into_iter().flatten().chain(past);
    ids.map(|id| names::release_secret(environment, id)).collect()
}

/// What has another owner, or none, is not the operator's to remove; what is being removed already needs no second word.
fn is_owned<K: Resource>(object: &K, uid: &str) -> bool {
    object.meta().deletion_timestamp.is_none() && object.owner_references().iter().any(|owner| owner.uid == uid)
}

fn removal<K: Resource>(resource: ApiResource, object: &K) -> Removal {
    Removal {
        resource,
        namespace: object.meta().namespace.clone().unwrap_or_default(),
        name: object.name_any(),
        uid: object.meta().uid.clone(),
    }
}
