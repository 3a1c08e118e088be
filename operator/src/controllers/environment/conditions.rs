//! What the conditions say: lists of small checks, of which the first that holds speaks.

use super::{apply::Applied, cause::Cause, plan::Blocked, trouble::Trouble};
use crate::{
    crd::{
        conditions::{self, Decision},
        environment_status::ServiceStatus,
        reasons,
    },
    release::{Phase, QUESTION, Running, facts::PROVISIONING, is_by_a_person},
};

/// Whether users are served as the spec asks, and what keeps the operator from it. At most one of Reconciling and Stalled holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether Ready is true.
    pub ready: bool,
    /// Whether the operator works on it, is stuck, or neither.
    pub progress: Progress,
    /// One of [`reasons`].
    pub reason: &'static str,
    /// What a person should know, and do next.
    pub message: String,
}

/// What the operator is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It works towards the spec.
    Reconciling,
    /// It cannot get on without a person.
    Stalled,
    /// Nothing is to be done.
    Settled,
}

/// What a pause does.
const PAUSED: &str = "the annotation chatbot.platform/pause keeps the operator from acting; remove it to go on";

type Check = fn(&Applied) -> Option<Verdict>;

/// What keeps everything else from mattering comes first.
const CHECKS: [Check; 19] = [
    blocked,
    refused,
    restoring,
    suspended,
    paused,
    left,
    given_up,
    failed,
    provisioning,
    asking,
    backing_up,
    migrating,
    promoting,
    baking,
    held,
    released,
    releasing,
    troubled,
    unavailable,
];

/// What the operator says about an environment.
#[must_use]
pub fn verdict(applied: &Applied) -> Verdict {
    CHECKS.iter().find_map(|check| check(applied)).unwrap_or_else(|| serving(applied))
}

fn blocked(applied: &Applied) -> Option<Verdict> {
    let Blocked { trouble, passing } = applied.outlook.blocked.clone()?;
    Some(not_ready(if passing { Progress::Reconciling } else { Progress::Stalled }, trouble))
}

fn refused(applied: &Applied) -> Option<Verdict> {
    applied.refused.clone().map(|trouble| not_ready(Progress::Stalled, trouble))
}

fn restoring(applied: &Applied) -> Option<Verdict> {
    let (name, phase) = applied.outlook.restoring.clone()?;
    let message = format!("restore {name} is in {phase}: servers and workers are stopped, and start again after it");
    Some(not_ready(Progress::Reconciling, Trouble::new(reasons::RESTORING, message)))
}

fn suspended(applied: &Applied) -> Option<Verdict> {
    let message = "everything is scaled to zero, because spec.suspend is true; data and backups stay";
    applied.outlook.suspended.then(|| not_ready(Progress::Settled, Trouble::new(reasons::SUSPENDED, message)))
}

/// What the spec asks for was taken back by a person, and something else serves at a person's wish.
fn left(applied: &Applied) -> Option<Verdict> {
    let left = applied.state.failed.as_ref().filter(|failed| {
        applied.state.running.is_none() && failed.reason == reasons::ROLLED_BACK && is_by_a_person(&failed.message)
    })?;
    let active = applied.state.active.as_ref()?;
    let (asked, serves) = (&left.id, &active.release.id);
    let message = format!(
        "release {asked}, which the spec asks for, is held back: {}; release {serves} serves; change the spec or the Secret, \
         or annotate chatbot.platform/retry={asked} to release it again",
        left.message
    );
    Some(not_ready(Progress::Stalled, Trouble::new(reasons::ROLLED_BACK, message)))
}

/// A first release that a person took back is not tried again by itself: it is what the person did not want.
fn given_up(applied: &Applied) -> Option<Verdict> {
    let is_idle = applied.state.running.is_none() && applied.state.active.is_none();
    let given_up = applied.state.failed.as_ref().filter(|failed| is_idle && failed.reason == reasons::ROLLED_BACK)?;
    let message = format!(
        "release {id}, which the spec asks for, is held back: {}; nothing serves, and it is not tried again by itself: change \
         the spec or the Secret, or annotate chatbot.platform/retry={id} to release it again",
        given_up.message,
        id = given_up.id
    );
    Some(not_ready(Progress::Stalled, Trouble::new(reasons::ROLLED_BACK, message)))
}

fn failed(applied: &Applied) -> Option<Verdict> {
    let failed = applied.state.failed.as_ref().filter(|_| applied.state.running.is_none())?;
    let (goes_on, progress) = if let Some(active) = &applied.state.active {
        (format!("release {} goes on serving", active.release.id), Progress::Stalled)
    } else {
        let retried = "nothing serves yet, so it is tried again by itself after 5 to 30 minutes; to go on sooner";
        (retried.to_owned(), Progress::Reconciling)
    };
    let next = Cause::of(&failed.message).next(failed.phase);
    let next = format!("{next}, or annotate chatbot.platform/retry={}", failed.id);
    let message = format!("release {} failed in {}: {}; {goes_on}; {next}", failed.id, failed.phase, failed.message);
    Some(not_ready(progress, Trouble::new(reasons::RELEASE_FAILED, message)))
}

