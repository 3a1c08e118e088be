//! Reconciles a ChatbotEnvironment: observe, resolve, plan, apply, report.
//!
//! | file | subject |
//! |---|---|
//! | [`observe`](mod@observe) | reads the cluster |
//! | [`resolve`](mod@resolve) | spec, tier and references become one type |
//! | [`facts`], [`jobs`], [`watch`](mod@watch), [`trouble`](mod@trouble), [`cause`], [`backups`] | what was read, in the terms of releases and of people |
//! | [`monitor`] | the task monitor: what to write of it, and what to say |
//! | [`plan`](mod@plan), [`removals`](mod@removals), [`object`] | what to write, and how the release goes on |
//! | [`apply`](mod@apply), [`need`](mod@need), [`difference`], [`additions`] | writes what is not as it should be |
//! | [`report`](mod@report), [`status`](mod@status), [`conditions`], [`notes`](mod@notes) | status, events, metrics |

pub mod additions;
pub mod apply;
pub mod backups;
pub mod cause;
pub mod conditions;
pub mod difference;
pub mod facts;
pub mod jobs;
pub mod monitor;
pub mod need;
pub mod notes;
pub mod object;
pub mod observe;
pub mod plan;
pub mod removals;
pub mod report;
pub mod resolve;
pub mod status;
#[cfg(test)]
pub(crate) mod tests;
pub mod trouble;
pub mod watch;

use std::{sync::Arc, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    ResourceExt,
    runtime::{controller::Action, reflector::ObjectRef},
};

use self::{
    apply::{Applied, apply},
    facts::NO_ANSWER,
    observe::{Observed, observe},
    plan::{Before, Plan, plan},
    report::{report, report_error},
    resolve::{Problem, Resolved, Unresolved, as_released, provisioning, resolve},
};
use super::context::Context;
use crate::{
    crd::ChatbotEnvironment,
    error::Error,
    release::{Phase, ReleaseState, Wishes},
    resources::{labels, release_secret},
};

/// Annotation by which a person asks for a failed release once more, by its id.
pub const RETRY: &str = "chatbot.platform/retry";
/// Annotation by which a person lets a release have the traffic, or ends its bake, by its id.
pub const PROMOTE: &str = "chatbot.platform/promote";
/// Annotation by which a person takes back the release under way, or the active one, by its id.
pub const ROLLBACK: &str = "chatbot.platform/rollback";
/// Annotation by which a person returns to a past release, by its id.
pub const ROLLBACK_TO: &str = "chatbot.platform/rollback-to";
/// Annotation by which a person lets a release begin with an empty database although there are backups, by its id.
pub const START_EMPTY: &str = "chatbot.platform/start-empty";
/// Annotation that keeps the operator's hands off while it is "true".
pub const PAUSE: &str = "chatbot.platform/pause";

/// Brings one environment a step nearer to its spec, and says how soon to look again.
///
/// # Errors
/// When the API server cannot be reached, or an object is not what its kind says. What the user can mend is no error.
pub async fn reconcile(environment: Arc<ChatbotEnvironment>, ctx: Arc<Context>) -> Result<Action, Error> {
    let target = ObjectRef::from_obj(environment.as_ref());
    let Some(environment) = ctx.memory.newest(&target, environment) else { return Ok(Action::requeue(CATCH_UP)) };
    if environment.metadata.deletion_timestamp.is_some() {
        // Kubernetes removes what it owns; what would be made now, it would have to remove too.
        return Ok(Action::await_change());
    }
    let outcome = step(&environment, &ctx).await;
    match &outcome {
        Ok(_) => ctx.memory.succeeded(&target),
        Err(error) if ctx.memory.failures(&target) >= UNTOLD_FAILURES => report_error(&ctx, &environment, error).await,
        Err(_) => {}
    }
    outcome
}

async fn step(environment: &ChatbotEnvironment, ctx: &Context) -> Result<Action, Error> {
    let observed = observe(ctx, environment).await?;
    let plan = decide(environment, &observed, ctx)?;
    let before = ReleaseState::read(&environment.status.clone().unwrap_or_default());
    let applied = apply(ctx, plan).await?;
    report(ctx, environment, &applied).await?;
    Ok(Action::requeue(pause(&applied, &before)))
}

/// Of backups there is something to say whatever keeps the environment itself from going on.
fn decide(environment: &ChatbotEnvironment, observed: &Observed, ctx: &Context) -> Result<Plan, Error> {
    let mut plan = plan_of(environment, observed, ctx)?;
    let before = environment.status.clone().and_then(|status| status.backups).unwrap_or_default();
    plan.outlook.backups = Some(backups::said(&resolve::backups(environment), observed, &before));
    Ok(plan)
}

