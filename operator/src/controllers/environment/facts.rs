//! What the state machine of releases is told, and what status says about the servers.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::ResourceExt;

use super::{
    jobs,
    observe::{self, Observed},
    resolve::{Resolved, Scale},
    trouble::{Trouble, trouble},
    watch::{requests, watch},
};
use crate::{
    crd::{environment_status::ServiceStatus, reasons},
    probe::Health,
    release::{
        Backup, Check, Facts, Job, Phase, Placed, Policy, Release, ReleaseState, Rollout, Wishes, facts::PROVISIONING,
        returnable,
    },
    resources::{
        labels::{self, Component},
        names,
        release_job::Task,
    },
};

/// The facts of an environment for its release.
#[must_use]
pub fn facts(
    resolved: &Resolved,
    observed: &Observed,
    state: &ReleaseState,
    services: &[ServiceStatus],
    wishes: Wishes,
) -> Facts {
    // An outage that the release before sees too is told by that one, as of now where it can be asked.
    let known = self::services(observed, state);
    let services = known.as_deref().unwrap_or(services);
    let wanted = Release { id: resolved.release_id.clone(), image: resolved.image.reference.clone() };
    let environment = resolved.identity.name.as_str();
    let watched = state.watched().cloned();
    let rollout = |component, scale: Scale| {
        let least = scale.minimum().min(1);
        watched.as_ref().map_or_else(absent, |placed| rollout_of(environment, component, placed, least, observed))
    };
    let job = |task| {
        let name = watched.as_ref().map(|placed| names::release_job(environment, task, &placed.release.id));
        name.map_or(Job::Absent, |name| done_or_again(task, &name, observed))
    };
    let provision = provision_job(resolved, observed).filter(|_| needs_database(state));
    let provision = provision.and_then(|provision| unfinished(provision, state));
    Facts {
        wanted,
        wishes,
        past: past(environment, observed, state),
        backup: provision.clone().unwrap_or_else(|| job(Task::Backup)),
        restored: restored(observed, watched.as_ref().map(|placed| placed.release.id.as_str())),
        expand: provision.unwrap_or_else(|| job(Task::Expand)),
        contract: job(Task::Contract),
        downgrade: job(Task::Downgrade),
        cannot_start: watched.as_ref().and_then(|placed| cannot_start(observed, placed)),
        app: rollout(Component::App, resolved.app.scale),
        worker: rollout(Component::Worker, resolved.worker.scale),
        check: watched.as_ref().map_or(Check::Unknown, |placed| check(resolved, placed, observed, services)),
        watch: watch(resolved, observed, state),
        requests: requests(observed, state),
        serving: state.active.as_ref().map_or_else(absent, |active| servers(resolved, active, observed)),
        previous: state.previous.as_ref().map_or_else(absent, |previous| servers(resolved, previous, observed)),
        active: state.active.as_ref().map_or_else(absent, |active| whole(resolved, active, observed)),
        old_pods: watched.as_ref().map_or(0, |placed| of_others(observed, &placed.release.id)),
        own_pods: watched.as_ref().map_or(0, |placed| own_pods(environment, placed, observed)),
    }
}

/// What is not known of a Job that ended well is found out by running it again: it finds its work done. Contract migrations may
/// have been applied, and count as such.
fn done_or_again(task: Task, name: &str, observed: &Observed) -> Job {
    let ended = || observed.jobs.get(name).and_then(jobs::ended_at);
    match jobs::fact(name, observed) {
        Job::Succeeded(report) if report.lost && task != Task::Contract => Job::Failed {
            at: ended().unwrap_or(Timestamp::UNIX_EPOCH),
            message: "its pod was removed before its last words were read: it is run again".to_owned(),
        },
        job @ (Job::Absent | Job::Running { .. } | Job::Succeeded(_) | Job::Failed { .. }) => job,
    }
}

/// Pods of other releases, and Deployments that may make more of them.
fn of_others(observed: &Observed, release: &str) -> usize {
    let makes = |deployment: &&Deployment| {
        let is_other = template_release(deployment).is_some_and(|id| id != release);
        is_other && desired(deployment) > 0
    };
    serving_pods(observed, |id| id != release) + observed.deployments.values().filter(makes).count()
}

