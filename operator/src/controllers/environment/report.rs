//! Says what was done: status when it changed, events for what is news, metrics always.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::reflector::ObjectRef,
};
use serde_json::json;

use super::{apply::Applied, notes::notes, plan::MANAGER, status::status, trouble::short};
use crate::{
    controllers::context::Context,
    crd::{
        ChatbotEnvironment, ChatbotEnvironmentStatus,
        conditions::{self, Decision},
        environment_status::Outcome,
        reasons,
    },
    error::{Error, within},
    metrics,
};

/// Annotation by which a person asks for a failed release once more.
pub const RETRY: &str = "chatbot.platform/retry";

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
    }
    show(ctx, environment, &after);
    Ok(())
}

/// Says in the environment's status that nothing is known of it at present, because calls of the API server fail again and again.
/// A conflict is no such failure. That the status cannot be written either is only logged.
pub async fn report_error(ctx: &Context, environment: &ChatbotEnvironment, error: &Error) {
    match error {
        Error::Conflict { .. } => return,
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
    let answer = within(doing, api.patch_status(&name, &parameters, &Patch::Merge(patch))).await?;
    // The API server may find nothing changed: then no newer version will ever come.
    if answer.resource_version() != environment.resource_version() {
        ctx.memory.outdate(&ObjectRef::from_obj(environment), environment.resource_version());
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
    let subject: ObjectReference = environment.object_ref(&());
    for note in notes(before, after) {
        ctx.metrics.wrote("Event", "create");
        let event = note.into();
        if let Err(error) = within(|| "publishing an event".to_owned(), ctx.recorder.publish(&event, &subject)).await {
            tracing::warn!(%error, reason = event.reason, "an event was lost");
        }
    }
}

fn count_ended(ctx: &Context, before: &ChatbotEnvironmentStatus, after: &ChatbotEnvironmentStatus) {
    for past in after.history.iter().filter(|past| !before.history.contains(past)) {
        let seconds = u32::try_from(past.finished_at.0.as_second() - past.started_at.0.as_second()).unwrap_or(0);
        let outcome = match past.outcome {
            Outcome::Succeeded | Outcome::Running | Outcome::Skipped => "succeeded",
            Outcome::Failed => "failed",
            Outcome::RolledBack => "rolled_back",
            Outcome::Superseded => "superseded",
        };
        ctx.metrics.release_ended(outcome, f64::from(seconds));
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
    let shown = metrics::Shown { info, phase: Some(release.phase.to_string()), ready };
    ctx.metrics.show(&metrics::Environment { namespace, name }, Some(shown));
}
