//! Reads the cluster. Most comes from caches; only named Secrets are read from the API server, and pods are asked for their health.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::Job,
    core::v1::{Pod, Secret},
    events::v1::Event,
};
use kube::{
    Api, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams, PartialObjectMeta},
    runtime::reflector::ObjectRef,
};
use serde::de::DeserializeOwned;

use super::{
    PROMOTE,
    facts::{self, Examination, in_phase},
    jobs,
    resolve::{DatabaseClaim, References, SecretData, backups},
    trouble::is_ready,
};
use crate::{
    check_token,
    controllers::{context::Context, restore, stores::Stores},
    crd::{ChatbotBackup, ChatbotEnvironment, RestorePhase, conditions, reasons},
    error::{Error, within},
    probe::{Health, Unanswered},
    release::{Phase, Placed, ReleaseState},
    resources::{
        labels::{self, Component},
        names, release_secret,
    },
    traffic::Traffic,
};

/// So many pods that are not ready are asked why; more would say the same.
const MOST_UNREADY: usize = 3;

/// What was read for one environment.
#[derive(Debug, Default)]
pub struct Observed {
    /// Name of the environment.
    pub environment: String,
    /// Whether its spec wants everything at zero.
    pub suspend: bool,
    /// When it was read.
    pub at: Timestamp,
    /// What the spec refers to.
    pub references: References,
    /// Variables of the release that runs, where those of the spec cannot be used.
    pub released: Option<SecretData>,
    /// Deployments that this environment owns, by name.
    pub deployments: BTreeMap<String, Deployment>,
    /// Jobs that this environment owns, by name. One of an earlier environment of the same name tells nothing of this one.
    pub jobs: BTreeMap<String, Job>,
    /// Pods, ending ones included, in the order of their names.
    pub pods: Vec<Arc<Pod>>,
    /// What pods said about themselves, by their name.
    pub answers: BTreeMap<String, Result<Health, Unanswered>>,
    /// Whether a server of a candidate that is well answered a question; none where nobody was asked.
    pub question: Option<Result<(), Unanswered>>,
    /// What servers of a release in its bake, and of the one before, have answered since they started, by their pods' names.
    pub traffic: BTreeMap<String, Result<Traffic, Unanswered>>,
    /// Its backups, whoever asked for them.
    pub backups: Vec<Arc<ChatbotBackup>>,
    /// Its Jobs of scheduled backups and drills, whose owners are CronJobs.
    pub runs: Vec<Job>,
    /// When the last restore ended well.
    pub restored_at: Option<Timestamp>,
    /// The restore that wants its servers and workers gone, and how far it is.
    pub restoring: Option<(String, RestorePhase)>,
    /// Why Jobs get no pods, where they should have some.
    pub refused_jobs: Vec<String>,
    /// Everything that the operator made for it, Secrets excepted.
    pub owned: Vec<(ApiResource, Arc<DynamicObject>)>,
    /// Metadata of the Secrets that the operator made for it.
    pub own_secrets: Vec<Arc<PartialObjectMeta<Secret>>>,
}

impl Observed {
    /// Pods of one release by which it is judged: all but the task monitor's.
    pub fn pods_of<'a>(&'a self, release: &'a str) -> impl Iterator<Item = &'a Pod> {
        self.all_of(release).filter(|pod| !is_part_of(Component::Monitor, pod))
    }

    /// Pods of one release that run or should, without those of Jobs that succeeded, and those whose place another has taken.
    fn all_of<'a>(&'a self, release: &'a str) -> impl Iterator<Item = &'a Pod> {
        let open = |pod: &Pod| match jobs::job_of(pod) {
            Some(job) => self.jobs.get(job).is_some_and(|job| !jobs::succeeded(job)),
            None => !jobs::is_over(pod),
        };
        self.pods
            .iter()
            .map(Arc::as_ref)
            .filter(move |pod| is_of(pod, release) && pod.metadata.deletion_timestamp.is_none() && open(pod))
    }