/// Whether a restore has ended well since the Job that backs up for this release was made.
fn restored(observed: &Observed, release: Option<&str>) -> bool {
    let job = release.map(|id| names::release_job(&observed.environment, Task::Backup, id));
    let made = job.and_then(|name| observed.jobs.get(&name)?.creation_timestamp()).map(|time| time.0);
    made.zip(observed.restored_at).is_some_and(|(made, restored)| restored > made)
}

fn cannot_start(observed: &Observed, placed: &Placed) -> Option<String> {
    let trouble = trouble(observed, &[&placed.release.id])?;
    (trouble.reason == reasons::IMAGE_PULL_FAILED).then_some(trouble.message)
}

/// Servers, workers, and what migrates.
fn own_pods(environment: &str, placed: &Placed, observed: &Observed) -> usize {
    let id = placed.release.id.as_str();
    let migration = names::release_job(environment, Task::Expand, id);
    let migrates = |pod: &&std::sync::Arc<Pod>| jobs::job_of(pod) == Some(migration.as_str()) && !jobs::is_over(pod);
    serving_pods(observed, |release| release == id) + observed.pods.iter().filter(migrates).count()
}

/// Releases that can be returned to, and whose variables are kept.
fn past(environment: &str, observed: &Observed, state: &ReleaseState) -> Vec<Release> {
    let active = state.active.as_ref().map(|active| active.release.id.as_str());
    let has_variables = |id: &str| {
        let name = names::release_secret(environment, id);
        observed.own_secrets.iter().any(|secret| secret.name_any() == name)
    };
    let others = returnable(&state.history, active).into_iter().filter(|past| has_variables(&past.id));
    others.map(|past| Release { id: past.id.clone(), image: past.image.clone() }).collect()
}

/// Most of the servers are up; workers of the release before do not run.
fn servers(resolved: &Resolved, placed: &Placed, observed: &Observed) -> Rollout {
    let least = resolved.app.scale.minimum().min(1);
    let (up, wanted) = available(&resolved.identity.name, Component::App, placed, observed);
    if up >= least && up * 2 >= wanted {
        Rollout::Complete
    } else {
        Rollout::Pending { message: format!("{up} of {wanted} servers are up") }
    }
}

/// Servers and workers together.
fn whole(resolved: &Resolved, placed: &Placed, observed: &Observed) -> Rollout {
    let environment = resolved.identity.name.as_str();
    let of = |component, scale: Scale| rollout_of(environment, component, placed, scale.minimum().min(1), observed);
    match of(Component::App, resolved.app.scale) {
        Rollout::Complete => of(Component::Worker, resolved.worker.scale),
        pending @ Rollout::Pending { .. } => pending,
    }
}

/// The limits of an environment.
#[must_use]
pub fn policy(resolved: &Resolved) -> Policy {
    Policy {
        strategy: resolved.release.strategy,
        promotion: resolved.release.promotion,
        bake: resolved.release.bake.to_std(),
        on_failure: resolved.release.on_failure,
        check_timeout: resolved.release.check_timeout.to_std(),
        migration_timeout: resolved.migrations.timeout.to_std(),
        drain_timeout: resolved.worker.drain_timeout.to_std(),
        on_rollback: resolved.migrations.on_rollback,
        backup: match (resolved.migrations.backup_first, resolved.migrations.backup_required) {
            (false, _) => Backup::No,
            (true, false) => Backup::IfPossible,
            (true, true) => Backup::Required,
        },
    }
}

/// When the release in its bake has been watched long enough; time in which it was not advanced does not count.
#[must_use]
pub fn bake_until(resolved: &Resolved, state: &ReleaseState) -> Option<Timestamp> {
    let step = state.step().filter(|step| step.name == crate::crd::Phase::Bake)?;
    let held = SignedDuration::from_secs(step.held_seconds.unwrap_or(0));
    let bake = SignedDuration::try_from(resolved.release.bake.to_std()).ok()?;
    step.started_at.0.checked_add(held).ok()?.checked_add(bake).ok()
}

/// The Job that makes what the environment needs on shared services, where it asks for that.
#[must_use]
pub fn provision_job(resolved: &Resolved, observed: &Observed) -> Option<Job> {
    let provision = resolved.provision.as_ref()?;
    Some(jobs::fact(&names::provision_job(&resolved.identity.name, &provision.hash), observed))
}

/// Whether a release is in this phase.
#[must_use]
pub fn in_phase(state: &ReleaseState, phase: Phase) -> bool {
    state.running.as_ref().is_some_and(|running| running.phase == phase)
}

