//! Says what was done: status when it changed, events for what is news, metrics always.

use jiff::Timestamp;
use k8s_openapi::{
    api::events::v1::Event,
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams, PostParams},
    runtime::reflector::ObjectRef,
};
use serde_json::json;

use super::{
    apply::Applied,
    notes::{Note, RELEASED, cut, notes},
    plan::MANAGER,
    status::status,
    trouble::short,
};
use crate::{
    controllers::context::Context,
    crd::{
        ChatbotEnvironment, ChatbotEnvironmentStatus,
        conditions::{self, Decision},
        environment_status::{Outcome, Step},
        reasons,
    },
    error::Error,
    metrics, notify,
    release::is_by_a_person,
};

/// Who reports events.
const CONTROLLER: &str = "chatbot-operator";

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
    show(ctx, environment, &after);
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
    show(ctx, environment, &after);
}

fn with_error(environment: &ChatbotEnvironment, error: &Error, now: Timestamp) -> ChatbotEnvironmentStatus {
    let mut status = environment.status.clone().unwrap_or_default();
    let message = short(&error.to_string());
    let decision = Decision { type_: conditions::READY, status: None, reason: reasons::API_ERROR, message };
    conditions::set(&mut status.conditions, decision, environment.metadata.generation, now);
    status
}

async fn write(ctx: &Context, environment: &ChatbotEnvironment, after: &ChatbotEnvironmentStatus) -> Result<(), Error> {
    let (name, namespace) = (environment.name_any(), environment.namespace().unwrap_or_default());
    let api: Api<ChatbotEnvironment> = Api::namespaced(ctx.client.clone(), &namespace);
    let doing = || format!("writing the status of {namespace}/{name}");
    let patch = merge_patch(environment, after).map_err(|error| Error::json(doing(), error))?;
    ctx.metrics.wrote("ChatbotEnvironment", "status");
    let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let answer = ctx.term.write(doing, api.patch_status(&name, &parameters, &Patch::Merge(patch))).await?;
    // The API server may find nothing changed: then no newer version will ever come.
    if answer.resource_version() != environment.resource_version() {
        ctx.memory.wrote_status(&ObjectRef::from_obj(environment), environment.resource_version(), answer);
    }
    Ok(())
}

/// A merge patch keeps what it does not name; what is gone from the status is named as null.
fn merge_patch(
    environment: &ChatbotEnvironment,
    after: &ChatbotEnvironmentStatus,
) -> serde_json::Result<serde_json::Value> {
    let mut new = serde_json::to_value(after)?;
    if let Some(old) = &environment.status {
        nullify(&mut new, &serde_json::to_value(old)?);
    }
    Ok(json!({ "metadata": { "resourceVersion": environment.resource_version() }, "status": new }))
}

fn nullify(new: &mut serde_json::Value, old: &serde_json::Value) {
    let (Some(new), Some(old)) = (new.as_object_mut(), old.as_object()) else { return };
    for (key, value) in old {
        nullify(new.entry(key.clone()).or_insert(serde_json::Value::Null), value);
    }
}

async fn publish(
    ctx: &Context,
    environment: &ChatbotEnvironment,
    before: &ChatbotEnvironmentStatus,
    after: &ChatbotEnvironmentStatus,
) {
    let api: Api<Event> = Api::namespaced(ctx.client.clone(), &environment.namespace().unwrap_or_default());
    for note in notes(before, after) {
        ctx.metrics.wrote("Event", "create");
        if is_worth_a_message(&note) {
            ctx.notifier.tell(message(environment, &note, after, ctx.clock.now()));
        }
        let event = event(environment, note, &ctx.identity, ctx.clock.now());
        let publishing = || "publishing an event".to_owned();
        let created = ctx.term.write(publishing, api.create(&PostParams::default(), &event)).await;
        if let Err(error) = created {
            tracing::warn!(%error, reason = event.reason, "an event was lost");
        }
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

/// Each is news, with words of its own: none is a repetition that could be counted on an earlier one.
fn event(environment: &ChatbotEnvironment, note: Note, instance: &str, now: Timestamp) -> Event {
    let (namespace, prefix) = (environment.namespace(), format!("{}-", environment.name_any()));
    Event {
        metadata: ObjectMeta { generate_name: Some(prefix), namespace, ..ObjectMeta::default() },
        event_time: Some(MicroTime(now)),
        reporting_controller: Some(CONTROLLER.to_owned()),
        reporting_instance: Some(instance.to_owned()),
        action: Some(note.action.to_owned()),
        reason: Some(note.reason),
        note: Some(cut(note.message)),
        type_: Some(if note.warning { "Warning" } else { "Normal" }.to_owned()),
        regarding: Some(environment.object_ref(&())),
        ..Event::default()
    }
}

fn count_ended(ctx: &Context, before: &ChatbotEnvironmentStatus, after: &ChatbotEnvironmentStatus) {
    for past in after.history.iter().filter(|past| !before.history.contains(past)) {
        ctx.metrics.release_ended(outcome(past.outcome));
        if past.outcome == Outcome::RolledBack {
            ctx.metrics.rolled_back(if is_by_a_person(&past.message) { "person" } else { "analysis" });
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

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded | Outcome::Running => "succeeded",
        Outcome::Skipped => "skipped",
        Outcome::Failed => "failed",
        Outcome::RolledBack => "rolled_back",
        Outcome::Superseded => "superseded",
    }
}

fn show(ctx: &Context, environment: &ChatbotEnvironment, after: &ChatbotEnvironmentStatus) {
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
    let shown = metrics::Shown { info, phase: Some(release.phase.to_string()), last_success, ready };
    ctx.metrics.show(&metrics::Environment { namespace, name }, Some(shown));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{controllers::environment::resolve::fixtures, crd::Tier};

    #[test]
    fn an_event_has_a_name_of_its_own_that_the_api_server_takes_and_tells_of_whom_it_is() {
        let note =
            Note { warning: true, reason: "RolledBack".to_owned(), action: "Release", message: "why".to_owned() };
        let event = event(&fixtures::minimal(Tier::Dev), note, "chatbot-operator-0", Timestamp::UNIX_EPOCH);
        let prefix = event.metadata.generate_name.as_deref().unwrap_or_default();
        assert_eq!((prefix, event.metadata.name.as_deref()), ("dev-", None), "the API server refuses a dot at its end");
        let regarding = event.regarding.unwrap_or_default();
        assert_eq!((regarding.kind.as_deref(), regarding.name.as_deref()), (Some("ChatbotEnvironment"), Some("dev")));
        assert_eq!((event.type_.as_deref(), event.note.as_deref()), (Some("Warning"), Some("why")));
    }
}