    /// Servers of one release that are not ending.
    pub fn servers_of<'a>(&'a self, release: &'a str) -> impl Iterator<Item = &'a Pod> {
        self.component_of(Component::App, release)
    }

    /// Whether a pod of this component runs in one release.
    #[must_use]
    pub fn has_started(&self, component: Component, release: &str) -> bool {
        self.component_of(component, release).any(has_started)
    }

    /// Pods of one component of one release that are not ending.
    pub fn component_of<'a>(&'a self, component: Component, release: &'a str) -> impl Iterator<Item = &'a Pod> {
        self.all_of(release).filter(move |pod| is_part_of(component, pod))
    }
}

fn is_part_of(component: Component, pod: &Pod) -> bool {
    pod.labels().get(labels::COMPONENT).is_some_and(|name| name == component.as_str())
}

fn is_of(pod: &Pod, release: &str) -> bool {
    pod.labels().get(labels::RELEASE).is_some_and(|id| id == release)
}

/// Reads everything that a decision about `environment` needs.
///
/// # Errors
/// When the API server refuses a read, or an object is not what its kind says.
pub async fn observe(ctx: &Context, environment: &ChatbotEnvironment) -> Result<Observed, Error> {
    let (namespace, name) = (environment.namespace().unwrap_or_default(), environment.name_any());
    let references = references(ctx, environment, &namespace, &name).await?;
    let owned = ctx.stores.all_owned(&namespace, &name);
    let uid = environment.uid().unwrap_or_default();
    let mut observed = Observed {
        suspend: environment.spec.suspend,
        at: ctx.clock.now(),
        references,
        deployments: of_kind(&owned, "Deployment", &uid)?,
        jobs: of_kind(&owned, "Job", &uid)?,
        pods: pods(ctx, &namespace, &name),
        own_secrets: ctx.stores.own_secrets(&namespace, &name),
        backups: ctx.stores.backups_of(&namespace, &name),
        runs: runs(&owned)?,
        restored_at: restored_at(ctx, &namespace, &name),
        restoring: restoring(ctx, &namespace, &name, &owned)?,
        environment: name,
        owned,
        ..Observed::default()
    };
    observed.refused_jobs = refused_jobs(ctx, &namespace, &observed).await;
    let state = ReleaseState::read(&environment.status.clone().unwrap_or_default());
    observed.released = released(ctx, environment, &state).await?;
    observed.answers = ask(ctx, &observed, &state).await;
    observed.question = question(ctx, &observed, &state, environment).await?;
    observed.traffic = traffic(ctx, &observed, &state).await;
    Ok(observed)
}

/// Jobs of schedules: those that are run once for somebody have that as their owner.
fn runs(owned: &[(ApiResource, Arc<DynamicObject>)]) -> Result<Vec<Job>, Error> {
    let is_scheduled = |object: &DynamicObject| object.owner_references().iter().any(|owner| owner.kind == "CronJob");
    let jobs = owned.iter().filter(|(resource, object)| {
        resource.kind == "Job" && object.labels().contains_key(labels::BACKUP) && is_scheduled(object)
    });
    jobs.map(|(_, object)| typed(object)).collect()
}

fn restored_at(ctx: &Context, namespace: &str, name: &str) -> Option<Timestamp> {
    let restores = ctx.stores.restores_of(namespace, name);
    let good = restores.iter().filter_map(|restore| restore.status.as_ref());
    let good = good.filter(|status| status.phase == RestorePhase::Succeeded);
    good.filter_map(|status| Some(status.steps.last()?.finished_at.as_ref()?.0)).max()
}

