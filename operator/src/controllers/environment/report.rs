//! Says what was done: status when it changed, events for what is news, metrics always.

use jiff::Timestamp;
use kube::{ResourceExt, runtime::reflector::ObjectRef};

use super::{
    apply::Applied,
    backups::Said,
    cause::Cause,
    notes::{RELEASED, notes},
    status::status,
    trouble::short,
};
use crate::{
    controllers::{
        context::Context,
        events::{self, Note},
        status_patch,
    },
    crd::{
        ChatbotEnvironment, ChatbotEnvironmentStatus, Phase,
        conditions::{self, Decision},
        environment_status::{Outcome, PastRelease, Step},
        reasons,
    },
    error::Error,
    metrics, notify,
};

/// Reports. The status is written only on top of the version that was read: a decision from old facts must not overwrite newer ones.
///
/// # Errors
/// When the status cannot be written. A lost event is no error.
pub async fn report(ctx: &Context, environment: &ChatbotEnvironment, applied: &Applied) -> Result<(), Error> {
    let before = environment.status.clone().unwrap_or_default();
    let after = status(environment, applied, ctx.clock.now());
    if environment.status.as_ref() != Some(&after) {
        write(ctx, environment, &after).await?;
        publish(ctx, environment, &before, &after).await;
        count_ended(ctx, &before, &after);
        ctx.traces.tell(environment, &before, &after);
    }
    show(ctx, environment, &after, applied.outlook.backups.as_ref());
    Ok(())
}

/// Says in the environment's status that nothing is known of it at present, because calls of the API server fail again and again.
/// A conflict is no such failure, nor is a lost Lease. That the status cannot be written either is only logged.
pub async fn report_error(ctx: &Context, environment: &ChatbotEnvironment, error: &Error) {
    match error {
        Error::Conflict { .. } | Error::Deposed { .. } => return,
        Error::Api { .. } | Error::Timeout { .. } | Error::Json { .. } | Error::Random => {}
    }
    let before = environment.status.clone().unwrap_or_default();
    let after = with_error(environment, error, ctx.clock.now());
    if before == after {
        return;
    }
    match write(ctx, environment, &after).await {
        Ok(()) => publish(ctx, environment, &before, &after).await,
        Err(error) => tracing::warn!(%error, "the failure is not shown in the status"),
    }
    show(ctx, environment, &after, None);
}

fn with_error(environment: &ChatbotEnvironment, error: &Error, now: Timestamp) -> ChatbotEnvironmentStatus {
    let mut status = environment.status.clone().unwrap_or_default();
    let message = short(&error.to_string());
    let decision = Decision { type_: conditions::READY, status: None, reason: reasons::API_ERROR, message };
    conditions::set(&mut status.conditions, decision, environment.metadata.generation, now);
    status
}

async fn write(ctx: &Context, environment: &ChatbotEnvironment, after: &ChatbotEnvironmentStatus) -> Result<(), Error> {
    let answer = status_patch::write(ctx, environment, environment.status.as_ref(), after).await?;
    // The API server may find nothing changed: then no newer version will ever come.
    if answer.resource_version() != environment.resource_version() {
        ctx.memory.wrote_status(&ObjectRef::from_obj(environment), environment.resource_version(), answer);
    }
    Ok(())
}

async fn publish(
    ctx: &Context,
    environment: &ChatbotEnvironment,
    before: &ChatbotEnvironmentStatus,
    after: &ChatbotEnvironmentStatus,
) {
    for note in notes(before, after) {
        if is_worth_a_message(&note) {
            ctx.notifier.tell(message(environment, &note, after, ctx.clock.now()));
        }
        events::publish(ctx, environment, note).await;
    }
}

/// What goes well step by step is for events; that it ended well, waits for a person or went wrong is for people.
fn is_worth_a_message(note: &Note) -> bool {
    note.warning || [RELEASED, reasons::AWAITING_PROMOTION].contains(&note.reason.as_str())
}

fn message(
    environment: &ChatbotEnvironment,
    note: &Note,
    after: &ChatbotEnvironmentStatus,
    now: Timestamp,
) -> notify::Message {
    let release = after.release.clone().unwrap_or_default();
    notify::Message {
        namespace: environment.namespace().unwrap_or_default(),
        environment: environment.name_any(),
        tier: environment.spec.tier.to_string(),
        release: release.candidate.map(|candidate| candidate.id).or(release.id).unwrap_or_default(),
        reason: note.reason.clone(),
        warning: note.warning,
        message: note.message.clone(),
        time: now.to_string(),
    }
}

