//! Writes what the plan says, in its order, by server-side apply; what is as it should be is not written.

use std::{sync::Arc, time::Duration};

use kube::{
    Api,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, Preconditions, TypeMeta},
};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    difference::{contains, project},
    object::{APPLIED, Object, Removal, Writing},
    plan::{MANAGER, Outlook, Plan},
    trouble::{Trouble, refusal},
};
use crate::{
    controllers::{
        context::Context,
        memory::{Answer, REFUSED_FOR, SETTLES_IN, Write},
    },
    error::{Error, within},
    release::ReleaseState,
};

/// What was done.
#[derive(Debug)]
pub struct Applied {
    /// The release as it will be remembered.
    pub state: ReleaseState,
    /// What was known when the plan was made.
    pub outlook: Outlook,
    /// The first object that was refused; nothing after it was written.
    pub refused: Option<Trouble>,
    /// Whether the caches do not show everything yet.
    pub unsettled: bool,
}

/// What is to be done about one object.
#[derive(Debug, PartialEq)]
enum Need {
    Nothing,
    Write,
    /// It was written, and shows soon.
    Settling,
    /// It was refused a moment ago.
    Refused(String),
}

/// Writes and removes. A refusal ends the writing, because what follows needs what was refused.
///
/// # Errors
/// When the API server cannot be reached, or meets a conflict.
pub async fn apply(ctx: &Context, plan: Plan) -> Result<Applied, Error> {
    let Plan { objects, removals, state, outlook } = plan;
    let mut applied = Applied { state, outlook, refused: None, unsettled: false };
    for object in &objects {
        match write_if_needed(ctx, object).await? {
            Need::Nothing => {}
            Need::Write | Need::Settling => applied.unsettled = true,
            Need::Refused(why) => {
                applied.refused = Some(refused(object, &why));
                return Ok(applied);
            }
        }
    }
    for removal in &removals {
        remove(ctx, removal).await?;
        applied.unsettled = true;
    }
    Ok(applied)
}

fn refused(object: &Object, why: &str) -> Trouble {
    let Trouble { reason, message } = refusal(why);
    Trouble::new(reason, format!("{}: {message}", object.title()))
}

async fn write_if_needed(ctx: &Context, object: &Object) -> Result<Need, Error> {
    let observed = observed(ctx, object)?;
    let last = ctx.memory.same_write(&object.key(), &object.hash);
    let need = need(object, observed.as_ref(), last.as_ref(), Instant::now());
    if need == Need::Write { write(ctx, object).await } else { Ok(need) }
}

/// The object as the caches show it; of Secrets only the metadata.
fn observed(ctx: &Context, object: &Object) -> Result<Option<Value>, Error> {
    let json_error = |error| Error::json(format!("reading {}", object.title()), error);
    if object.resource.kind == "Secret" {
        let key = kube::runtime::reflector::ObjectRef::new(&object.name).within(&object.namespace);
        let secret = ctx.stores.secrets.get(&key);
        return secret.map(|secret| serde_json::to_value(secret.as_ref()).map_err(json_error)).transpose();
    }
    let found: Option<Arc<DynamicObject>> = ctx.stores.owned(&object.resource, &object.namespace, &object.name);
    found.map(|found| serde_json::to_value(named(&found, object)).map_err(json_error)).transpose()
}

/// Items of a list do not say of which kind they are.
fn named(found: &DynamicObject, object: &Object) -> DynamicObject {
    let (api_version, kind) = (object.resource.api_version.clone(), object.resource.kind.clone());
    DynamicObject { types: Some(TypeMeta { api_version, kind }), ..found.clone() }
}

fn need(object: &Object, observed: Option<&Value>, last: Option<&Write>, now: Instant) -> Need {
    if is_as_it_should_be(object, observed, last) {
        return Need::Nothing;
    }
    let Some(last) = last else { return Need::Write };
    let age = now.saturating_duration_since(last.at);
    match &last.answer {
        Answer::Refused(why) if age < REFUSED_FOR => Need::Refused(why.clone()),
        Answer::Accepted { .. } if age < settles(object) => Need::Settling,
        Answer::Refused(_) | Answer::Accepted { .. } => Need::Write,
    }
}

/// Credentials are read afresh from the API server, so a second look at them is never too early.
fn settles(object: &Object) -> Duration {
    match object.writing {
        Writing::Apply | Writing::Create | Writing::Opaque => SETTLES_IN,
        Writing::Always => Duration::ZERO,
    }
}

fn is_as_it_should_be(object: &Object, observed: Option<&Value>, last: Option<&Write>) -> bool {
    let Some(observed) = observed else { return false };
    let is_same = observed.pointer("/metadata/annotations").and_then(|all| all.get(APPLIED)).and_then(Value::as_str)
        == Some(&object.hash);
    match object.writing {
        Writing::Create => true,
        Writing::Always => false,
        Writing::Opaque => is_same && contains(&observed["metadata"], &object.body["metadata"]),
        Writing::Apply => is_same && (contains(observed, &object.body) || is_as_accepted(object, observed, last)),
    }
}

/// The API server spells some values otherwise than they were written. What it shows is what it made of the last write, as long as
/// nobody changed the object since, or none of the written fields.
fn is_as_accepted(object: &Object, observed: &Value, last: Option<&Write>) -> bool {
    last.is_some_and(|write| match &write.answer {
        Answer::Accepted { version, shown } => {
            version.as_deref() == observed["metadata"]["resourceVersion"].as_str()
                || *shown == project(observed, &object.body)
        }
        Answer::Refused(_) => false,
    })
}