fn provisioning(applied: &Applied) -> Option<Verdict> {
    let words = last_words(applied);
    let trouble = if !applied.outlook.provisioning || applied.outlook.trouble.is_some() {
        return None;
    } else if let Some(why) = words.strip_prefix(PROVISIONING) {
        let next = match Some(Cause::of(why)).filter(|cause| *cause == Cause::NoChatbot) {
            Some(cause) => cause.next(crate::crd::Phase::Provision),
            None => "check the Secret of spec.provision.adminSecretRef, and the shared services",
        };
        Trouble::new(reasons::PROVISION_FAILED, format!("provisioning failed: {why}; {next}"))
    } else {
        let message = "database, bucket and collections are being made on the shared services";
        Trouble::new(reasons::PROVISIONING, message)
    };
    Some(not_ready(Progress::Reconciling, trouble))
}

/// What was in the database is probably meant to come back: nobody but a person knows.
fn asking(applied: &Applied) -> Option<Verdict> {
    let id = &in_phase(applied, Phase::Backup)?.placed.release.id;
    let why = last_words(applied).strip_prefix(QUESTION)?;
    let message = format!(
        "{why}; bring it back (kubectl chatbot restore), or annotate chatbot.platform/start-empty={id} to begin with nothing"
    );
    Some(not_ready(Progress::Stalled, Trouble::new(reasons::RESTORE_OR_START_EMPTY, message)))
}

/// A backup is made again and again until it succeeds, where there is no release without one.
fn backing_up(applied: &Applied) -> Option<Verdict> {
    let words = last_words(applied);
    in_phase(applied, Phase::Backup)?;
    if words.is_empty() || words.starts_with(PROVISIONING) || applied.outlook.trouble.is_some() {
        return None;
    }
    let message = format!("the backup before the release has not succeeded so far: {words}; mend the cause");
    let trouble = Trouble::new(reasons::BACKUP_FAILED, message);
    Some(not_ready(Progress::Reconciling, trouble))
}

fn migrating(applied: &Applied) -> Option<Verdict> {
    let words = last_words(applied);
    if in_phase(applied, Phase::Migrate).is_none()
        || words.is_empty()
        || words.starts_with(PROVISIONING)
        || applied.outlook.trouble.is_some()
    {
        return None;
    }
    let next = "mend the cause; it is tried again until migrations.timeout";
    let trouble = Trouble::new(reasons::MIGRATION_FAILED, format!("the migration failed: {words}; {next}"));
    Some(not_ready(Progress::Reconciling, trouble))
}

/// What the step under way waits for, or what an attempt of it said when it failed.
fn last_words(applied: &Applied) -> &str {
    applied.state.step().map(|step| step.message.as_str()).unwrap_or_default()
}

fn promoting(applied: &Applied) -> Option<Verdict> {
    let id = &in_phase(applied, Phase::Promote)?.placed.release.id;
    let next = format!("annotate chatbot.platform/promote={id} to let it have the traffic");
    let waits = Some(last_words(applied)).filter(|words| !words.is_empty()).unwrap_or("waits for a person");
    let message = format!("release {id} is checked, and {waits}; {next}");
    Some(not_ready(Progress::Reconciling, Trouble::new(reasons::AWAITING_PROMOTION, message)))
}

/// The new release serves, and may still be taken back.
fn baking(applied: &Applied) -> Option<Verdict> {
    let id = &in_phase(applied, Phase::Bake)?.placed.release.id;
    if !is_available(applied) {
        return None;
    }
    let until = applied.outlook.bake_until.map_or_else(String::new, |until| format!(" until {until:.0}"));
    let message = format!("release {id} serves, and is watched{until}{}", aside(applied));
    Some(Verdict { ready: true, progress: Progress::Reconciling, reason: reasons::RELEASE_ACTIVE, message })
}

fn held(applied: &Applied) -> Option<Verdict> {
    let id = &in_phase(applied, Phase::Held)?.placed.release.id;
    let before = applied.state.previous.as_ref().map_or("the one before", |previous| previous.release.id.as_str());
    let next = format!(
        "annotate chatbot.platform/rollback={id} to go back to {before}, or chatbot.platform/promote={id} to keep it"
    );
    let message = format!("release {id} failed in its bake: {}; it goes on serving; {next}", last_words(applied));
    Some(not_ready(Progress::Stalled, Trouble::new(reasons::RELEASE_HELD, message)))
}

fn in_phase(applied: &Applied, phase: Phase) -> Option<&Running> {
    applied.state.running.as_ref().filter(|running| running.phase == phase)
}

