//! `kubectl chatbot monitor`: the way to the task monitor, which has no host of its own.
//!
//! A release puts another pod in the place of the one before; the address stays, and leads to whichever is there.

use std::time::Duration;

use clap::Args;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::{
    PluginError,
    chatbot::tunnel::{ANY, MONITOR, Tunnel},
    output::Output,
    target::{Target, is_ready},
};
use crate::{
    crd::{ChatbotEnvironment, conditions},
    resources::labels::Component,
};

/// How often it is seen whether another pod has taken the place.
const LOOK: Duration = Duration::from_secs(3);

/// Options of `monitor`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The environment; may be left out where the namespace has only one
    name: Option<String>,
    /// Local port; without it 5555, or whichever is free where that is taken
    #[arg(short, long)]
    port: Option<u16>,
}

pub(super) async fn run(target: &Target, output: &Output, arguments: Arguments) -> Result<(), PluginError> {
    let environment = target.environment(arguments.name.as_deref()).await?;
    let name = environment.name_any();
    let pod = ready_pod(target, &name).await?.ok_or_else(|| absent(&environment))?;
    let tunnel = open(target, &pod, arguments.port).await?;
    output.line(&format!("The task monitor of {name}: {}", tunnel.url("/")))?;
    output.line(&output.palette().faint("until you press Ctrl-C; through releases too"))?;
    loop {
        tokio::time::sleep(LOOK).await;
        // Between two pods there is none; and a look that fails says nothing of the one that is there.
        if let Ok(Some(pod)) = ready_pod(target, &name).await {
            tunnel.lead_to(&pod);
        }
    }
}

/// The port that people remember, unless somebody wants another one, or it is taken.
async fn open(target: &Target, pod: &str, wanted: Option<u16>) -> Result<Tunnel, PluginError> {
    let open = async |local| Tunnel::open(target.api(), pod, MONITOR, local).await;
    match wanted {
        Some(local) => open(local).await,
        None => match open(MONITOR).await {
            Ok(tunnel) => Ok(tunnel),
            Err(_) => open(ANY).await,
        },
    }
}

async fn ready_pod(target: &Target, name: &str) -> Result<Option<String>, PluginError> {
    let pods = target.pods(name, Component::Monitor, None).await?;
    Ok(pods.iter().find(|pod: &&Pod| is_ready(pod)).map(ResourceExt::name_any))
}

/// In the operator's words, where it has said why.
fn absent(environment: &ChatbotEnvironment) -> PluginError {
    let (name, namespace) = (environment.name_any(), environment.namespace().unwrap_or_default());
    let conditions = environment.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    match conditions::find(conditions, conditions::MONITOR_HEALTHY).filter(|condition| condition.status != "True") {
        Some(condition) => PluginError::NoMonitor { name, why: condition.message.clone() },
        None => PluginError::NoPod { name, namespace, wanted: "ready monitor".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::plugin::fake::{self, Asked};

    /// An environment whose monitor is as the condition says, and these pods of it.
    fn cluster(condition: &Value, pods: &[Value]) -> (Target, Asked) {
        let (mut environment, pods) = (fake::environment(), pods.to_vec());
        environment["status"]["conditions"] = json!([condition]);
        fake::cluster(move |request| match request {
            request if request.contains("/portforward") => fake::refusal(403, "pods \"m\" is forbidden"),
            request if request.contains("/pods?") => fake::list(&pods),
            _ => fake::list(std::slice::from_ref(&environment)),
        })
    }

    fn condition(status: &str, message: &str) -> Value {
        json!({ "type": "MonitorHealthy", "status": status, "reason": "Test", "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z" })
    }

    fn pod(name: &str, ready: bool) -> Value {
        let status = if ready { "True" } else { "False" };
        json!({ "metadata": { "name": name }, "status": { "conditions": [{ "type": "Ready", "status": status }] } })
    }

    async fn said(target: &Target) -> String {
        let arguments = Arguments { name: Some("dev".to_owned()), port: None };
        run(target, &Output::stdout(), arguments).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn why_there_is_no_monitor_is_told_in_the_operators_words() {
        let off = condition("Unknown", "it is not run, because monitor.enabled is false");
        let (target, asked) = cluster(&off, &[]);
        assert_eq!(said(&target).await, "dev has no task monitor now: it is not run, because monitor.enabled is false");
        let asked = asked.lock().unwrap().join(" ");
        assert!(asked.contains("component%3Dmonitor") && !asked.contains("colour"), "{asked}");
    }

    #[tokio::test]
    async fn a_pod_that_is_not_ready_is_not_forwarded_to() {
        let (target, asked) = cluster(&condition("True", "its pod is ready"), &[pod("m", false)]);
        assert_eq!(said(&target).await, "dev has no ready monitor pod: see kubectl chatbot doctor dev -n chat");
        assert!(!asked.lock().unwrap().join(" ").contains("portforward"));
    }

    #[tokio::test]
    async fn a_missing_right_is_named_and_the_pod_that_is_ready_is_meant() {
        let (target, asked) = cluster(&condition("True", ""), &[pod("old", false), pod("new", true)]);
        let said = said(&target).await;
        assert!(said.contains("needs create on pods/portforward"), "{said}");
        assert!(asked.lock().unwrap().join(" ").contains("/pods/new/portforward?&ports=5555"), "{asked:?}");
    }
}
