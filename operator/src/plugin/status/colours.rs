//! Both colours: how many of their pods are up, which of them has the traffic, and which could take it back. And the task monitor,
//! which has none.

use std::{fmt, time::Duration};

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use tokio::time::timeout;

use crate::{
    crd::{ChatbotEnvironment, Colour, Phase, environment_status::ReleaseStatus},
    plugin::{
        output::Palette,
        target::{Target, is_ready},
    },
    resources::labels::{self, Component},
};

/// How long the screen waits for them.
const PATIENCE: Duration = Duration::from_secs(2);

/// Pods of both colours; none where they cannot be listed.
#[derive(Debug, Default)]
pub(in crate::plugin) struct Colours {
    app: Option<Vec<Pod>>,
    worker: Option<Vec<Pod>>,
    monitor: Option<Vec<Pod>>,
}

impl Colours {
    /// Reads them. Whoever may see an environment but no pods sees the rest of the screen.
    pub(in crate::plugin) async fn read(target: &Target, environment: &ChatbotEnvironment) -> Self {
        let name = environment.name_any();
        let pods = async |component| timeout(PATIENCE, Box::pin(target.pods(&name, component, None))).await.ok()?.ok();
        let all = [Component::App, Component::Worker, Component::Monitor].map(pods);
        let [app, worker, monitor] = <[_; 3]>::try_from(futures::future::join_all(all).await).unwrap_or_default();
        Self { app, worker, monitor }
    }

    /// What the task monitor's row says; none without a pod of it.
    pub(super) fn monitor(&self) -> Option<String> {
        let staying = self.monitor.iter().flatten().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        let staying: Vec<&Pod> = staying.collect();
        let ready = staying.iter().filter(|pod| is_ready(pod)).count();
        let how = if ready > 0 { "  open it: kubectl chatbot monitor" } else { "" };
        (!staying.is_empty()).then(|| format!("{ready}/{} ready{how}", staying.len()))
    }

    /// Whether the servers of a colour could take the traffic back.
    pub(in crate::plugin) fn standing(&self, colour: Colour) -> Standing {
        match Count::of(self.app.as_deref(), colour) {
            None => Standing::Short { up: 0, of: 0 },
            Some(Count::Unknown) => Standing::Unknown,
            Some(Count::Known(up, of)) if up > 0 && up * 2 >= of => Standing::Ready,
            Some(Count::Known(up, of)) => Standing::Short { up, of },
        }
    }

    /// A line for each colour that has pods or the traffic.
    pub(super) fn lines(&self, release: &ReleaseStatus, palette: Palette) -> Vec<String> {
        if self.app.is_none() && self.worker.is_none() {
            return Vec::new();
        }
        let colours = [Colour::Blue, Colour::Green].into_iter();
        let shown = colours.filter_map(|colour| {
            let (app, worker) = (Count::of(self.app.as_deref(), colour), Count::of(self.worker.as_deref(), colour));
            let is_shown = app.is_some() || worker.is_some() || release.active == Some(colour);
            is_shown.then(|| line(colour, &role(colour, self.standing(colour), release, palette), app, worker))
        });
        shown.collect()
    }
}

/// Whether the servers of the release before could take the traffic back, as the operator judges it: at least half of them are up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plugin) enum Standing {
    /// They could.
    Ready,
    /// Too few are up: so many, of so many.
    Short {
        /// Those that are up.
        up: usize,
        /// All that are not on their way out.
        of: usize,
    },
    /// They cannot be listed.
    Unknown,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready to take the traffic back"),
            Self::Short { up: 0, of: 0 } => f.write_str("no server is left: not ready to take the traffic back"),
            Self::Short { up, of } => write!(f, "{up} of {of} up: not ready to take the traffic back"),
            Self::Unknown => {
                f.write_str("its pods cannot be listed: not known whether it is ready to take the traffic back")
            }
        }
    }
}

/// Pods of one colour that are not on their way out.
#[derive(Debug, Clone, Copy)]
enum Count {
    /// They cannot be listed.
    Unknown,
    /// So many are ready, of so many.
    Known(usize, usize),
}

impl Count {
    /// None without any.
    fn of(pods: Option<&[Pod]>, colour: Colour) -> Option<Self> {
        let Some(pods) = pods else { return Some(Self::Unknown) };
        let is_of = |pod: &&Pod| {
            pod.labels().get(labels::COLOUR).is_some_and(|value| value == colour.as_str())
                && pod.metadata.deletion_timestamp.is_none()
        };
        let of_colour: Vec<&Pod> = pods.iter().filter(is_of).collect();
        let ready = of_colour.iter().filter(|pod| is_ready(pod)).count();
        (!of_colour.is_empty()).then_some(Self::Known(ready, of_colour.len()))
    }
}

fn line(colour: Colour, role: &str, app: Option<Count>, worker: Option<Count>) -> String {
    let pods = |count: Option<Count>| match count {
        None => "none".to_owned(),
        Some(Count::Unknown) => "not known".to_owned(),
        Some(Count::Known(ready, all)) => format!("{ready}/{all} ready"),
    };
    format!("{:<5}  {role}  app {:<10}  workers {}", colour.as_str(), pods(app), pods(worker))
}

/// What a colour's servers are there for.
fn role(colour: Colour, standing: Standing, release: &ReleaseStatus, palette: Palette) -> String {
    let is_previous = release.previous.as_ref().is_some_and(|previous| previous.colour == colour);
    let is_candidate = release.candidate.as_ref().is_some_and(|candidate| candidate.colour == colour);
    let is_shown = matches!(release.phase, Phase::Start | Phase::Check | Phase::Promote);
    match standing {
        _ if release.active == Some(colour) => palette.good("traffic"),
        Standing::Ready if is_previous => palette.faint("ready  "),
        Standing::Short { .. } if is_previous => palette.bad("unready"),
        Standing::Unknown if is_previous => palette.faint("before "),
        Standing::Ready | Standing::Short { .. } | Standing::Unknown if is_candidate && is_shown => {
            palette.mind("preview")
        }
        Standing::Ready | Standing::Short { .. } | Standing::Unknown => palette.faint("leaving"),
    }
}

#[cfg(test)]
impl Colours {
    /// Pods of app and worker, each as its colour and whether it is ready.
    pub(in crate::plugin) fn of(app: &[(Colour, bool)], worker: &[(Colour, bool)]) -> Self {
        let pods = |all: &[(Colour, bool)]| all.iter().map(|(colour, ready)| pod(*colour, *ready)).collect();
        Self { app: Some(pods(app)), worker: Some(pods(worker)), monitor: Some(pods(&[(Colour::Blue, true)])) }
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