/// The new release serves already, and only tidying is left.
fn released(applied: &Applied) -> Option<Verdict> {
    let running = in_phase(applied, Phase::Finish)?;
    if !is_available(applied) {
        return None;
    }
    let words = if applied.outlook.paused { PAUSED } else { last_words(applied) };
    let step = if words.is_empty() { "is under way".to_owned() } else { format!("waits: {words}") };
    let message = format!("release {} serves; its last step {step}{}", running.placed.release.id, aside(applied));
    Some(Verdict { ready: true, progress: Progress::Reconciling, reason: reasons::RELEASE_ACTIVE, message })
}

fn releasing(applied: &Applied) -> Option<Verdict> {
    let running = applied.state.running.as_ref()?;
    if let Some(trouble) = applied.outlook.trouble.clone() {
        return Some(not_ready(Progress::Reconciling, trouble));
    }
    let words = last_words(applied);
    let separator = if words.is_empty() { "" } else { ": " };
    let message = format!("release {} is in {}{separator}{words}", running.placed.release.id, running.phase.shown());
    Some(not_ready(Progress::Reconciling, Trouble::new(reasons::RELEASE_IN_PROGRESS, message)))
}

/// A pod that is ill beside one that works keeps nobody from being served.
fn troubled(applied: &Applied) -> Option<Verdict> {
    applied
        .outlook
        .trouble
        .clone()
        .filter(|_| !is_available(applied))
        .map(|trouble| not_ready(Progress::Reconciling, trouble))
}

fn unavailable(applied: &Applied) -> Option<Verdict> {
    if applied.state.active.is_none() || is_available(applied) {
        return None;
    }
    let ((app, apps), (worker, workers)) = (applied.outlook.app, applied.outlook.worker);
    let message = format!("{app} of {apps} app pods and {worker} of {workers} worker pods are available");
    Some(not_ready(Progress::Reconciling, Trouble::new(reasons::PODS_NOT_READY, message)))
}

/// Hands off: what the spec asks for is not worked on.
fn paused(applied: &Applied) -> Option<Verdict> {
    let serves = applied.outlook.wanted.as_deref().is_some_and(|wanted| applied.state.serves(wanted));
    let is_done = applied.state.running.as_ref().is_none_or(|running| running.phase == Phase::Finish);
    let is_stopped = applied.outlook.paused && !(serves && is_done);
    is_stopped.then(|| not_ready(Progress::Settled, Trouble::new(reasons::PAUSED, PAUSED)))
}

fn serving(applied: &Applied) -> Verdict {
    match &applied.state.active {
        Some(active) => {
            let message = format!("release {} serves{}", active.release.id, aside(applied));
            let progress = if applied.outlook.trouble.is_some() { Progress::Reconciling } else { Progress::Settled };
            Verdict { ready: true, progress, reason: reasons::RELEASE_ACTIVE, message }
        }
        None => not_ready(
            Progress::Reconciling,
            Trouble::new(reasons::RELEASE_IN_PROGRESS, "the first release is about to begin"),
        ),
    }
}

/// A trouble that does not keep the release from serving.
fn aside(applied: &Applied) -> String {
    applied
        .outlook
        .trouble
        .as_ref()
        .map_or_else(String::new, |trouble| format!(", but not all is well: {}", trouble.message))
}

/// One pod of each kind keeps the chatbot in service; a single pod that is being replaced is nobody's trouble.
fn is_available(applied: &Applied) -> bool {
    let is_up = |(available, wanted): (i32, i32)| available > 0 || wanted == 0;
    is_up(applied.outlook.app) && is_up(applied.outlook.worker)
}

fn not_ready(progress: Progress, trouble: Trouble) -> Verdict {
    Verdict { ready: false, progress, reason: trouble.reason, message: trouble.message }
}

/// Whether the services that the chatbot uses are healthy.
#[must_use]
pub fn services(services: Option<&[ServiceStatus]>) -> Decision {
    let decision = |status, reason, message| Decision { type_: conditions::SERVICES_HEALTHY, status, reason, message };
    let Some(services) = services else {
        return decision(None, reasons::NOT_OBSERVED, "no server of the active release could be asked yet".to_owned());
    };
    let ill: Vec<String> = services.iter().filter(|service| !service.healthy).map(described).collect();
    if ill.is_empty() {
        decision(Some(true), reasons::ALL_SERVICES_HEALTHY, "every service answers".to_owned())
    } else {
        decision(Some(false), reasons::SERVICE_UNHEALTHY, ill.join("; "))
    }
}

fn described(service: &ServiceStatus) -> String {
    let why = if service.message.is_empty() { "it does not answer" } else { &service.message };
    format!("{}: {why}", service.name)
}

/// Whether every field has an effect.
#[must_use]
pub fn spec_supported(not_acted_on: &[String]) -> Decision {
    let decision =
        |status, reason, message| Decision { type_: conditions::SPEC_SUPPORTED, status: Some(status), reason, message };
    if not_acted_on.is_empty() {
        decision(true, reasons::ALL_FIELDS_ACTIVE, "every field of the spec is acted on".to_owned())
    } else {
        decision(false, reasons::FIELDS_NOT_ACTIVE, not_acted_on.join("; "))
    }
}

#[cfg(test)]
mod tests;
