//! `kubectl chatbot diff`: what a spec would change, whether that is a release, and the steps that it would take.
//!
//! It is computed as the operator does it, from the same types. Of variables only the names are shown.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::Args;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    ResourceExt,
    api::{Patch, PatchParams, ValidationDirective},
};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{
    PluginError,
    output::Output,
    target::{Target, within},
};
use crate::{
    controllers::environment::resolve::{
        Migrations, References, ReleasePolicy, Resolved, SecretData, Variables, resolve,
    },
    crd::{ChatbotEnvironment, OnRollback, Promotion, Strategy},
    resources::names,
};

/// Options of `diff`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The environment; may be left out where the namespace has only one
    name: Option<String>,
    /// A manifest that would be applied, or - for standard input; without it, what the spec in the cluster asks for and what serves are compared
    #[arg(short, long, value_name = "FILE")]
    filename: Option<PathBuf>,
}

pub(super) async fn run(target: &Target, output: &Output, arguments: Arguments) -> Result<(), PluginError> {
    let manifests = arguments.filename.as_deref().map(read).transpose()?.unwrap_or_default();
    let name = arguments.name.or_else(|| only_name(&manifests));
    let live = target.environment(name.as_deref()).await?;
    let wanted = if arguments.filename.is_some() { applied(target, &live, &manifests).await? } else { live.clone() };
    let references = references(target, &wanted, &manifests).await?;
    let resolved = resolve(&wanted, &references).map_err(|why| PluginError::Diff(why.to_string()))?;
    let serving = serving(target, &live).await?;
    for line in difference(&live, &wanted, &resolved, serving.as_ref()) {
        output.line(&line)?;
    }
    Ok(())
}

/// Every document of a file.
fn read(path: &Path) -> Result<Vec<Value>, PluginError> {
    let failed = |why: String| PluginError::Diff(format!("{}: {why}", path.display()));
    let text =
        if path == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(path) };
    let text = text.map_err(|error| failed(error.to_string()))?;
    serde_saphyr::from_multiple::<Value>(&text).map_err(|_| failed("it is no YAML".to_owned()))
}

/// The name of the only environment of a file.
fn only_name(manifests: &[Value]) -> Option<String> {
    let mut names = manifests.iter().filter(|it| it["kind"] == "ChatbotEnvironment").map(|it| &it["metadata"]["name"]);
    let name = names.next()?.as_str()?.to_owned();
    names.next().is_none().then_some(name)
}

fn manifest<'a>(manifests: &'a [Value], kind: &str, name: &str) -> Option<&'a Value> {
    manifests.iter().find(|document| document["kind"] == kind && document["metadata"]["name"] == name)
}

/// The environment as the API server would have it after `kubectl apply`: it merges, fills in and refuses, and changes nothing.
async fn applied(
    target: &Target,
    live: &ChatbotEnvironment,
    manifests: &[Value],
) -> Result<ChatbotEnvironment, PluginError> {
    let name = live.name_any();
    let wanted = manifest(manifests, "ChatbotEnvironment", &name)
        .ok_or_else(|| PluginError::Diff(format!("the file holds no ChatbotEnvironment {name}")))?;
    if let Some(namespace) = wanted["metadata"]["namespace"].as_str().filter(|namespace| *namespace != target.namespace)
    {
        return Err(PluginError::Diff(format!("the file is about namespace {namespace}: add -n {namespace}")));
    }
    let patch = serde_json::json!({ "spec": merge_of(&wanted["spec"], &last_applied(live)["spec"]) });
    let parameters =
        PatchParams { dry_run: true, field_validation: Some(ValidationDirective::Strict), ..PatchParams::default() };
    let api: kube::Api<ChatbotEnvironment> = target.api();
    let doing = format!("apply ChatbotEnvironment {name} (as a dry run, which needs patch on chatbotenvironments)");
    within(&doing, api.patch(&name, &parameters, &Patch::Merge(patch))).await
}