fn restoring(
    ctx: &Context,
    namespace: &str,
    name: &str,
    owned: &[(ApiResource, Arc<DynamicObject>)],
) -> Result<Option<(String, RestorePhase)>, Error> {
    let restores = ctx.stores.restores_of(namespace, name);
    let is_run = |resource: &ApiResource, object: &DynamicObject| {
        resource.kind == "Job" && object.labels().contains_key(labels::FOR)
    };
    let jobs = owned.iter().filter(|(resource, object)| is_run(resource, object));
    let jobs: Vec<Job> = jobs.map(|(_, object)| typed(object)).collect::<Result<_, _>>()?;
    Ok(restore::observe::stopping(restores.iter().map(AsRef::as_ref), &jobs))
}

/// In one order, so that of several ill pods the same one speaks at every look.
fn pods(ctx: &Context, namespace: &str, name: &str) -> Vec<Arc<Pod>> {
    let mut pods = ctx.stores.own_pods(namespace, name);
    pods.sort_by(|one, other| one.metadata.name.cmp(&other.metadata.name));
    pods
}

async fn references(
    ctx: &Context,
    environment: &ChatbotEnvironment,
    namespace: &str,
    name: &str,
) -> Result<References, Error> {
    let user = environment.spec.secret_ref.name.clone();
    let admin = environment.spec.provision.as_ref().map(|provision| provision.admin_secret_ref.name.clone());
    let provisioned = admin.is_some().then(|| names::provisioned_secret(name));
    let of_repositories = backups::secrets(&environment.spec.backups).into_iter().map(str::to_owned);
    let of_repositories: BTreeSet<String> = of_repositories.collect();
    let named = [Some(user.clone()), admin.clone(), provisioned.clone()].into_iter().flatten();
    let followed: BTreeSet<String> = named.chain(of_repositories.iter().cloned()).collect();
    ctx.secrets.follow(&ObjectRef::from_obj(environment), &followed);
    let mut repositories = BTreeMap::new();
    for name in of_repositories {
        let found = secret(ctx, namespace, Some(&name)).await?;
        repositories.extend(found.map(|found| (name, found)));
    }
    Ok(References {
        repositories,
        secret: secret(ctx, namespace, Some(&user)).await?,
        admin: secret(ctx, namespace, admin.as_deref()).await?,
        provisioned: secret(ctx, namespace, provisioned.as_deref()).await?,
        claims: claims(&ctx.everywhere),
        apis: *ctx.apis.borrow(),
        operator_namespace: Some(ctx.operator_namespace.clone()),
    })
}

/// Read only while the spec's own Secret is said to be of no use: what runs is looked after by its own.
async fn released(
    ctx: &Context,
    environment: &ChatbotEnvironment,
    state: &ReleaseState,
) -> Result<Option<SecretData>, Error> {
    let ready = environment.status.as_ref().and_then(|status| conditions::find(&status.conditions, conditions::READY));
    let is_blocked = ready.is_some_and(|ready| reasons::OF_THE_SECRET.contains(&ready.reason.as_str()));
    let (true, Some(placed)) = (is_blocked, state.stands_in()) else { return Ok(None) };
    let (namespace, name) = (environment.namespace().unwrap_or_default(), environment.name_any());
    secret(ctx, &namespace, Some(&names::release_secret(&name, &placed.release.id))).await
}

async fn secret(ctx: &Context, namespace: &str, name: Option<&str>) -> Result<Option<SecretData>, Error> {
    let Some(name) = name else { return Ok(None) };
    let api: Api<Secret> = Api::namespaced(ctx.client.clone(), namespace);
    let found = within(|| format!("reading Secret {namespace}/{name}"), api.get_opt(name)).await?;
    Ok(found.as_ref().map(SecretData::from))
}

/// Databases of all environments, as the labels of their release Secrets tell them, and since when.
fn claims(everywhere: &[Stores]) -> Vec<DatabaseClaim> {
    everywhere
        .iter()
        .flat_map(|stores| stores.secrets.state().into_iter().filter_map(|secret| claim(stores, &secret)))
        .collect()
}

