//! What to write, what to remove, and how the release goes on. Pure.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;

use super::{
    backups::{self, Said},
    facts::{self, in_phase, needs_database, provision_job},
    monitor,
    object::{Object, Removal, Writing},
    observe::Observed,
    removals::removals,
    resolve::{Credentials, Resolved, Scale, Unresolved},
    trouble::Trouble,
};
use crate::{
    crd::{Colour, RestorePhase, environment_status::ServiceStatus},
    error::Error,
    release::{self, JobRun, Layout, Phase, Placed, ReleaseState, Wishes, Workload, hold, layout, next},
    resources::{
        backup_cron_job, deployment, horizontal_pod_autoscaler, http_route, ingress,
        labels::{self, Component},
        names, network_policy, pod_disruption_budget, pod_monitor, prometheus_rule, provision_job, provisioned_secret,
        release_job, release_secret, service, service_account, service_monitor,
    },
};

/// Field manager of every write.
pub const MANAGER: &str = "chatbot-operator";

/// Everything that one reconciliation is going to do.
#[derive(Debug, Default)]
pub struct Plan {
    /// Objects in the order in which they are written.
    pub objects: Vec<Object>,
    /// Objects that must not exist, removed after that.
    pub removals: Vec<Removal>,
    /// The release as it will be remembered.
    pub state: ReleaseState,
    /// The release as it was remembered.
    pub before: ReleaseState,
    /// What status has to say beside that.
    pub outlook: Outlook,
}

/// What is known about the environment when the plan is made.
#[derive(Debug, Default, Clone)]
pub struct Outlook {
    /// Why nothing can be planned.
    pub blocked: Option<Blocked>,
    /// What is wrong with the pods.
    pub trouble: Option<Trouble>,
    /// Id of the release that is asked for.
    pub wanted: Option<String>,
    /// Whether everything is scaled to zero.
    pub suspended: bool,
    /// Whether a person told the operator to keep its hands off.
    pub paused: bool,
    /// Available and wanted servers.
    pub app: (i32, i32),
    /// Available and wanted workers.
    pub worker: (i32, i32),
    /// Fields without effect, each with what to do.
    pub not_acted_on: Option<Vec<String>>,
    /// Where users reach the environment.
    pub url: Option<String>,
    /// The services, where a server could be asked.
    pub services: Option<Vec<ServiceStatus>>,
    /// How often a release in its bake is looked at.
    pub watch_every: Duration,
    /// When the release under way has been watched long enough.
    pub bake_until: Option<Timestamp>,
    /// Whether a Job makes database, bucket and collections now.
    pub provisioning: bool,
    /// The restore that wants servers and workers gone, and how far it is.
    pub restoring: Option<(String, RestorePhase)>,
    /// What is said of backups and drills.
    pub backups: Option<Said>,
    /// How the task monitor is.
    pub monitor: Option<monitor::Seen>,
}

/// Why nothing can be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// What is missing or wrong.
    pub trouble: Trouble,
    /// Whether the operator itself is about to mend it.
    pub passing: bool,
}

/// The plan for an environment that could be resolved.
///
/// # Errors
/// When an object cannot be written as JSON.
pub fn plan(resolved: &Resolved, observed: &Observed, before: &Before, now: Timestamp) -> Result<Plan, Error> {
    let outlook = outlook(resolved, observed, before);
    if before.paused {
        return Ok(Plan { state: hold(&before.state, now), before: before.state.clone(), outlook, ..Plan::default() });
    }
    let facts = facts::facts(resolved, observed, &before.state, &before.services, before.wishes.clone());
    let state = if resolved.suspend {
        hold(&before.state, now)
    } else {
        next(&before.state, &facts, &facts::policy(resolved), now)
    };
    let layout = layout(&state, &facts, now);
    let objects = objects(resolved, observed, &state, &layout, now)?;
    let removals = later(removals(resolved, observed, &state, &layout, &objects), resolved, before, &facts, now);
    let outlook = Outlook {
        trouble: facts::current_trouble(observed, &state),
        bake_until: facts::bake_until(resolved, &state),
        provisioning: is_provisioning(resolved, observed, &state),
        monitor: Some(monitor::seen(resolved, observed, layout.monitor.as_ref())),
        ..outlook
    };
    Ok(Plan { objects, removals, state, before: before.state.clone(), outlook })
}