/// What `kubectl apply` wrote the last time.
fn last_applied(live: &ChatbotEnvironment) -> Value {
    let text = live.annotations().get("kubectl.kubernetes.io/last-applied-configuration");
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The merge patch of `kubectl apply`: what the manifest says, without what it said the last time and says no more. What others
/// wrote stays.
fn merge_of(wanted: &Value, last: &Value) -> Value {
    let (Value::Object(wanted), Value::Object(last)) = (wanted, last) else { return wanted.clone() };
    let gone = last.keys().filter(|key| !wanted.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let kept = wanted.iter().map(|(key, value)| (key.clone(), merge_of(value, last.get(key).unwrap_or(&Value::Null))));
    Value::Object(kept.chain(gone).collect())
}

async fn references(
    target: &Target,
    environment: &ChatbotEnvironment,
    manifests: &[Value],
) -> Result<References, PluginError> {
    let admin = environment.spec.provision.as_ref().map(|provision| provision.admin_secret_ref.name.clone());
    let provisioned = admin.is_some().then(|| names::provisioned_secret(&environment.name_any()));
    let user = &environment.spec.secret_ref.name;
    let live = secret(target, Some(user)).await?;
    Ok(References {
        secret: with_manifest(live, manifest(manifests, "Secret", user)).as_ref().map(SecretData::from),
        admin: secret(target, admin.as_deref()).await?.as_ref().map(SecretData::from),
        provisioned: secret(target, provisioned.as_deref()).await?.as_ref().map(SecretData::from),
        ..References::default()
    })
}

/// The Secret as it would be with the one of the same file.
fn with_manifest(live: Option<Secret>, manifest: Option<&Value>) -> Option<Secret> {
    let Some(wanted) = manifest.and_then(|manifest| serde_json::from_value::<Secret>(manifest.clone()).ok()) else {
        return live;
    };
    let mut secret = live.unwrap_or_else(|| Secret { metadata: wanted.metadata.clone(), ..Secret::default() });
    secret.data.get_or_insert_default().extend(wanted.data.unwrap_or_default());
    secret.string_data.get_or_insert_default().extend(wanted.string_data.unwrap_or_default());
    Some(secret)
}

async fn secret(target: &Target, name: Option<&str>) -> Result<Option<Secret>, PluginError> {
    let Some(name) = name else { return Ok(None) };
    let secrets: kube::Api<Secret> = target.api();
    within(&format!("read Secret {name} (needs get on secrets)"), secrets.get_opt(name)).await
}

/// What serves: its image, and its variables as they were when it was released.
struct Serving {
    id: String,
    image: String,
    variables: Variables,
}

async fn serving(target: &Target, live: &ChatbotEnvironment) -> Result<Option<Serving>, PluginError> {
    let release = live.status.as_ref().and_then(|status| status.release.clone()).unwrap_or_default();
    let (Some(id), Some(image)) = (release.id, release.image) else { return Ok(None) };
    let name = names::release_secret(&live.name_any(), &id);
    let variables = secret(target, Some(&name)).await?;
    let variables = variables.map(|secret| SecretData::from(&secret).variables().0).unwrap_or_default();
    Ok(Some(Serving { id, image, variables }))
}

fn difference(
    live: &ChatbotEnvironment,
    wanted: &ChatbotEnvironment,
    resolved: &Resolved,
    serving: Option<&Serving>,
) -> Vec<String> {
    let Some(serving) = serving else {
        return vec![
            format!("nothing serves yet: release {} would be the first", resolved.release_id),
            steps(&resolved.release, &resolved.migrations, true),
        ];
    };
    let mut lines = Vec::new();
    if serving.image != resolved.image.reference {
        lines.push(format!("image: {} -> {}", serving.image, resolved.image.reference));
    }
    lines.extend(variables(&serving.variables, &resolved.variables));
    lines.extend(fields(live, wanted));
    if serving.id == resolved.release_id {
        let what =
            if lines.is_empty() { "nothing changes" } else { "this is no release: only the fields above change" };
        lines.push(format!("{what}; release {} goes on serving", serving.id));
    } else {
        lines.push(format!("this is a release: {} -> {}", serving.id, resolved.release_id));
        lines.push(steps(&resolved.release, &resolved.migrations, false));
        lines.extend(held_back(live, resolved));
    }
    lines
}

/// Names alone: whoever may see them need not see the values.
fn variables(before: &Variables, after: &Variables) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).filter(|name| *name != "RELEASE_ID").collect();
    let line = |name: &String| match (before.get(name), after.get(name)) {
        (None, Some(_)) => Some(format!("variable {name}: added")),
        (Some(_), None) => Some(format!("variable {name}: removed")),
        (Some(old), Some(new)) if old.expose_secret() != new.expose_secret() => {
            Some(format!("variable {name}: changed"))
        }
        _ => None,
    };
    names.into_iter().filter_map(line).collect()
}

/// Fields of the spec that are no part of the release: image and settings are told before.
fn fields(live: &ChatbotEnvironment, wanted: &ChatbotEnvironment) -> Vec<String> {
    let spec = |environment: &ChatbotEnvironment| serde_json::to_value(&environment.spec).unwrap_or_default();
    let mut lines = Vec::new();
    compare("", &spec(live), &spec(wanted), &mut lines);
    lines.retain(|line| !line.starts_with("image:") && !line.starts_with("settings"));
    lines
}