/// A Secret whose environment is gone, or is another one of that name, or uses it no more, claims nothing. Nor did any environment have a database
/// before there was the environment.
fn claim(stores: &Stores, secret: &PartialObjectMeta<Secret>) -> Option<DatabaseClaim> {
    let fingerprint = secret.labels().get(labels::DATABASE)?.clone();
    let owner = ObjectRef::new(secret.labels().get(labels::ENVIRONMENT)?).within(secret.meta().namespace.as_deref()?);
    let environment = stores.environments.get(&owner)?;
    let uid = environment.uid()?;
    secret.owner_references().iter().find(|owner| owner.uid == uid)?;
    // Variables of a past release are kept, but it uses nothing.
    let state = ReleaseState::read(&environment.status.clone().unwrap_or_default());
    if state.active.is_some() && !state.runs(secret.labels().get(labels::RELEASE)?) {
        return None;
    }
    let began = environment.creation_timestamp().map_or(Timestamp::MIN, |time| time.0);
    Some(DatabaseClaim {
        namespace: owner.namespace.unwrap_or_default(),
        name: owner.name,
        since: release_secret::database_since(secret.meta()).map(|since| since.max(began)),
        fingerprint,
    })
}

fn of_kind<K: DeserializeOwned>(
    owned: &[(ApiResource, Arc<DynamicObject>)],
    kind: &str,
    uid: &str,
) -> Result<BTreeMap<String, K>, Error> {
    let is_own = |object: &DynamicObject| object.owner_references().iter().any(|owner| owner.uid == uid);
    let objects = owned.iter().filter(|(resource, object)| resource.kind == kind && is_own(object));
    let objects = objects.map(|(_, object)| object);
    objects.map(|object| Ok((object.name_any(), typed(object)?))).collect()
}

/// An object of a cache as its own type.
///
/// # Errors
/// When it is not what its kind says.
pub fn typed<K: DeserializeOwned>(object: &DynamicObject) -> Result<K, Error> {
    let doing = || format!("reading {}", object.name_any());
    let json = serde_json::to_value(object).map_err(|error| Error::json(doing(), error))?;
    serde_json::from_value(json).map_err(|error| Error::json(doing(), error))
}

/// Kubernetes tells only by events why a Job gets no pods; they are read only while a Job lacks one. That they cannot be read
/// keeps nothing else from going on.
async fn refused_jobs(ctx: &Context, namespace: &str, observed: &Observed) -> Vec<String> {
    let mut refusals = Vec::new();
    for name in jobs::without_pods(&observed.jobs, &observed.pods, ctx.clock.now()) {
        match last_refusal(ctx, namespace, &name).await {
            Ok(refusal) => refusals.extend(refusal),
            Err(error) => tracing::warn!(%error, namespace, "why a Job has no pods is not known"),
        }
    }
    refusals
}

async fn last_refusal(ctx: &Context, namespace: &str, job: &str) -> Result<Option<String>, Error> {
    let api: Api<Event> = Api::namespaced(ctx.client.clone(), namespace);
    let fields = format!("regarding.kind=Job,regarding.name={job},reason=FailedCreate");
    let of_job = ListParams::default().fields(&fields).limit(5);
    let events = within(|| format!("listing events of Job {namespace}/{job}"), api.list(&of_job)).await?;
    Ok(events.items.into_iter().filter_map(|event| event.note).next_back())
}

async fn ask(ctx: &Context, observed: &Observed, state: &ReleaseState) -> BTreeMap<String, Result<Health, Unanswered>> {
    let pods = to_ask(observed, state)
        .into_iter()
        .filter_map(|pod| Some((pod.name_any(), pod.status.as_ref()?.pod_ip.clone()?)));
    let questions = pods.map(|(name, address)| async move { (name, ctx.prober.health(&address).await) });
    join_all(questions).await.into_iter().collect()
}

