//! `kubectl chatbot diff`: what a spec would change, whether that is a release, and the steps that it would take.
//!
//! It is computed as the operator does it, from the same types. Of variables only the names are shown.

use std::{collections::BTreeSet, path::PathBuf};

use clap::Args;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
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
    /// A manifest that would be applied; without it, what the spec in the cluster asks for and what serves are compared
    #[arg(short, long, value_name = "FILE")]
    filename: Option<PathBuf>,
}

pub(super) async fn run(target: &Target, output: &Output, arguments: Arguments) -> Result<(), PluginError> {
    let live = target.environment(arguments.name.as_deref()).await?;
    let wanted = match &arguments.filename {
        Some(path) => read(path, &live)?,
        None => live.clone(),
    };
    let resolved =
        resolve(&wanted, &references(target, &wanted).await?).map_err(|why| PluginError::Diff(why.to_string()))?;
    let serving = serving(target, &live).await?;
    for line in difference(&live, &wanted, &resolved, serving.as_ref()) {
        output.line(&line)?;
    }
    Ok(())
}

/// The manifest of this environment in a file that may hold others too.
fn read(path: &PathBuf, live: &ChatbotEnvironment) -> Result<ChatbotEnvironment, PluginError> {
    let failed = |why: String| PluginError::Diff(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let documents = serde_saphyr::from_multiple::<Value>(&text).map_err(|error| failed(error.to_string()))?;
    let is_meant = |document: &Value| {
        document["kind"] == "ChatbotEnvironment" && document["metadata"]["name"] == live.name_any().as_str()
    };
    let found = documents.into_iter().find(is_meant);
    let found = found.ok_or_else(|| failed(format!("it holds no ChatbotEnvironment {}", live.name_any())))?;
    let mut wanted: ChatbotEnvironment = serde_json::from_value(found).map_err(|error| failed(error.to_string()))?;
    wanted.metadata = live.metadata.clone();
    wanted.status.clone_from(&live.status);
    Ok(wanted)
}

async fn references(target: &Target, environment: &ChatbotEnvironment) -> Result<References, PluginError> {
    let admin = environment.spec.provision.as_ref().map(|provision| provision.admin_secret_ref.name.clone());
    let provisioned = admin.is_some().then(|| names::provisioned_secret(&environment.name_any()));
    Ok(References {
        secret: secret(target, Some(&environment.spec.secret_ref.name)).await?,
        admin: secret(target, admin.as_deref()).await?,
        provisioned: secret(target, provisioned.as_deref()).await?,
        ..References::default()
    })
}

async fn secret(target: &Target, name: Option<&str>) -> Result<Option<SecretData>, PluginError> {
    let Some(name) = name else { return Ok(None) };
    let secrets: kube::Api<Secret> = target.api();
    let found = within(&format!("read Secret {name} (needs get on secrets)"), secrets.get_opt(name)).await?;
    Ok(found.as_ref().map(SecretData::from))
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
    let variables = secret(target, Some(&name)).await?.map(|secret| secret.variables().0).unwrap_or_default();
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
    Some(format!("it is held back, because it failed before: {}; kubectl chatbot retry tries it again", failed.message))
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
    fn values_of_variables_are_never_shown() {
        let live = fixtures::minimal(Tier::Stage);
        let mut before = serving(&live);
        before.variables.insert("SECRET_KEY".to_owned(), "hunter2".into());
        let said = text(&live, &live, Some(&before));
        assert!(said.contains("variable SECRET_KEY: changed") && !said.contains("hunter2"), "{said}");
    }
}