fn compare(path: &str, before: &Value, after: &Value, lines: &mut Vec<String>) {
    match (before, after) {
        (Value::Null, Value::Object(_)) => compare(path, &serde_json::json!({}), after, lines),
        (Value::Object(_), Value::Null) => compare(path, before, &serde_json::json!({}), lines),
        (Value::Object(old), Value::Object(new)) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&path, old.get(key).unwrap_or(&Value::Null), new.get(key).unwrap_or(&Value::Null), lines);
            }
        }
        (old, new) if old != new => lines.push(format!("{path}: {} -> {}", shown(old), shown(new))),
        _ => {}
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "the default".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The road of a release, in the order of its steps.
pub(super) fn steps(policy: &ReleasePolicy, migrations: &Migrations, first: bool) -> String {
    let is_beside = policy.strategy == Strategy::BlueGreen && !first;
    let bake = policy.bake.to_std();
    let steps = [
        (migrations.backup_first, "Backup".to_owned()),
        (true, "Migrate (expand)".to_owned()),
        (true, "Start".to_owned()),
        (true, format!("Check (up to {})", policy.check_timeout)),
        (
            policy.promotion == Promotion::Manual && policy.strategy == Strategy::BlueGreen,
            "Promote (waits for you)".to_owned(),
        ),
        (true, "Switch".to_owned()),
        (is_beside && !bake.is_zero(), format!("Bake ({})", policy.bake)),
        (true, "Finish (contract)".to_owned()),
    ];
    let road: Vec<String> = steps.into_iter().filter(|(is_taken, _)| *is_taken).map(|(_, step)| step).collect();
    let undo = match migrations.on_rollback {
        OnRollback::WhenLossless => "the schema goes back where that loses nothing",
        OnRollback::Always => "the schema goes back, with what was written into it",
        OnRollback::Never => "the schema stays",
    };
    format!("steps: {}; if it fails, the release before goes on, and {undo}", road.join(" -> "))
}

fn held_back(live: &ChatbotEnvironment, resolved: &Resolved) -> Option<String> {
    let failed = live.status.as_ref()?.failed_releases.first().filter(|failed| failed.id == resolved.release_id)?;
    Some(format!("it is held back: {}; kubectl chatbot retry releases it again", failed.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{controllers::environment::resolve::fixtures, crd::Tier};

    fn text(wanted: &ChatbotEnvironment, live: &ChatbotEnvironment, serving: Option<&Serving>) -> String {
        let resolved = resolve(wanted, &fixtures::provisioned()).unwrap();
        difference(live, wanted, &resolved, serving).join("\n")
    }

    fn serving(environment: &ChatbotEnvironment) -> Serving {
        let Resolved { release_id, image, variables, .. } = resolve(environment, &fixtures::provisioned()).unwrap();
        Serving { id: release_id, image: image.reference, variables }
    }

    #[test]
    fn a_change_is_told_by_name_with_the_steps_that_follow() {
        let live = fixtures::minimal(Tier::Stage);
        let with = |more: &str| fixtures::environment(Tier::Stage, more);
        let image = ChatbotEnvironment {
            spec: {
                let mut spec = live.spec.clone();
                spec.image = "chatbot:9".to_owned();
                spec
            },
            ..live.clone()
        };
        let cases = [
            ("first", text(&live, &live, None)),
            ("nothing", text(&live, &live, Some(&serving(&live)))),
            ("image", text(&image, &live, Some(&serving(&live)))),
            ("setting", text(&with("  settings: {LLM_MODEL: tiny}\n"), &live, Some(&serving(&live)))),
            ("replicas", text(&with("  app: {replicas: 5}\n"), &live, Some(&serving(&live)))),
            (
                "by hand",
                text(
                    &with("  release: {promotion: Manual, bake: 5m}\n  settings: {LLM_MODEL: tiny}\n"),
                    &live,
                    Some(&serving(&live)),
                ),
            ),
        ];
        let shown: Vec<String> = cases.into_iter().map(|(name, text)| format!("# {name}\n{text}\n")).collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn a_manifest_is_merged_as_kubectl_apply_merges_it() {
        let (last, wanted) =
            (serde_json::json!({"a": 1, "b": {"c": 2, "d": 3}}), serde_json::json!({"b": {"c": 9}, "e": 5}));
        assert_eq!(merge_of(&wanted, &last), serde_json::json!({"a": null, "b": {"c": 9, "d": null}, "e": 5}));
        assert_eq!(merge_of(&wanted, &Value::Null), wanted, "what was never applied is taken from nobody");
    }

    #[test]
    fn a_secret_of_the_same_file_lies_over_the_one_in_the_cluster() {
        let secret = |text: Value| serde_json::from_value::<Secret>(text).unwrap();
        let live = secret(serde_json::json!({"metadata": {"name": "s"}, "data": {"A": "b2xk", "B": "b2xk"}}));
        let manifest = serde_json::json!({"metadata": {"name": "s"}, "stringData": {"A": "new"}});
        let variables = SecretData::from(&with_manifest(Some(live), Some(&manifest)).unwrap()).variables().0;
        let shown = |name: &str| variables[name].expose_secret().to_owned();
        assert_eq!((shown("A"), shown("B")), ("new".to_owned(), "old".to_owned()));
    }

    #[test]
    fn values_of_variables_are_never_shown() {
        let live = fixtures::minimal(Tier::Stage);
        let mut before = serving(&live);
        before.variables.insert("SECRET_KEY".to_owned(), "hunter2".into());
        let said = text(&live, &live, Some(&before));
        assert!(said.contains("variable SECRET_KEY: changed") && !said.contains("hunter2"), "{said}");
    }
}
