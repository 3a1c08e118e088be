//! `kubectl chatbot status`: what an environment does, on one screen.

mod render;
pub(in crate::plugin) use render::length;
#[cfg(test)]
mod tests;

use std::time::Duration;

use clap::Args;
use futures::{StreamExt, TryStreamExt};
use kube::{ResourceExt, runtime::watcher};

use super::{PluginError, output::Output, target::Target};
use crate::{clock::Clock, crd::ChatbotEnvironment};

/// How often the times on the screen move on.
const TICK: Duration = Duration::from_secs(1);
/// Clears a terminal and goes to its upper left corner.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// Options of `status`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The environment; may be left out where the namespace has only one
    name: Option<String>,
    /// Go on showing it until interrupted
    #[arg(short, long)]
    watch: bool,
}

pub(super) async fn run(target: &Target, output: &Output, arguments: Arguments) -> Result<(), PluginError> {
    let environment = target.environment(arguments.name.as_deref()).await?;
    let clock = Clock::system();
    if arguments.watch {
        Box::pin(watch(target, output, environment, &clock)).await
    } else {
        Ok(output.text(&render::screen(&environment, clock.now(), output.palette()))?)
    }
}

/// On a terminal the screen is drawn anew with every change and every second; elsewhere each change is written once.
async fn watch(target: &Target, output: &Output, first: ChatbotEnvironment, clock: &Clock) -> Result<(), PluginError> {
    let (name, namespace) = (first.name_any(), target.namespace.clone());
    let mut changes = std::pin::pin!(watcher::watch_object(target.api::<ChatbotEnvironment>(), &name).fuse());
    let mut ticks = tokio::time::interval(TICK);
    let mut current = first;
    let mut shown = String::new();
    loop {
        let screen = render::screen(&current, clock.now(), output.palette());
        if output.is_terminal() {
            output.text(&format!("{CLEAR}{screen}"))?;
        } else if screen != shown {
            output.line(&screen)?;
        }
        shown = screen;
        tokio::select! {
            change = changes.try_next() => match change {
                Ok(Some(Some(environment))) => current = environment,
                Ok(Some(None) | None) => return Err(PluginError::UnknownEnvironment { name, namespace }),
                // The watcher tries again by itself; the screen stays meanwhile.
                Err(_) => tokio::time::sleep(TICK).await,
            },
            _ = ticks.tick(), if output.is_terminal() => {}
        }
    }
}