/// What the state that is written down still needs is removed only when the next one is written down: an operator that is killed
/// in between, or whose status is refused, must find it.
fn later(
    removals: Vec<Removal>,
    resolved: &Resolved,
    before: &Before,
    facts: &release::Facts,
    now: Timestamp,
) -> Vec<Removal> {
    let name =
        |workload: &Workload| names::deployment(&resolved.identity.name, workload.component, workload.slot.colour);
    let needed: Vec<String> = release::layout(&before.state, facts, now).workloads.iter().map(name).collect();
    let is_needed = |removal: &Removal| removal.resource.kind == "Deployment" && needed.contains(&removal.name);
    removals.into_iter().filter(|removal| !is_needed(removal)).collect()
}

/// What is remembered, and what a person wishes.
#[derive(Debug, Clone, Default)]
pub struct Before {
    /// The release as it was remembered.
    pub state: ReleaseState,
    /// The services as they were last seen.
    pub services: Vec<ServiceStatus>,
    /// What a person asks for.
    pub wishes: Wishes,
    /// Whether a person told the operator to keep its hands off.
    pub paused: bool,
}

/// The plan for an environment that lacks something: what runs goes on.
#[must_use]
pub fn blocked(unresolved: &Unresolved, passing: bool, observed: &Observed, before: &Before) -> Plan {
    let rests = facts::rests(observed);
    let later = if observed.suspend && !rests { "; spec.suspend takes effect once this is mended" } else { "" };
    let trouble = Trouble::new(unresolved.reason(), format!("{unresolved}{later}"));
    let outlook = Outlook {
        blocked: Some(Blocked { trouble, passing }),
        suspended: observed.suspend && rests,
        paused: before.paused,
        app: facts::available_of_active(&observed.environment, Component::App, &before.state, observed),
        worker: facts::available_of_active(&observed.environment, Component::Worker, &before.state, observed),
        services: facts::services(observed, &before.state),
        ..Outlook::default()
    };
    Plan { state: hold(&before.state, observed.at), before: before.state.clone(), outlook, ..Plan::default() }
}

/// The plan for an environment whose variables cannot be used while a release runs with its own: what stands is looked after, and
/// what has the traffic is watched to its end. Nothing new begins, since nobody knows what it would be.
///
/// # Errors
/// When an object cannot be written as JSON.
pub fn guarded(
    resolved: &Resolved,
    blocked: Plan,
    observed: &Observed,
    before: &Before,
    now: Timestamp,
) -> Result<Plan, Error> {
    let is_suspended = resolved.suspend && observed.restoring.is_none();
    if before.paused || is_suspended {
        return Ok(blocked);
    }
    let facts = facts::facts(resolved, observed, &before.state, &before.services, before.wishes.clone());
    let has_traffic = before.state.running.as_ref().is_some_and(|running| !running.phase.before_switch());
    let state = if has_traffic && !before.state.is_returning() {
        next(&before.state, &facts, &facts::policy(resolved), now)
    } else {
        hold(&before.state, now)
    };
    let layout = layout(&state, &facts, now);
    let mut objects = objects(resolved, observed, &state, &layout, now)?;
    objects.retain(|object| object.resource.kind != "Secret");
    let removals = later(removals(resolved, observed, &state, &layout, &objects), resolved, before, &facts, now);
    let outlook = Outlook {
        bake_until: facts::bake_until(resolved, &state),
        monitor: Some(monitor::seen(resolved, observed, layout.monitor.as_ref())),
        ..blocked.outlook
    };
    Ok(Plan { objects, removals, state, before: before.state.clone(), outlook })
}

/// The plan that writes credentials for shared services; everything else follows at the next look.
///
/// # Errors
/// When the Secret cannot be written as JSON.
pub fn credentials(credentials: &Credentials, unresolved: Plan) -> Result<Plan, Error> {
    let secret = Object::new(&provisioned_secret::build(credentials), Writing::Always)?;
    Ok(Plan { objects: vec![secret], ..unresolved })
}

fn outlook(resolved: &Resolved, observed: &Observed, before: &Before) -> Outlook {
    let environment = resolved.identity.name.as_str();
    let of = |component| facts::available_of_active(environment, component, &before.state, observed);
    let inside = || format!("http://{environment}.{}.svc", resolved.identity.namespace);
    Outlook {
        blocked: None,
        trouble: facts::current_trouble(observed, &before.state),
        wanted: Some(resolved.release_id.clone()),
        suspended: resolved.suspend && (!before.paused || facts::rests(observed)),
        paused: before.paused,
        app: of(Component::App),
        worker: of(Component::Worker),
        not_acted_on: Some(resolved.not_acted_on.iter().map(ToString::to_string).collect()),
        url: Some(resolved.routing.as_ref().map_or_else(inside, super::resolve::Routing::url)),
        services: facts::services(observed, &before.state),
        bake_until: facts::bake_until(resolved, &before.state),
        watch_every: resolved.release.analysis.interval.to_std(),
        provisioning: is_provisioning(resolved, observed, &before.state),
        restoring: observed.restoring.clone(),
        backups: None,
        monitor: Some(monitor::seen(resolved, observed, before.state.active.as_ref().map(Placed::slot).as_ref())),
    }
}

