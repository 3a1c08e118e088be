//! The status that follows from what was done. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    apply::Applied,
    conditions::{self, Progress, Verdict},
    monitor,
    resolve::image,
};
use crate::{
    crd::{
        ChatbotEnvironment, ChatbotEnvironmentStatus, Phase,
        conditions::{self as shown, Decision},
        environment_status::{Candidate, Discounted, ReleaseStatus},
    },
    release::{Placed, ReleaseState, Requests, is_by_a_person},
    resources::labels::{self, Component},
};

/// The status to show, made from the one that is shown now: what is unknown at present stays as it was.
#[must_use]
pub fn status(environment: &ChatbotEnvironment, applied: &Applied, now: Timestamp) -> ChatbotEnvironmentStatus {
    let mut status = environment.status.clone().unwrap_or_default();
    let outlook = &applied.outlook;
    status.observed_generation = environment.metadata.generation;
    status.url = outlook.url.clone().or(status.url);
    status.services = outlook.services.clone().unwrap_or(status.services);
    status.release = Some(release(applied, status.release.as_ref()));
    status.history.clone_from(&applied.state.history);
    status.backups = outlook.backups.as_ref().map(|said| said.status.clone()).or(status.backups);
    status.failed_releases = applied.state.failed.iter().cloned().collect();
    (status.replicas, status.selector) = scale(environment, applied);
    for decision in decisions(applied, &status) {
        shown::set(&mut status.conditions, decision, environment.metadata.generation, now);
    }
    for type_ in absent(conditions::verdict(applied).progress) {
        shown::remove(&mut status.conditions, type_);
    }
    status
}

fn decisions(applied: &Applied, status: &ChatbotEnvironmentStatus) -> Vec<Decision> {
    let Verdict { ready, progress, reason, message } = conditions::verdict(applied);
    let known = !status.services.is_empty() && applied.state.active.is_some();
    let mut decisions = vec![Decision { type_: shown::READY, status: Some(ready), reason, message: message.clone() }];
    let also = match progress {
        Progress::Reconciling => Some(shown::RECONCILING),
        Progress::Stalled => Some(shown::STALLED),
        Progress::Settled => None,
    };
    decisions.extend(also.map(|type_| Decision { type_, status: Some(true), reason, message }));
    decisions.push(conditions::services(known.then_some(status.services.as_slice())));
    decisions.extend(applied.outlook.backups.iter().flat_map(|said| said.decisions.clone()));
    let monitor = applied.outlook.monitor.as_ref();
    decisions.extend(monitor.map(|seen| monitor::decision(seen, applied.monitor_refused.as_ref())));
    decisions.extend(applied.outlook.not_acted_on.as_deref().map(conditions::spec_supported));
    decisions
}

/// Reconciling and Stalled stand there only while they hold.
fn absent(progress: Progress) -> Vec<&'static str> {
    match progress {
        Progress::Reconciling => vec![shown::STALLED],
        Progress::Stalled => vec![shown::RECONCILING],
        Progress::Settled => vec![shown::RECONCILING, shown::STALLED],
    }
}

fn release(applied: &Applied, before: Option<&ReleaseStatus>) -> ReleaseStatus {
    let ReleaseState {
        active,
        previous,
        running,
        held_since,
        steps,
        retried,
        promoted,
        rolled_back,
        returned,
        discounted,
        failed: _,
        history: _,
    } = &applied.state;
    let last_start = before.and_then(|before| before.started_at.clone());
    ReleaseStatus {
        active: active.as_ref().map(|active| active.colour),
        id: active.as_ref().map(|active| active.release.id.clone()),
        image: active.as_ref().map(|active| active.release.image.clone()),
        image_tag: active.as_ref().map(|active| image::version(&active.release.image)),
        schema: active.as_ref().and_then(|active| active.schema.clone()),
        phase: phase(applied),
        candidate: running.as_ref().map(|running| candidate(&running.placed)),
        previous: previous.as_ref().map(candidate),
        started_at: running.as_ref().map(|running| Time(running.started_at)).or(last_start),
        bake_until: applied.outlook.bake_until.map(Time),
        held_since: held_since.map(Time),
        retried: retried.clone(),
        promoted: promoted.clone(),
        rolled_back: rolled_back.clone(),
        returned: returned.clone(),
        discounted: discounted.map(|Requests { all, failed, in_outage }| Discounted {
            requests: all,
            failed,
            in_outage,
        }),
        steps: steps.clone(),
    }
}

fn candidate(placed: &Placed) -> Candidate {
    Candidate {
        id: placed.release.id.clone(),
        colour: placed.colour,
        image: placed.release.image.clone(),
        schema: placed.schema.clone(),
    }
}

fn phase(applied: &Applied) -> Phase {
    let state = &applied.state;
    match (&state.running, &state.active) {
        _ if applied.outlook.suspended => Phase::Suspended,
        (Some(_), _) if applied.outlook.provisioning => Phase::Provision,
        (Some(running), _) => running.phase.shown(),
        // What a person took back has not failed: something else serves, as that person wants it.
        (None, _) if state.failed.as_ref().is_some_and(|failed| !is_by_a_person(&failed.message)) => Phase::Failed,
        (None, Some(_)) => Phase::Stable,
        (None, None) => Phase::Pending,
    }
}

/// For autoscalers, which read both through the subresource `scale`.
fn scale(environment: &ChatbotEnvironment, applied: &Applied) -> (Option<i32>, Option<String>) {
    let Some(active) = &applied.state.active else { return (None, None) };
    let name = environment.metadata.name.as_deref().unwrap_or_default();
    let selector = labels::selector_string(&labels::selector(name, Component::App, Some(active.colour)));
    (Some(applied.outlook.app.0), Some(selector))
}
