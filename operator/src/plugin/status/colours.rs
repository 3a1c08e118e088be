//! Both colours: how many of their pods stand ready, and which of them has the traffic.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    crd::{ChatbotEnvironment, Colour, environment_status::ReleaseStatus},
    plugin::{
        output::Palette,
        target::{Target, is_ready},
    },
    resources::labels::{self, Component},
};

/// Pods of both colours; empty where they may not be listed.
#[derive(Debug, Default)]
pub(super) struct Colours {
    app: Vec<Pod>,
    worker: Vec<Pod>,
}

impl Colours {
    /// Reads them. Whoever may see an environment but no pods sees the rest of the screen.
    pub(super) async fn read(target: &Target, environment: &ChatbotEnvironment) -> Self {
        let name = environment.name_any();
        let pods = async |component| target.pods(&name, component, None).await.unwrap_or_default();
        Self { app: pods(Component::App).await, worker: pods(Component::Worker).await }
    }

    /// A line for each colour that has pods or the traffic.
    pub(super) fn lines(&self, release: &ReleaseStatus, palette: Palette) -> Vec<String> {
        if self.app.is_empty() && self.worker.is_empty() {
            return Vec::new();
        }
        let colours = [Colour::Blue, Colour::Green].into_iter();
        let shown = colours.filter_map(|colour| {
            let (app, worker) = (count(&self.app, colour), count(&self.worker, colour));
            let is_shown = app.1 + worker.1 > 0 || release.active == Some(colour);
            is_shown.then(|| line(colour, release, app, worker, palette))
        });
        shown.collect()
    }
}

/// Ready ones, and all that are not on their way out.
fn count(pods: &[Pod], colour: Colour) -> (usize, usize) {
    let is_of = |pod: &&Pod| {
        pod.labels().get(labels::COLOUR).is_some_and(|value| value == colour.as_str())
            && pod.metadata.deletion_timestamp.is_none()
    };
    let of_colour: Vec<&Pod> = pods.iter().filter(is_of).collect();
    (of_colour.iter().filter(|pod| is_ready(pod)).count(), of_colour.len())
}

fn line(
    colour: Colour,
    release: &ReleaseStatus,
    app: (usize, usize),
    worker: (usize, usize),
    palette: Palette,
) -> String {
    let is_preview = release.candidate.as_ref().is_some_and(|candidate| candidate.colour == colour);
    let role = match (release.active == Some(colour), is_preview) {
        (true, _) => palette.good("traffic"),
        (false, true) => palette.mind("preview"),
        (false, false) => palette.faint("ready  "),
    };
    let pods = |(ready, all): (usize, usize)| if all == 0 { "none".to_owned() } else { format!("{ready}/{all} ready") };
    format!("{:<5}  {role}  app {:<10}  workers {}", colour.as_str(), pods(app), pods(worker))
}

#[cfg(test)]
impl Colours {
    /// Pods of app and worker, each as its colour and whether it is ready.
    pub(super) fn of(app: &[(Colour, bool)], worker: &[(Colour, bool)]) -> Self {
        let pods = |all: &[(Colour, bool)]| all.iter().map(|(colour, ready)| pod(*colour, *ready)).collect();
        Self { app: pods(app), worker: pods(worker) }
    }
}

#[cfg(test)]
fn pod(colour: Colour, ready: bool) -> Pod {
    let ready = if ready { "True" } else { "False" };
    let pod = serde_json::json!({
        "metadata": {"labels": {labels::COLOUR: colour.as_str()}},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    });
    serde_json::from_value(pod).unwrap()
}
