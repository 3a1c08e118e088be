//! `kubectl chatbot history`: the releases of an environment, and which of them can be returned to.

use clap::Args;
use jiff::Timestamp;
use kube::ResourceExt;

use super::{
    PluginError,
    output::{Output, Palette},
    status::length,
    target::Target,
};
use crate::{
    clock::Clock,
    crd::{
        ChatbotEnvironment, ChatbotEnvironmentStatus,
        environment_status::{Outcome, PastRelease},
    },
    release::returnable,
};

/// Options of `history`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The environment; may be left out where the namespace has only one
    name: Option<String>,
}

pub(super) async fn run(target: &Target, output: &Output, arguments: Arguments) -> Result<(), PluginError> {
    let environment = target.environment(arguments.name.as_deref()).await?;
    output.text(&screen(&environment, Clock::system().now(), output.palette()))?;
    Ok(())
}

fn screen(environment: &ChatbotEnvironment, now: Timestamp, palette: Palette) -> String {
    let status = environment.status.clone().unwrap_or_default();
    let active = status.release.as_ref().and_then(|release| release.id.clone());
    if status.history.is_empty() {
        return "no release has ended yet\n".to_owned();
    }
    let heading =
        format!("{:<10}  {:<11}  {:<8}  {:<8}  {:<15}  IMAGE\n", "RELEASE", "OUTCOME", "TOOK", "AGE", "SCHEMA");
    let mut text = palette.faint(&heading);
    let serving = status.history.iter().position(|past| Some(&past.id) == active.as_ref());
    for (index, past) in status.history.iter().enumerate() {
        text.push_str(&line(past, serving == Some(index), now, palette));
    }
    let name = format!("{} -n {}", environment.name_any(), environment.namespace().unwrap_or_default());
    text.push_str(&advice(&name, &ids_to_return_to(&status)));
    text
}

fn line(past: &PastRelease, serves: bool, now: Timestamp, palette: Palette) -> String {
    let outcome = match past.outcome {
        Outcome::Succeeded | Outcome::Running | Outcome::Skipped => palette.good("succeeded  "),
        Outcome::Failed => palette.bad("failed     "),
        Outcome::RolledBack => palette.bad("rolled back"),
        Outcome::Superseded => palette.faint("superseded "),
    };
    let (took, age) = (length(past.started_at.0, past.finished_at.0), length(past.finished_at.0, now));
    let schema = past.schema.as_deref().unwrap_or("-");
    let serves = if serves { "  serves" } else { "" };
    let why = if past.message.is_empty() { String::new() } else { format!("{:12}{}\n", "", past.message) };
    format!("{:<10}  {outcome}  {took:<8}  {age:<8}  {schema:<15}  {}{serves}\n{why}", past.id, past.image)
}

/// The ids that `rollback --to` takes, the newest first.
pub(super) fn ids_to_return_to(status: &ChatbotEnvironmentStatus) -> Vec<&str> {
    let active = status.release.as_ref().and_then(|release| release.id.as_deref());
    returnable(&status.history, active).into_iter().map(|past| past.id.as_str()).collect()
}

fn advice(name: &str, returnable: &[&str]) -> String {
    match returnable {
        [] => "\nno earlier release can be returned to\n".to_owned(),
        [id] => format!("\nto return to {id}: kubectl chatbot rollback {name}\n"),
        ids => format!("\nto return to one of {}: kubectl chatbot rollback {name} --to RELEASE\n", ids.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn past(id: &str, outcome: &str, contracted: bool) -> PastRelease {
        serde_json::from_value(json!({
            "id": id, "image": format!("chatbot:{id}"), "schema": "20260101000600", "contracted": contracted,
            "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:01:05Z", "outcome": outcome, "message": "",
        }))
        .unwrap()
    }

    #[test]
    fn the_screen_shows_each_release_and_the_way_back() {
        let environment = serde_json::from_value(json!({
            "apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotEnvironment", "metadata": {"name": "prod", "namespace": "chat"},
            "spec": {"tier": "prod", "image": "chatbot:2", "secretRef": {"name": "chatbot"}},
            "status": {"release": {"id": "2222222222", "phase": "Stable"}, "history": [
                past("3333333333", "RolledBack", false), past("2222222222", "Succeeded", false),
                past("1111111111", "Succeeded", false)]},
        }))
        .unwrap();
        let now = "2026-01-01T02:01:05Z".parse().unwrap();
        insta::assert_snapshot!(screen(&environment, now, Palette::default()));
    }
}