/// Asked last, of one server, and only if nothing speaks against any: it costs words of the language model, and all servers use
/// the same.
async fn question(
    ctx: &Context,
    observed: &Observed,
    state: &ReleaseState,
    environment: &ChatbotEnvironment,
) -> Result<Option<Result<(), Unanswered>>, Error> {
    let Some(running) = &state.running else { return Ok(None) };
    let candidate = running.placed.release.id.as_str();
    let is_promoted = environment.annotations().get(PROMOTE).is_some_and(|id| id == candidate);
    let is_asked = running.phase == Phase::Check || (running.phase == Phase::Promote && is_promoted);
    let known = environment.status.as_ref().map(|status| status.services.clone()).unwrap_or_default();
    let services = facts::services(observed, state).unwrap_or(known);
    if !is_asked || facts::examination(&running.placed, observed, &services) != Examination::MayAnswer {
        return Ok(None);
    }
    let address = observed.servers_of(candidate).find_map(|pod| pod.status.as_ref()?.pod_ip.clone());
    let (namespace, name) = (environment.namespace().unwrap_or_default(), environment.name_any());
    // The key is that of the release: a past one, or the next, may have another.
    let variables = secret(ctx, &namespace, Some(&names::release_secret(&name, candidate))).await?;
    let key = variables.and_then(|secret| secret.variables().0.remove("SECRET_KEY"));
    let (Some(address), Some(key)) = (address, key) else { return Ok(None) };
    Ok(Some(ctx.prober.question(&address, &check_token::token(&key, candidate)).await))
}

/// Whether a server is well enough to answer. Without the model it cannot, and says so itself.
pub(super) fn may_answer(health: &Health) -> bool {
    let lacks = |service: &crate::probe::Service| !service.healthy && (service.required || service.name == "llm");
    !health.services.iter().any(lacks)
}

async fn traffic(
    ctx: &Context,
    observed: &Observed,
    state: &ReleaseState,
) -> BTreeMap<String, Result<Traffic, Unanswered>> {
    if !state.running.as_ref().is_some_and(|running| running.phase.is_watched()) {
        return BTreeMap::new();
    }
    let releases = [&state.active, &state.previous].into_iter().flatten().map(|placed| placed.release.id.as_str());
    let servers = releases.flat_map(|release| observed.servers_of(release)).filter(|pod| has_started(pod));
    let servers = servers.filter_map(|pod| Some((pod.name_any(), pod.status.as_ref()?.pod_ip.clone()?)));
    let questions = servers.map(|(name, address)| async move { (name, ctx.prober.traffic(&address).await) });
    join_all(questions).await.into_iter().collect()
}

/// One server of the release that serves, and of the one before while it may be returned to, to hear of their services; every
/// server of a candidate that is checked; else a few of those that are not ready, to hear why.
fn to_ask<'a>(observed: &'a Observed, state: &'a ReleaseState) -> Vec<&'a Pod> {
    let Some(watched) = state.watched().map(|placed| placed.release.id.as_str()) else { return Vec::new() };
    let id = |placed: &'a Option<Placed>| placed.as_ref().map(|placed| placed.release.id.as_str());
    let active = id(&state.active).unwrap_or(watched);
    let speaker = observed.servers_of(active).filter(|pod| is_ready(pod)).take(1);
    let before = id(&state.previous).and_then(|previous| observed.servers_of(previous).find(|pod| has_started(pod)));
    let is_checked = in_phase(state, Phase::Check) || in_phase(state, Phase::Promote);
    let all = observed.servers_of(watched).filter(|_| is_checked);
    let serving = observed.pods_of(watched).filter(|pod| jobs::job_of(pod).is_none() && !is_checked);
    let unready = serving.filter(|pod| has_started(pod) && !is_ready(pod)).take(MOST_UNREADY);
    speaker.chain(before).chain(all).chain(unready).collect()
}

fn has_started(pod: &Pod) -> bool {
    pod.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Running"))
}
