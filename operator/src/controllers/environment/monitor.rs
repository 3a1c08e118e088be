//! The task monitor of an environment: what is written for it, and what is said of it. Pure.
//!
//! It goes with the release that serves ([`crate::release::Layout::monitor`] says why), and is there for those who look after the
//! environment, not for its users. That it is ill, refused, or missing from an older image is told in a condition of its own. It
//! keeps neither the environment from being Ready nor a release from going on: no check of a release looks at it.

use k8s_openapi::api::apps::v1::Deployment;

use super::{
    object::{Object, Writing},
    observe::Observed,
    plan::keep_pods,
    resolve::Resolved,
    trouble::{Trouble, no_pods, of_pods},
};
use crate::{
    crd::{
        conditions::{self, Decision},
        reasons,
    },
    error::Error,
    resources::{
        Slot, deployment,
        labels::{self, Component},
        names, service,
    },
};

/// How the task monitor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The spec switches it off.
    Off,
    /// No release serves whose monitor it could be.
    NoRelease,
    /// It is at zero, as everything is.
    AtZero,
    /// Its pod is ready.
    Up,
    /// Its pod is not ready yet.
    Starting,
    /// Its pod does not become ready, or is not ready any more.
    Ill(Trouble),
}

/// Deployment and Service, for the release of `slot`.
///
/// # Errors
/// When an object cannot be written as JSON.
pub fn objects(resolved: &Resolved, observed: &Observed, slot: Option<&Slot>) -> Result<Vec<Object>, Error> {
    let built = slot.and_then(|slot| Some((slot, deployment::monitor(resolved, slot)?)));
    let Some((slot, mut deployment)) = built else { return Ok(Vec::new()) };
    let is_kept = slot.release != resolved.release_id && observed.has_started(Component::Monitor, &slot.release);
    if let Some(live) = live(observed).filter(|_| is_kept) {
        keep_pods(&mut deployment, live, &slot.release);
    }
    Ok(vec![Object::new(&deployment, Writing::Apply)?, Object::new(&service::monitor(resolved), Writing::Apply)?])
}

/// Looks at the monitor of the release in `slot`.
#[must_use]
pub fn seen(resolved: &Resolved, observed: &Observed, slot: Option<&Slot>) -> Seen {
    let Some(monitor) = &resolved.monitor else { return Seen::Off };
    let Some(release) = slot.map(|slot| slot.release.as_str()) else { return Seen::NoRelease };
    let live = live(observed).filter(|live| runs(live, release));
    if live.is_some_and(is_available) {
        Seen::Up
    } else if monitor.replicas == 0 {
        Seen::AtZero
    } else if let Some(trouble) = trouble(observed, live, release) {
        Seen::Ill(trouble)
    } else {
        Seen::Starting
    }
}

/// What the condition says: of its state, unless it could not even be written.
#[must_use]
pub fn decision(seen: &Seen, refused: Option<&Trouble>) -> Decision {
    let decision = |status, reason, message: &str| {
        let message = message.to_owned();
        Decision { type_: conditions::MONITOR_HEALTHY, status, reason, message }
    };
    match (seen, refused) {
        (Seen::Off, _) => decision(None, reasons::MONITOR_OFF, "it is not run, because monitor.enabled is false"),
        (_, Some(trouble)) | (Seen::Ill(trouble), None) => decision(Some(false), trouble.reason, &trouble.message),
        (Seen::NoRelease, None) => decision(None, reasons::NOT_OBSERVED, "it is started when a release serves"),
        (Seen::AtZero, None) => decision(None, reasons::NOT_OBSERVED, "it is at zero, as app and workers are"),
        (Seen::Starting, None) => decision(None, reasons::NOT_OBSERVED, "its pod is not ready yet"),
        (Seen::Up, None) => decision(Some(true), reasons::MONITOR_READY, "its pod is ready"),
    }
}

fn live(observed: &Observed) -> Option<&Deployment> {
    observed.deployments.get(&names::component(&observed.environment, Component::Monitor))
}

/// Whether what the Deployment tells is of this release.
fn runs(live: &Deployment, release: &str) -> bool {
    let template = live.spec.as_ref().and_then(|spec| spec.template.metadata.as_ref()?.labels.as_ref());
    let is_told = live.status.as_ref().is_some_and(|status| status.observed_generation >= live.metadata.generation);
    is_told && template.and_then(|labels| labels.get(labels::RELEASE)).is_some_and(|id| id == release)
}

fn is_available(live: &Deployment) -> bool {
    live.status.as_ref().and_then(|status| status.available_replicas).is_some_and(|pods| pods > 0)
}

fn trouble(observed: &Observed, live: Option<&Deployment>, release: &str) -> Option<Trouble> {
    let of_pods = of_pods(observed.component_of(Component::Monitor, release), observed).map(explained);
    of_pods.or_else(|| live.and_then(no_pods)).or_else(|| {
        let message = "its pod is not ready; what it waits for, its log says";
        live.filter(|live| is_overdue(live)).map(|_| Trouble::new(reasons::PODS_NOT_READY, message))
    })
}

/// An image from before there was a task monitor does not know the word.
fn explained(trouble: Trouble) -> Trouble {
    if trouble.reason == reasons::CRASH_LOOP && trouble.message.contains("unrecognized subcommand") {
        let message = "the image of the release that serves has no task monitor; release a newer one, or set monitor.enabled to false";
        return Trouble::new(reasons::MONITOR_MISSING, message);
    }
    trouble
}

/// Whether the pod was ready once, or had its time to become so.
fn is_overdue(live: &Deployment) -> bool {
    let conditions = live.status.as_ref().and_then(|status| status.conditions.as_ref()).into_iter().flatten();
    let mut progress = conditions.filter(|condition| condition.type_ == "Progressing");
    progress.any(|it| it.status == "False" || it.reason.as_deref() == Some("NewReplicaSetAvailable"))
}

#[cfg(test)]
mod tests;