fn count_ended(ctx: &Context, before: &ChatbotEnvironmentStatus, after: &ChatbotEnvironmentStatus) {
    for past in after.history.iter().filter(|past| !before.history.contains(past)) {
        ctx.metrics.release_ended(outcome(past.outcome));
        if let Some(cause) = taken_back(past, after) {
            ctx.metrics.rolled_back(cause.label());
        }
    }
    let steps = |status: &ChatbotEnvironmentStatus| status.release.clone().unwrap_or_default().steps;
    let open: Vec<Step> = steps(before).into_iter().filter(|step| step.finished_at.is_none()).collect();
    let began = |step: &Step| open.iter().any(|known| known.name == step.name && known.started_at == step.started_at);
    for step in steps(after).iter().filter(|step| began(step)) {
        let Some(end) = &step.finished_at else { continue };
        let seconds = u32::try_from(end.0.as_second() - step.started_at.0.as_second()).unwrap_or(0);
        ctx.metrics.step_ended(step.name.as_str(), outcome(step.outcome), f64::from(seconds));
    }
}

/// Why the users of a release went back to the one before; nothing where they never left it, or stayed.
fn taken_back(past: &PastRelease, after: &ChatbotEnvironmentStatus) -> Option<Cause> {
    // The log is that of the release that ended last.
    let mut steps = after.release.iter().flat_map(|release| &release.steps);
    let went_back = |step: &Step| step.name == Phase::Rollback && step.started_at.0 >= past.started_at.0;
    match past.outcome {
        Outcome::RolledBack => Some(Cause::of(&past.message)),
        Outcome::Superseded => steps.any(went_back).then_some(Cause::Superseded),
        Outcome::Succeeded | Outcome::Failed | Outcome::Running | Outcome::Skipped => None,
    }
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded | Outcome::Running => "succeeded",
        Outcome::Skipped => "skipped",
        Outcome::Failed => "failed",
        Outcome::RolledBack => "rolled_back",
        Outcome::Superseded => "superseded",
    }
}

fn show(ctx: &Context, environment: &ChatbotEnvironment, after: &ChatbotEnvironmentStatus, backups: Option<&Said>) {
    let (namespace, name) = (environment.namespace().unwrap_or_default(), environment.name_any());
    let release = after.release.clone().unwrap_or_default();
    let info = metrics::Info {
        namespace: namespace.clone(),
        name: name.clone(),
        tier: environment.spec.tier.to_string(),
        image: release.image.unwrap_or_default(),
        active: release.active.map(|colour| colour.as_str().to_owned()).unwrap_or_default(),
    };
    let ready = conditions::is_true(&after.conditions, conditions::READY);
    let good = after.history.iter().find(|past| past.outcome == Outcome::Succeeded);
    let last_success = good.map(|past| past.finished_at.0.as_second());
    let phase = Some(release.phase.to_string());
    let backups = backups.map(|said| said.numbers);
    let shown = metrics::Shown { info, phase, last_success, ready, backups };
    ctx.metrics.show(&metrics::Environment { namespace, name }, Some(shown));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_release_that_lost_the_traffic_again_counts_with_its_reason_and_no_other_does() {
        let table = [
            ("RolledBack", "6.2 % of 211 requests failed, more than 5.0 %", "Rollback", Some("errors")),
            ("RolledBack", "a person took it back", "Rollback", Some("person")),
            ("Superseded", "release 2 was asked for instead", "Rollback", Some("superseded")),
            ("Superseded", "release 2 was asked for instead", "Discard", None),
            ("Failed", "a person took it back", "Discard", None),
            ("Succeeded", "", "Finish", None),
        ];
        for (outcome, message, last, expected) in table {
            let (early, time, later) = ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z");
            let ended = json!({"id": "1", "image": "chatbot:1", "startedAt": time, "finishedAt": later, "outcome": outcome, "message": message});
            let step =
                |name: &str, at: &str| json!({"name": name, "startedAt": at, "outcome": "Succeeded", "message": ""});
            // A way back of an earlier release is not this one's.
            let steps = json!([step("Rollback", early), step(last, later)]);
            let status = json!({"release": {"phase": "Stable", "steps": steps}, "history": [ended]});
            let status: ChatbotEnvironmentStatus = serde_json::from_value(status).unwrap();
            assert_eq!(taken_back(&status.history[0], &status).map(Cause::label), expected, "{outcome}: {message}");
        }
    }
}
