//! Writes what the plan says, in its order, by server-side apply; what is as it should be is not written.

use std::sync::Arc;

use kube::{
    Api,
    api::{DeleteParams, DynamicObject, ObjectMeta, Patch, PatchParams, Preconditions, TypeMeta},
};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    additions,
    need::{Need, need, shown},
    object::{Object, Removal},
    plan::{MANAGER, Outlook, Plan},
    trouble::{Trouble, refusal, short},
};
use crate::{
    controllers::{context::Context, memory::Answer},
    error::{Error, within},
    release::ReleaseState,
    resources::labels::{self, Component},
};

/// What was done.
#[derive(Debug)]
pub struct Applied {
    /// The release as it will be remembered.
    pub state: ReleaseState,
    /// What was known when the plan was made.
    pub outlook: Outlook,
    /// The first object that was refused: nothing after it was written, or it is still there.
    pub refused: Option<Trouble>,
    /// The first object of the task monitor that was refused, which keeps nothing else from being written.
    pub monitor_refused: Option<Trouble>,
    /// Whether the caches do not show everything yet.
    pub unsettled: bool,
}

/// Writes and removes. A refusal of what others need ends the writing; and as long as the Services are
/// not written, the release that was to get the traffic does not have it.
///
/// # Errors
/// When the API server cannot be reached, or meets a conflict.
pub async fn apply(ctx: &Context, plan: Plan) -> Result<Applied, Error> {
    let Plan { objects, removals, state, before, outlook } = plan;
    let mut applied = Applied { state, outlook, refused: None, monitor_refused: None, unsettled: false };
    let (mut is_served, moves_traffic) = (false, applied.state.active != before.active);
    for object in &objects {
        match write_if_needed(ctx, object).await? {
            Need::Nothing => {}
            Need::Write | Need::Replace | Need::Settling => applied.unsettled = true,
            Need::Refused(why) if is_of_monitor(object) => {
                applied.monitor_refused.get_or_insert_with(|| titled(&object.title(), &why));
            }
            Need::Refused(why) => {
                applied.refused.get_or_insert_with(|| titled(&object.title(), &why));
                if !others_need(object) {
                    continue;
                }
                if moves_traffic && !is_served {
                    applied.state = before;
                }
                return Ok(applied);
            }
        }
        is_served |= object.body["metadata"]["labels"][labels::SERVICE] == labels::ACTIVE;
    }
    for removal in &removals {
        match remove(ctx, removal).await? {
            Removed::Now => applied.unsettled = true,
            Removed::Before => {}
            Removed::Refused(why) => {
                let title =
                    format!("{} {} is not wanted any more, and cannot be removed", removal.resource.kind, removal.name);
                applied.refused.get_or_insert_with(|| titled(&title, &why));
            }
        }
    }
    Ok(applied)
}

/// Whether what is written after it would go wrong without it. Budgets, autoscalers, routes and monitors are needed by none.
fn others_need(object: &Object) -> bool {
    ["Secret", "ServiceAccount", "NetworkPolicy", "Job", "Deployment", "Service"]
        .contains(&object.resource.kind.as_str())
}

/// Nothing and nobody waits for the task monitor.
fn is_of_monitor(object: &Object) -> bool {
    object.body["metadata"]["labels"][labels::COMPONENT] == Component::Monitor.as_str()
}

fn titled(title: &str, why: &str) -> Trouble {
    let Trouble { reason, message } = refusal(why);
    Trouble::new(reason, format!("{title}: {message}"))
}

async fn write_if_needed(ctx: &Context, object: &Object) -> Result<Need, Error> {
    let observed = observed(ctx, object)?;
    let last = ctx.memory.last_write(&object.key());
    match need(object, observed.as_ref(), last.as_ref(), Instant::now()) {
        Need::Write if observed.is_none() => match foreign(ctx, object).await? {
            Some(why) => Ok(refuse(ctx, object, why)),
            None => write(ctx, object, &object.body).await,
        },
        Need::Write => write(ctx, object, &on_top_of(observed.as_ref(), object)).await,
        Need::Replace => replace(ctx, object, observed.as_ref()).await,
        other @ (Need::Nothing | Need::Settling | Need::Refused(_)) => Ok(other),
    }
}

/// Where users are led is written only over what was read: a process that stood still, and does not know yet that another one
/// leads, must not lead them back. Other objects are read too late too often, and do no harm.
fn on_top_of(observed: Option<&Value>, object: &Object) -> Value {
    let mut body = object.body.clone();
    if object.resource.kind == "Service"
        && let Some(observed) = observed
    {
        body["metadata"]["resourceVersion"] = observed["metadata"]["resourceVersion"].clone();
    }
    body
}