/// Whether the release is in a phase that begins with a database.
#[must_use]
pub fn needs_database(state: &ReleaseState) -> bool {
    in_phase(state, Phase::Backup) || in_phase(state, Phase::Migrate)
}

/// Nothing is done to a database before there is one: until then the first step counts as under way.
fn unfinished(provision: Job, state: &ReleaseState) -> Option<Job> {
    let message = match provision {
        Job::Succeeded(_) => return None,
        Job::Running { message } | Job::Failed { message, .. } if !message.is_empty() => {
            format!("{PROVISIONING}{message}")
        }
        Job::Absent | Job::Running { .. } | Job::Failed { .. } => {
            state.step().map(|step| step.message.clone()).unwrap_or_default()
        }
    };
    Some(Job::Running { message })
}

fn absent() -> Rollout {
    Rollout::Pending { message: "nothing runs yet".to_owned() }
}

fn rollout_of(environment: &str, component: Component, placed: &Placed, least: i32, observed: &Observed) -> Rollout {
    let name = names::deployment(environment, component, placed.colour);
    let Some(deployment) = observed.deployments.get(&name) else {
        return Rollout::Pending { message: format!("Deployment {name} is being created") };
    };
    match rollout(deployment, &placed.release.id, least) {
        Rollout::Complete => Rollout::Complete,
        Rollout::Pending { message } => {
            let trouble = trouble(observed, &[&placed.release.id]);
            Rollout::Pending { message: trouble.map_or(message, |trouble| trouble.message) }
        }
    }
}

/// Like `kubectl rollout status`, for one release. A Deployment that is at zero and should not be is not done.
fn rollout(deployment: &Deployment, release: &str, least: i32) -> Rollout {
    let pending = |message: String| Rollout::Pending { message };
    let name = deployment.name_any();
    let status = deployment.status.clone().unwrap_or_default();
    let desired = desired(deployment).max(least);
    let of = |number: Option<i32>| number.unwrap_or(0);
    if template_release(deployment) != Some(release) || status.observed_generation < deployment.metadata.generation {
        pending(format!("Deployment {name} is being updated"))
    } else if of(status.updated_replicas) < desired || of(status.available_replicas) < desired {
        pending(format!(
            "{} of {desired} pods of Deployment {name} are available",
            of(status.available_replicas).min(of(status.updated_replicas))
        ))
    } else if of(status.available_replicas) < of(status.replicas) {
        pending(format!("new pods of Deployment {name} are not ready yet"))
    } else if of(status.replicas) > of(status.updated_replicas) {
        pending(format!("old pods of Deployment {name} are being replaced"))
    } else {
        Rollout::Complete
    }
}

fn template_release(deployment: &Deployment) -> Option<&str> {
    let labels = deployment.spec.as_ref()?.template.metadata.as_ref()?.labels.as_ref()?;
    labels.get(labels::RELEASE).map(String::as_str)
}

fn desired(deployment: &Deployment) -> i32 {
    deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
}

/// How many pods of a component are available, and how many are wanted.
#[must_use]
pub fn available(environment: &str, component: Component, placed: &Placed, observed: &Observed) -> (i32, i32) {
    let deployment = observed.deployments.get(&names::deployment(environment, component, placed.colour));
    deployment.map_or((0, 1), |deployment| {
        let available = deployment.status.as_ref().and_then(|status| status.available_replicas).unwrap_or(0);
        (available, desired(deployment))
    })
}

/// The same of the active release.
#[must_use]
pub fn available_of_active(
    environment: &str,
    component: Component,
    state: &ReleaseState,
    observed: &Observed,
) -> (i32, i32) {
    state.active.as_ref().map_or((0, 1), |active| available(environment, component, active, observed))
}

/// Whether nothing runs, nor should.
#[must_use]
pub fn rests(observed: &Observed) -> bool {
    observed.deployments.values().all(|deployment| desired(deployment) == 0)
}

/// Every server speaks for itself: a Service would hide the one that is ill.
fn check(resolved: &Resolved, placed: &Placed, observed: &Observed, services: &[ServiceStatus]) -> Check {
    let (_, wanted) = available(&resolved.identity.name, Component::App, placed, observed);
    let wants_none = wanted == 0 && resolved.app.scale.minimum() == 0;
    match (examination(placed, observed, services), &observed.question) {
        (Examination::Unknown, _) if wants_none => Check::Passed,
        (Examination::Objected(message), _) => Check::Failing { message },
        // Who cannot be expected to answer is not asked: an outage of the model blocks no release.
        (Examination::Mute, _) | (Examination::MayAnswer, Some(Ok(()))) => Check::Passed,
        (Examination::Unknown, _) | (Examination::MayAnswer, None) => Check::Unknown,
        (Examination::MayAnswer, Some(Err(unanswered))) => {
            Check::Failing { message: format!("{NO_ANSWER}{unanswered}; look at its log") }
        }
    }
}