async fn write(ctx: &Context, object: &Object) -> Result<Need, Error> {
    let api: Api<DynamicObject> = Api::namespaced_with(ctx.client.clone(), &object.namespace, &object.resource);
    let parameters = PatchParams::apply(MANAGER).force();
    let doing = || format!("applying {} in {}", object.title(), object.namespace);
    ctx.metrics.wrote(&object.resource.kind, "apply");
    match within(doing, api.patch(&object.name, &parameters, &Patch::Apply(&object.body))).await {
        Ok(answer) => {
            tracing::info!(kind = object.resource.kind, namespace = object.namespace, name = object.name, "applied");
            let version = answer.metadata.resource_version.clone();
            let answer = serde_json::to_value(&answer).map_err(|error| Error::json(doing(), error))?;
            let shown = project(&answer, &object.body);
            ctx.memory.wrote(object.key(), object.hash.clone(), Answer::Accepted { version, shown });
            Ok(Need::Write)
        }
        Err(Error::Api { source, doing }) => {
            let why = refusal_of(*source).map_err(|source| Error::Api { doing, source: Box::new(source) })?;
            tracing::warn!(
                kind = object.resource.kind,
                namespace = object.namespace,
                name = object.name,
                why,
                "refused"
            );
            ctx.memory.wrote(object.key(), object.hash.clone(), Answer::Refused(why.clone()));
            Ok(Need::Refused(why))
        }
        Err(error) => Err(error),
    }
}

/// A refusal is something that the user can mend; anything else is an error of the call.
fn refusal_of(error: kube::Error) -> Result<String, kube::Error> {
    if let kube::Error::Api(status) = &error
        && matches!(status.code, 400 | 403 | 404 | 422)
    {
        return Ok(status.message.clone());
    }
    Err(error)
}

async fn remove(ctx: &Context, removal: &Removal) -> Result<(), Error> {
    let Removal { resource, namespace, name, uid } = removal;
    let api: Api<DynamicObject> = Api::namespaced_with(ctx.client.clone(), namespace, resource);
    let preconditions = Preconditions { uid: uid.clone(), resource_version: None };
    let parameters = DeleteParams::background().preconditions(preconditions);
    ctx.metrics.wrote(&resource.kind, "delete");
    let doing = || format!("deleting {} {namespace}/{name}", resource.kind);
    match within(doing, api.delete(name, &parameters)).await {
        Ok(_) => tracing::info!(kind = resource.kind, namespace, name, "deleted"),
        Err(Error::Api { source, doing }) if !is_gone(&source) => return Err(Error::Api { doing, source }),
        // Gone, or replaced by another under the same name: the caches will tell.
        Err(Error::Api { .. } | Error::Conflict { .. }) => {}
        Err(error) => return Err(error),
    }
    ctx.memory.deleted(&(resource.kind.clone(), namespace.clone(), name.clone()));
    Ok(())
}

fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ServiceAccount;
    use serde_json::json;

    use super::*;

    fn account(writing: Writing) -> Object {
        let account: ServiceAccount =
            serde_json::from_value(json!({"metadata": {"name": "dev", "namespace": "chat", "labels": {"a": "b"}}}))
                .unwrap();
        Object::new(&account, writing).unwrap()
    }

    fn written(object: &Object, seconds_ago: u64, answer: Answer) -> Write {
        Write { hash: object.hash.clone(), at: Instant::now() - Duration::from_secs(seconds_ago), answer }
    }

    #[tokio::test]
    async fn an_object_is_written_when_it_is_not_as_it_should_be_and_not_otherwise() {
        let object = account(Writing::Apply);
        let mut drifted = object.body.clone();
        drifted["metadata"]["labels"]["a"] = json!("c");
        let answered = |version: &str, shown| Answer::Accepted { version: Some(version.to_owned()), shown };
        let accepted = |ago| Some(written(&object, ago, answered("1", json!({}))));
        let refused = |ago| Some(written(&object, ago, Answer::Refused("no".to_owned())));
        let as_drifted = Some(written(&object, 90, answered("1", project(&drifted, &object.body))));
        let mut unchanged = drifted.clone();
        unchanged["metadata"]["resourceVersion"] = json!("1");
        let cases = [
            ("missing", None, None, Need::Write),
            ("as it should be", Some(&object.body), None, Need::Nothing),
            ("drifted", Some(&drifted), None, Need::Write),
            ("drifted long after it was written", Some(&drifted), accepted(60), Need::Write),
            ("not in the caches yet", None, accepted(1), Need::Settling),
            ("deleted by somebody", None, accepted(4), Need::Write),
            ("refused a moment ago", None, refused(59), Need::Refused("no".to_owned())),
            ("refused a minute ago", None, refused(61), Need::Write),
            ("spelt otherwise by the API server", Some(&drifted), as_drifted, Need::Nothing),
            ("unchanged since it was written", Some(&unchanged), accepted(60), Need::Nothing),
        ];
        for (name, observed, last, expected) in cases {
            assert_eq!(need(&object, observed, last.as_ref(), Instant::now()), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn a_job_that_exists_is_left_alone_whatever_it_looks_like() {
        let object = account(Writing::Create);
        assert_eq!(need(&object, Some(&json!({})), None, Instant::now()), Need::Nothing);
        assert_eq!(need(&object, None, None, Instant::now()), Need::Write);
    }

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
}