/// The caches show only what has the operator's label. Before something is made, it is asked whether somebody else has something
/// of that name: server-side apply would take it over.
async fn foreign(ctx: &Context, object: &Object) -> Result<Option<String>, Error> {
    let api: Api<DynamicObject> = Api::namespaced_with(ctx.client.clone(), &object.namespace, &object.resource);
    let doing = || format!("reading {} in {}", object.title(), object.namespace);
    let found = within(doing, api.get_metadata_opt(&object.name)).await?;
    Ok(found.filter(|found| !is_own(&found.metadata, &object.body)).map(|_| {
        "it exists already, and the operator did not make it: remove or rename it, or give the environment another name"
            .to_owned()
    }))
}

/// By the labels that the operator writes, or by the owner, where somebody took the labels away.
fn is_own(found: &ObjectMeta, body: &Value) -> bool {
    let has = |name| {
        let label = found.labels.as_ref().and_then(|labels| labels.get(name));
        label.map(String::as_str) == body["metadata"]["labels"][name].as_str()
    };
    let owner = body["metadata"]["ownerReferences"][0]["uid"].as_str();
    let is_owned = owner.is_some() && found.owner_references.iter().flatten().any(|it| Some(it.uid.as_str()) == owner);
    is_owned || [labels::MANAGED_BY, labels::ENVIRONMENT].into_iter().all(has)
}

/// What cannot be changed is removed; once it is gone, it is missing.
async fn replace(ctx: &Context, object: &Object, observed: Option<&Value>) -> Result<Need, Error> {
    let uid = observed.and_then(|observed| observed["metadata"]["uid"].as_str()).map(str::to_owned);
    let Object { resource, namespace, name, .. } = object.clone();
    Ok(match remove(ctx, &Removal { resource, namespace, name, uid }).await? {
        Removed::Now | Removed::Before => Need::Replace,
        Removed::Refused(why) => Need::Refused(why),
    })
}

/// The object as the caches show it; of Secrets only the metadata.
fn observed(ctx: &Context, object: &Object) -> Result<Option<Value>, Error> {
    let json_error = |error| Error::json(format!("reading {}", object.title()), error);
    if object.resource.kind == "Secret" {
        let key = kube::runtime::reflector::ObjectRef::new(&object.name).within(&object.namespace);
        let secret = ctx.stores.secrets.get(&key);
        return secret.map(|secret| serde_json::to_value(secret.as_ref()).map_err(json_error)).transpose();
    }
    if object.resource.kind == "ChatbotBackup" {
        let key = kube::runtime::reflector::ObjectRef::new(&object.name).within(&object.namespace);
        let backup = ctx.stores.backups.get(&key);
        return backup.map(|backup| serde_json::to_value(backup.as_ref()).map_err(json_error)).transpose();
    }
    let found: Option<Arc<DynamicObject>> = ctx.stores.owned(&object.resource, &object.namespace, &object.name);
    found.map(|found| serde_json::to_value(named(&found, object)).map_err(json_error)).transpose()
}

/// Items of a list do not say of which kind they are.
fn named(found: &DynamicObject, object: &Object) -> DynamicObject {
    let (api_version, kind) = (object.resource.api_version.clone(), object.resource.kind.clone());
    DynamicObject { types: Some(TypeMeta { api_version, kind }), ..found.clone() }
}

async fn write(ctx: &Context, object: &Object, body: &Value) -> Result<Need, Error> {
    let api: Api<DynamicObject> = Api::namespaced_with(ctx.client.clone(), &object.namespace, &object.resource);
    match write_whole(ctx, &api, object, body).await {
        Ok(answer) => {
            tracing::info!(kind = object.resource.kind, namespace = object.namespace, name = object.name, "applied");
            let version = answer["metadata"]["resourceVersion"].as_str().map(str::to_owned);
            let shown = shown(object, &answer);
            ctx.memory.wrote(object.key(), object.hash.clone(), Answer::Accepted { version, shown });
            Ok(Need::Write)
        }
        Err(Error::Api { source, doing }) => {
            let why = refusal_of(*source).map_err(|source| Error::Api { doing, source: Box::new(source) })?;
            Ok(refuse(ctx, object, why))
        }
        Err(error) => Err(error),
    }
}

/// Server-side apply leaves alone what others added. Where that changes the meaning, it is taken away after it; what is there
/// even then came from an admission webhook, and stays. Says how the object looks now.
async fn write_whole(ctx: &Context, api: &Api<DynamicObject>, object: &Object, body: &Value) -> Result<Value, Error> {
    let doing = || format!("applying {} in {}", object.title(), object.namespace);
    let json = |answer| serde_json::to_value(answer).map_err(|error| Error::json(doing(), error));
    ctx.metrics.wrote(&object.resource.kind, "apply");
    let parameters = PatchParams::apply(MANAGER).force();
    let whole = Patch::Apply(body);
    let answer = json(ctx.term.write(doing, api.patch(&object.name, &parameters, &whole)).await?)?;
    let Some(mut removal) = additions::removal(&object.resource.kind, &answer, &object.body) else { return Ok(answer) };
    let (kind, namespace, name) = (&object.resource.kind, &object.namespace, &object.name);
    tracing::info!(kind, namespace, name, "somebody added to it what changes its meaning; taking that away");
    // Whoever writes in between is not written over: there is another look.
    removal["metadata"]["resourceVersion"] = answer["metadata"]["resourceVersion"].clone();
    ctx.metrics.wrote(kind, "patch");
    let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    json(ctx.term.write(doing, api.patch(name, &parameters, &Patch::Merge(&removal))).await?)
}