/// What the servers of a release say about themselves, before one of them is asked a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Examination {
    /// There is none, or not every one could be asked yet.
    Unknown,
    /// Something speaks against one of them.
    Objected(String),
    /// All is well but the model, without which they cannot answer.
    Mute,
    /// All is well, and they can be asked.
    MayAnswer,
}

/// Examines the servers of `placed`, beside what is known of the services.
#[must_use]
pub fn examination(placed: &Placed, observed: &Observed, services: &[ServiceStatus]) -> Examination {
    let mut verdict = Examination::Unknown;
    for pod in observed.servers_of(&placed.release.id) {
        match observed.answers.get(&pod.name_any()) {
            None => return Examination::Unknown,
            Some(Err(unanswered)) => {
                let next = "if this lasts, let the operator's pods reach port 8000 of the app's";
                return Examination::Objected(format!("{unanswered}; {next}"));
            }
            Some(Ok(health)) => match objection(health, placed, services) {
                Some(message) => return Examination::Objected(message),
                None if !observe::may_answer(health) => verdict = Examination::Mute,
                None if verdict == Examination::Unknown => verdict = Examination::MayAnswer,
                None => {}
            },
        }
    }
    verdict
}

/// How the message of a check begins that found no answer to a question.
pub const NO_ANSWER: &str = "a server gives no answer to a question: ";

/// What speaks against a server: another release, a schema that does not fit, or a service that was healthy before the release.
fn objection(health: &Health, placed: &Placed, services: &[ServiceStatus]) -> Option<String> {
    if health.release_id.as_deref() != Some(&placed.release.id) {
        return Some(format!("a server says that it runs release {}", health.release_id.as_deref().unwrap_or("none")));
    }
    if health.schema.as_ref().is_some_and(|schema| !schema.compatible) {
        return Some("the database's schema does not fit the release".to_owned());
    }
    let was_healthy = |name: &str| services.iter().any(|known| known.name == name && known.healthy);
    let worse =
        health.services.iter().find(|service| !service.healthy && (service.required || was_healthy(&service.name)))?;
    let why = super::trouble::short(worse.message.as_deref().unwrap_or("it does not answer"));
    Some(format!("{} is not healthy: {why}", worse.name))
}

/// Pods of servers and workers, draining ones included, whose release is among those that are meant.
fn serving_pods(observed: &Observed, is_meant: impl Fn(&str) -> bool) -> usize {
    let serves = |pod: &Pod| jobs::job_of(pod).is_none() && !jobs::is_over(pod);
    let of_release = |pod: &Pod| pod.labels().get(labels::RELEASE).is_some_and(|release| is_meant(release));
    observed.pods.iter().filter(|pod| serves(pod) && of_release(pod)).count()
}

/// The services as a server of the active release finds them; nothing while none can be asked.
#[must_use]
pub fn services(observed: &Observed, state: &ReleaseState) -> Option<Vec<ServiceStatus>> {
    let active = state.active.as_ref()?.release.id.as_str();
    let health = observed.servers_of(active).find_map(|pod| observed.answers.get(&pod.name_any())?.as_ref().ok())?;
    Some(health.services.iter().map(service).collect())
}

/// What a healthy service says about itself changes for no reason, and is of no use.
fn service(service: &crate::probe::Service) -> ServiceStatus {
    let message = service.message.clone().filter(|_| !service.healthy).unwrap_or_default();
    ServiceStatus { name: service.name.clone(), healthy: service.healthy, message: super::trouble::short(&message) }
}

/// What is wrong with the release under way, or with the active one.
#[must_use]
pub fn current_trouble(observed: &Observed, state: &ReleaseState) -> Option<Trouble> {
    let running = state.running.as_ref().map(|running| running.placed.release.id.as_str());
    let active = state.active.as_ref().map(|active| active.release.id.as_str());
    let releases: Vec<&str> = [running, active].into_iter().flatten().collect();
    trouble(observed, &releases)
}
