//! `kubectl chatbot logs`: what the pods of the active colour say, each line with its pod's name.

use std::{collections::BTreeSet, pin::Pin, time::Duration};

use clap::{Args, ValueEnum};
use futures::{AsyncBufReadExt, Stream, StreamExt, stream::SelectAll};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::LogParams};

use super::{
    PluginError,
    output::Output,
    target::{self, Target, within},
};
use crate::resources::labels::Component;

/// How often new pods are looked for while following.
const LOOK: Duration = Duration::from_secs(3);

/// Options of `logs`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The environment; may be left out where the namespace has only one
    name: Option<String>,
    /// Whose logs
    #[arg(short, long, value_enum, default_value_t)]
    component: Which,
    /// Go on until interrupted, through releases too
    #[arg(short, long)]
    follow: bool,
    /// Lines of each pod to begin with
    #[arg(long, default_value_t = 100)]
    tail: i64,
}

/// A component with logs of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Which {
    /// HTTP servers of the active colour
    #[default]
    App,
    /// Background workers of the active colour
    Worker,
    /// Jobs that migrate the schema
    Migrate,
}

impl Which {
    const fn component(self) -> Component {
        match self {
            Self::App => Component::App,
            Self::Worker => Component::Worker,
            Self::Migrate => Component::Migrate,
        }
    }
}

type Lines = Pin<Box<dyn Stream<Item = (String, std::io::Result<String>)> + Send>>;

pub(super) async fn run(target: &Target, output: &Output, arguments: Arguments) -> Result<(), PluginError> {
    let name = target.environment(arguments.name.as_deref()).await?.name_any();
    let mut lines = SelectAll::new();
    let mut known = BTreeSet::new();
    add_new_pods(target, &name, &arguments, &mut known, &mut lines).await?;
    if known.is_empty() && !arguments.follow {
        return Err(no_pod(target, name, arguments.component));
    }
    let mut looks = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            Some((pod, line)) = lines.next() => match line {
                Ok(line) => output.line(&format!("{} {line}", output.palette().faint(&format!("[{pod}]"))))?,
                // The connection to one pod broke; it is taken up again as long as the pod is there.
                Err(_) => { known.remove(&pod); }
            },
            _ = looks.tick(), if arguments.follow => {
                add_new_pods(target, &name, &arguments, &mut known, &mut lines).await?;
            }
            else => return Ok(()),
        }
    }
}

fn no_pod(target: &Target, name: String, which: Which) -> PluginError {
    PluginError::NoPod { name, namespace: target.namespace.clone(), wanted: which.component().to_string() }
}

async fn add_new_pods(
    target: &Target,
    name: &str,
    arguments: &Arguments,
    known: &mut BTreeSet<String>,
    lines: &mut SelectAll<Lines>,
) -> Result<(), PluginError> {
    for pod in pods(target, name, arguments.component).await? {
        let pod = pod.name_any();
        if known.contains(&pod) {
            continue;
        }
        // A container that has not started has no log yet: with the next look it may.
        if let Ok(stream) = follow(target, &pod, arguments).await {
            known.insert(pod);
            lines.push(stream);
        } else if !arguments.follow {
            return Err(no_pod(target, name.to_owned(), arguments.component));
        }
    }
    Ok(())
}

/// The active colour is asked for each time: a release moves it.
async fn pods(target: &Target, name: &str, which: Which) -> Result<Vec<Pod>, PluginError> {
    let colour = match which {
        Which::Migrate => None,
        Which::App | Which::Worker => Some(target::active(&target.environment(Some(name)).await?)?),
    };
    target.pods(name, which.component(), colour).await
}

async fn follow(target: &Target, pod: &str, arguments: &Arguments) -> Result<Lines, PluginError> {
    let api: Api<Pod> = target.api();
    let params = LogParams { follow: arguments.follow, tail_lines: Some(arguments.tail), ..LogParams::default() };
    let reader = within(&format!("read the log of pod {pod}"), api.log_stream(pod, &params)).await?;
    let name = pod.to_owned();
    Ok(reader.lines().map(move |line| (name.clone(), line)).boxed())
}