fn is_provisioning(resolved: &Resolved, observed: &Observed, state: &ReleaseState) -> bool {
    needs_database(state)
        && provision_job(resolved, observed).is_some_and(|job| !matches!(job, release::Job::Succeeded(_)))
}

/// In the order in which they are written, so that nothing is ever there before what it needs:
/// 1. Secrets and the service account, without which a pod does not start, and policies, so that no pod is ever open;
/// 2. the Job of the release's phase, which uses them;
/// 3. Deployments of servers, which use what the Job made;
/// 4. autoscalers and disruption budgets, which speak of Deployments;
/// 5. Services, which send users to servers;
/// 6. Deployments of workers: that they are refused must not keep the users where they are;
/// 7. the task monitor, which shows what the workers do;
/// 8. routes, which send users to Services, and what tells a Prometheus of Services and pods;
/// 9. schedules of backups, which work as the release that serves, and records of those that were made.
///
/// What takes users back to a release that runs already waits for nothing.
fn objects(
    resolved: &Resolved,
    observed: &Observed,
    state: &ReleaseState,
    layout: &Layout,
    now: Timestamp,
) -> Result<Vec<Object>, Error> {
    let mut objects = Vec::new();
    if in_phase(state, Phase::Rollback) {
        objects.extend(services(resolved, layout.traffic, layout.preview)?);
    }
    objects.extend(secret(resolved, state)?);
    objects.push(Object::new(&service_account::build(resolved), Writing::Apply)?);
    objects.extend(each(&network_policy::build(resolved))?);
    objects.extend(job(resolved, observed, state, layout, now)?);
    let (apps, workers): (Vec<_>, Vec<_>) =
        layout.workloads.iter().partition(|workload| workload.component == Component::App);
    for workload in apps {
        objects.push(deployment(resolved, observed, state, workload)?);
    }
    if let Some(active) = layout.traffic {
        objects.extend(each(&horizontal_pod_autoscaler::build(resolved, active))?);
    }
    let standing = layout.workloads.iter().map(|workload| (workload.component, workload.slot.colour));
    objects.extend(each(&pod_disruption_budget::build(resolved, standing))?);
    if !in_phase(state, Phase::Rollback) {
        objects.extend(services(resolved, layout.traffic, layout.preview)?);
    }
    for workload in workers {
        objects.push(deployment(resolved, observed, state, workload)?);
    }
    objects.extend(monitor::objects(resolved, observed, layout.monitor.as_ref())?);
    objects.extend(routes(resolved)?);
    objects.extend(backup_objects(resolved, observed, state)?);
    Ok(objects)
}

fn backup_objects(resolved: &Resolved, observed: &Observed, state: &ReleaseState) -> Result<Vec<Object>, Error> {
    let is_held = observed.restoring.is_some();
    // Before the first release they only are the recipe by which a lost database comes back.
    let asks = state.step().is_some_and(|step| step.message.starts_with(release::QUESTION));
    let candidate = state.running.as_ref().filter(|_| asks).map(|running| &running.placed);
    let slot = state.active.as_ref().or(candidate).map(Placed::slot);
    let is_held = is_held || state.active.is_none();
    let schedules = slot.iter().flat_map(|slot| backup_cron_job::build(resolved, slot, is_held));
    let schedules = schedules.map(|schedule| Object::new(&schedule, Writing::Apply));
    let records = backups::records(resolved, observed).into_iter();
    schedules.chain(records.map(|record| Object::new(&record, Writing::Create))).collect()
}

/// The variables of a release that failed are not needed any more, nor are those of one that waits while everything is at rest.
fn secret(resolved: &Resolved, state: &ReleaseState) -> Result<Option<Object>, Error> {
    let is_used = state.watched().is_some_and(|placed| placed.release.id == resolved.release_id);
    is_used.then(|| Object::new(&release_secret::build(resolved), Writing::Opaque)).transpose()
}