/// Pure but for a fresh password, which is used only where there is none yet.
fn plan_of(environment: &ChatbotEnvironment, observed: &Observed, ctx: &Context) -> Result<Plan, Error> {
    let before = before(environment);
    let blocked = |unresolved: &Unresolved| plan::blocked(unresolved, is_passing(unresolved), observed, &before);
    match provisioning(environment, &observed.references, &(ctx.new_password)()?) {
        Err(unresolved) => return Ok(blocked(&unresolved)),
        Ok(Some(credentials)) if !before.paused => {
            let unresolved = Problem::NotProvisioned { secret: format!("{}-provisioned", credentials.identity.name) };
            return plan::credentials(&credentials, blocked(&unresolved.into()));
        }
        Ok(_) => {}
    }
    match resolve(environment, &observed.references) {
        Ok(mut resolved) => {
            with_running(&mut resolved, observed, &before);
            plan(&resolved, observed, &before, ctx.clock.now())
        }
        Err(unresolved) => {
            let stand_in = before
                .state
                .stands_in()
                .zip(observed.released.as_ref())
                .and_then(|(placed, released)| as_released(environment, &observed.references, released, placed));
            let blocked = blocked(&unresolved);
            match stand_in {
                Some(mut resolved) => {
                    with_running(&mut resolved, observed, &before);
                    plan::guarded(&resolved, blocked, observed, &before, ctx.clock.now())
                }
                None => Ok(blocked),
            }
        }
    }
}

/// The release that serves must not lose a port, or time to end, because another one no longer needs it.
fn with_running(resolved: &mut Resolved, observed: &Observed, before: &Before) {
    let runs = |secret: &&ObjectMeta| release_of(secret).is_some_and(|id| before.state.runs(id));
    let running = || observed.own_secrets.iter().map(|secret| &secret.metadata).filter(runs);
    resolved.network.endpoints = resolved.network.endpoints.clone().and(release_secret::reached_by(running()));
    if let Some(monitor) = &mut resolved.monitor {
        // How much of that another release's monitor needs, its Secret does not tell.
        let others = running().filter(|secret| release_of(secret) != Some(&resolved.release_id));
        monitor.endpoints = monitor.endpoints.clone().and(release_secret::reached_by(others));
    }
    resolved.graces = resolved.graces.clone().and(release_secret::graces(running()));
    if observed.restoring.is_some() {
        resolved.stop();
    }
}

fn release_of(secret: &ObjectMeta) -> Option<&String> {
    secret.labels.as_ref()?.get(labels::RELEASE)
}

fn before(environment: &ChatbotEnvironment) -> Before {
    let status = environment.status.clone().unwrap_or_default();
    Before {
        state: ReleaseState::read(&status),
        services: status.services,
        wishes: wishes(environment),
        paused: environment.annotations().get(PAUSE).is_some_and(|value| value == "true"),
    }
}

fn wishes(environment: &ChatbotEnvironment) -> Wishes {
    let named = |annotation| environment.annotations().get(annotation).cloned();
    Wishes {
        retry: named(RETRY),
        promote: named(PROMOTE),
        rollback: named(ROLLBACK),
        rollback_to: named(ROLLBACK_TO),
        start_empty: named(START_EMPTY),
    }
}

/// What the operator itself is about to mend is no reason to call a person.
fn is_passing(unresolved: &Unresolved) -> bool {
    unresolved.problems().iter().all(|problem| matches!(problem, Problem::NotProvisioned { .. }))
}

/// So many failures in a row are the cluster's ordinary hiccups; the next one is told in the environment's status.
const UNTOLD_FAILURES: u32 = 2;
/// A phase is over and written down: the next one begins, whatever else happens.
const AT_ONCE: Duration = Duration::ZERO;
/// A cache that has fallen behind shows more in a moment.
const CATCH_UP: Duration = Duration::from_millis(300);
/// While caches do not show everything that was written.
const UNSETTLED: Duration = Duration::from_secs(3);
/// While servers are asked for their health.
const CHECKING: Duration = Duration::from_secs(1);
/// While a release waits: its facts are watched, its deadlines are not.
const RELEASING: Duration = Duration::from_secs(5);
/// While something waits for a person.
const WAITING: Duration = Duration::from_secs(15);
/// At rest: services are asked for their health, and drift that no watch told of is found.
const RESTING: Duration = Duration::from_secs(30);

/// How soon to look again if nothing happens.
fn pause(applied: &Applied, before: &ReleaseState) -> Duration {
    let has_moved =
        |state: &ReleaseState| state.running.as_ref().map(|running| (running.placed.release.id.clone(), running.phase));
    match &applied.state.running {
        _ if has_moved(&applied.state) != has_moved(before) => AT_ONCE,
        _ if applied.outlook.blocked.is_some() || applied.refused.is_some() => WAITING,
        // Each question costs words of the language model.
        Some(_) if applied.state.step().is_some_and(|step| step.message.starts_with(NO_ANSWER)) => WAITING,
        Some(running) if running.phase == Phase::Check || running.phase == Phase::Rollback => CHECKING,
        _ if applied.unsettled => UNSETTLED,
        Some(running) if running.phase.is_watched() => applied.outlook.watch_every.clamp(CHECKING, RESTING),
        Some(running) if running.phase == Phase::Promote || running.phase == Phase::Held => RESTING,
        Some(_) if !applied.outlook.suspended => RELEASING,
        _ if applied.outlook.trouble.is_some() => WAITING,
        Some(_) | None => RESTING,
    }
}