/// An admission webhook may have quoted what it refuses.
fn refuse(ctx: &Context, object: &Object, why: String) -> Need {
    let (kind, namespace, name) = (&object.resource.kind, &object.namespace, &object.name);
    tracing::warn!(kind, namespace, name, why = short(&why), "refused");
    ctx.memory.wrote(object.key(), object.hash.clone(), Answer::Refused(why.clone()));
    Need::Refused(why)
}

/// A refusal is something that the user can mend; anything else is an error of the call.
///
/// # Errors
/// The same, where nobody can mend it by another spec.
pub fn refusal_of(error: kube::Error) -> Result<String, kube::Error> {
    if let kube::Error::Api(status) = &error
        && matches!(status.code, 400 | 403 | 404 | 422)
    {
        return Ok(status.message.clone());
    }
    Err(error)
}

/// What came of a removal.
enum Removed {
    /// The object goes, and the caches will show it.
    Now,
    /// There is nothing to remove, or it was asked for already, whatever the caches show.
    Before,
    /// Why it stays.
    Refused(String),
}

/// Removes, unless that was asked for within the last minute: what the caches still show may be gone for long, where its kind
/// is not installed any more, and what refused once will refuse again.
async fn remove(ctx: &Context, removal: &Removal) -> Result<Removed, Error> {
    let Removal { resource, namespace, name, uid } = removal;
    let key = (resource.kind.clone(), namespace.clone(), name.clone());
    if let Some(outcome) = ctx.memory.removal(&key, uid.as_deref()) {
        return Ok(outcome.map_or_else(Removed::Refused, |()| Removed::Before));
    }
    let removed = match delete(ctx, removal).await {
        Ok(()) => {
            tracing::info!(kind = resource.kind, namespace, name, "deleted");
            Removed::Now
        }
        // Gone, or replaced by another under the same name.
        Err(Error::Conflict { .. }) => Removed::Before,
        Err(Error::Api { source, .. }) if is_gone(&source) => Removed::Before,
        Err(Error::Api { source, doing }) => {
            let why = refusal_of(*source).map_err(|source| Error::Api { doing, source: Box::new(source) })?;
            tracing::warn!(kind = resource.kind, namespace, name, why = short(&why), "not deleted");
            Removed::Refused(why)
        }
        Err(error) => return Err(error),
    };
    let outcome = if let Removed::Refused(why) = &removed { Err(why.clone()) } else { Ok(()) };
    ctx.memory.removed(key, uid.clone(), outcome);
    Ok(removed)
}

async fn delete(ctx: &Context, removal: &Removal) -> Result<(), Error> {
    let Removal { resource, namespace, name, uid } = removal;
    let api: Api<DynamicObject> = Api::namespaced_with(ctx.client.clone(), namespace, resource);
    let preconditions = Preconditions { uid: uid.clone(), resource_version: None };
    let parameters = DeleteParams::background().preconditions(preconditions);
    ctx.metrics.wrote(&resource.kind, "delete");
    let doing = || format!("deleting {} {namespace}/{name}", resource.kind);
    ctx.term.write(doing, api.delete(name, &parameters)).await.map(drop)
}

fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_user_can_mend_is_told_from_errors_of_the_call() {
        let error = |code| kube::Error::Api(kube::core::Status::failure("why", "No").with_code(code).boxed());
        for code in [400, 403, 404, 422] {
            assert_eq!(refusal_of(error(code)).unwrap(), "why", "{code}");
        }
        for code in [401, 429, 500, 503] {
            assert!(refusal_of(error(code)).is_err(), "{code}");
        }
    }

    #[test]
    fn an_object_is_the_operators_by_its_labels_or_by_its_owner() {
        let own = |name: &str| json!({labels::MANAGED_BY: labels::OPERATOR, labels::ENVIRONMENT: name});
        let owner = |uid: &str| json!([{"apiVersion": "v1", "kind": "K", "name": "dev", "uid": uid}]);
        let body = json!({"metadata": {"labels": own("dev"), "ownerReferences": owner("1")}});
        let cases = [
            ("made by the operator", json!({"labels": own("dev"), "ownerReferences": owner("1")}), true),
            ("its labels were taken away", json!({"ownerReferences": owner("1")}), true),
            ("it outlives its environment", json!({"labels": own("dev")}), true),
            ("somebody else's", json!({"labels": {"app": "shop"}}), false),
            ("another environment's", json!({"labels": own("other"), "ownerReferences": owner("2")}), false),
        ];
        for (name, metadata, expected) in cases {
            assert_eq!(is_own(&serde_json::from_value(metadata).unwrap(), &body), expected, "{name}");
        }
    }
}