/// Before anything is done to a database, what the release needs on shared services is made, where the environment asks for that.
fn job(
    resolved: &Resolved,
    observed: &Observed,
    state: &ReleaseState,
    layout: &Layout,
    now: Timestamp,
) -> Result<Option<Object>, Error> {
    if resolved.suspend {
        return Ok(None);
    }
    if let Some(provision) = provision_job(resolved, observed).filter(|_| needs_database(state))
        && !matches!(provision, release::Job::Succeeded(_))
    {
        let slot = state.running.as_ref().map(|running| running.placed.slot());
        let job = slot.filter(|_| !release::layout::failed_long_ago(&provision, now));
        let job = job.and_then(|slot| provision_job::build(resolved, &slot));
        return job.map(|job| Object::new(&job, Writing::Create)).transpose();
    }
    match &layout.job {
        Some(JobRun::Ensure(task, slot)) => {
            let serving = state
                .active
                .as_ref()
                .map(|active| release_job::Serving { release: &active.release.id, schema: active.schema.as_deref() });
            Object::new(&release_job::build(resolved, slot, *task, serving), Writing::Create).map(Some)
        }
        Some(JobRun::Replace(..)) | None => Ok(None),
    }
}

fn deployment(
    resolved: &Resolved,
    observed: &Observed,
    state: &ReleaseState,
    workload: &Workload,
) -> Result<Object, Error> {
    let Workload { component, slot } = workload;
    let is_in_reserve = state.previous.as_ref().is_some_and(|previous| previous.colour == slot.colour);
    let of = |colour| observed.deployments.get(&names::deployment(&resolved.identity.name, *component, colour));
    // A colour that is started, or that may have to take the traffic back, is as large as the one that has it.
    let replicas = |scale: Scale| match of(slot.colour) {
        None => Some(scale.like(of(slot.colour.other()))),
        Some(_) if is_in_reserve => Some(scale.like(of(slot.colour.other()))),
        live @ Some(_) => scale.replicas(live, MANAGER),
    };
    let mut deployment = match component {
        Component::Worker => deployment::worker(resolved, slot, replicas(resolved.worker.scale)),
        Component::App | Component::Monitor | Component::Backup | Component::Migrate | Component::Provision => {
            deployment::app(resolved, slot, replicas(resolved.app.scale))
        }
    };
    let is_kept = slot.release != resolved.release_id && observed.has_started(*component, &slot.release);
    if let Some(live) = of(slot.colour).filter(|_| is_kept) {
        keep_pods(&mut deployment, live, &slot.release);
    }
    Object::new(&deployment, Writing::Apply)
}

/// The spec speaks of the release that it asks for. Pods of another one keep the resources and limits that they were started
/// with: a new image often comes with new ones, and the old release must not notice. Where none has started, there is nothing to
/// keep: the spec may have been mended for their sake.
pub(super) fn keep_pods(deployment: &mut Deployment, live: &Deployment, release: &str) {
    let ours = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref()?.containers.first()?.image.clone());
    let template = live.spec.as_ref().map(|spec| &spec.template).filter(|template| {
        let labels = template.metadata.as_ref().and_then(|metadata| metadata.labels.as_ref());
        let image = template.spec.as_ref().and_then(|pod| pod.containers.first()?.image.clone());
        image == ours && labels.and_then(|labels| labels.get(labels::RELEASE)).is_some_and(|id| id == release)
    });
    if let (Some(spec), Some(template)) = (&mut deployment.spec, template) {
        spec.template = template.clone();
    }
}

fn services(resolved: &Resolved, traffic: Option<Colour>, preview: Option<Colour>) -> Result<Vec<Object>, Error> {
    each(&[service::active(resolved, traffic), service::preview(resolved, preview)])
}

fn routes(resolved: &Resolved) -> Result<Vec<Object>, Error> {
    let ingress = ingress::build(resolved).map(|ingress| Object::new(&ingress, Writing::Apply));
    let route =
        http_route::build(resolved).map(|route| Object::of_kind(&route, http_route::resource(), Writing::Apply));
    let of_services = [service_monitor::build(resolved), service_monitor::of_monitor(resolved)].into_iter().flatten();
    let of_services = of_services.map(|monitor| Object::of_kind(&monitor, service_monitor::resource(), Writing::Apply));
    let workers =
        pod_monitor::build(resolved).map(|monitor| Object::of_kind(&monitor, pod_monitor::resource(), Writing::Apply));
    let alerts = prometheus_rule::build(resolved)
        .map(|rule| Object::of_kind(&rule, prometheus_rule::resource(), Writing::Apply));
    [ingress, route].into_iter().flatten().chain(of_services).chain(workers).chain(alerts).collect()
}

fn each<K>(objects: &[K]) -> Result<Vec<Object>, Error>
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope> + serde::Serialize,
{
    objects.iter().map(|object| Object::new(object, Writing::Apply)).collect()
}
