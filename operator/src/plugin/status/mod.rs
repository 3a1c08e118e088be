//! `kubectl chatbot status`: what an environment does, on one screen.

mod colours;
mod render;
pub(in crate::plugin) use self::{
    colours::{Colours, Standing},
    render::length,
};
#[cfg(test)]
mod tests;

use std::time::Duration;

use clap::Args;
use futures::TryStreamExt;
use kube::{ResourceExt, runtime::watcher};

use super::{PluginError, error::with_causes, output::Output, target::Target};
use crate::{clock::Clock, crd::ChatbotEnvironment};

/// How often the times on the screen move on.
const TICK: Duration = Duration::from_secs(1);
/// How often it is asked for where it cannot be watched.
const POLL: Duration = Duration::from_secs(2);
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
        let colours = Colours::read(target, &environment).await;
        Ok(output.text(&render::screen(&environment, &colours, clock.now(), output.palette()))?)
    }
}

/// On a terminal the screen is drawn anew with every change and every second; elsewhere each change is written once.
async fn watch(target: &Target, output: &Output, first: ChatbotEnvironment, clock: &Clock) -> Result<(), PluginError> {
    let (name, mut current, mut shown) = (first.name_any(), first, String::new());
    let mut changes = std::pin::pin!(watcher::watch_object(target.api::<ChatbotEnvironment>(), &name));
    let mut ticks = tokio::time::interval(TICK);
    let trouble = loop {
        let colours = Colours::read(target, &current).await;
        show(*output, &screen(&current, &colours, clock, *output, ""), &mut shown)?;
        tokio::select! {
            change = changes.try_next() => match change {
                Ok(Some(Some(environment))) => current = environment,
                Ok(Some(None) | None) => return Err(gone(target, name)),
                Err(error) => break cannot_watch(&error),
            },
            _ = ticks.tick(), if output.is_terminal() => {}
        }
    };
    poll(target, output, current, clock, &trouble).await
}

/// Where nothing can be watched, it is asked again and again, and the screen says so.
async fn poll(
    target: &Target,
    output: &Output,
    mut current: ChatbotEnvironment,
    clock: &Clock,
    trouble: &str,
) -> Result<(), PluginError> {
    let (name, mut note, mut shown) = (current.name_any(), trouble.to_owned(), String::new());
    loop {
        let colours = Colours::read(target, &current).await;
        show(*output, &screen(&current, &colours, clock, *output, &note), &mut shown)?;
        tokio::time::sleep(POLL).await;
        match target.environment(Some(&name)).await {
            Ok(environment) => (current, note) = (environment, trouble.to_owned()),
            Err(error @ PluginError::UnknownEnvironment { .. }) => return Err(error),
            Err(error) => note = format!("{error}; trying again"),
        }
    }
}

fn screen(current: &ChatbotEnvironment, colours: &Colours, clock: &Clock, output: Output, note: &str) -> String {
    let note = if note.is_empty() { String::new() } else { format!("  {}\n", output.palette().mind(note)) };
    render::screen(current, colours, clock.now(), output.palette()) + &note
}

fn show(output: Output, screen: &str, shown: &mut String) -> Result<(), PluginError> {
    if output.is_terminal() {
        output.text(&format!("{CLEAR}{screen}"))?;
    } else if screen != shown {
        output.line(screen)?;
    }
    screen.clone_into(shown);
    Ok(())
}

fn gone(target: &Target, name: String) -> PluginError {
    PluginError::UnknownEnvironment { name, namespace: target.namespace.clone() }
}

/// A refusal is told with the right that is missing.
fn cannot_watch(error: &watcher::Error) -> String {
    let next = if is_forbidden(error) { ": ask for the right to watch chatbotenvironments" } else { "" };
    format!("cannot watch ({}){next}; asked again every {} s instead", with_causes(error), POLL.as_secs())
}

fn is_forbidden(error: &watcher::Error) -> bool {
    use watcher::Error::{InitialListFailed, NoResourceVersion, WatchError, WatchFailed, WatchStartFailed};
    let refusal = match error {
        InitialListFailed(cause) | WatchStartFailed(cause) | WatchFailed(cause) => cause,
        WatchError(status) => return status.code == 403,
        NoResourceVersion => return false,
    };
    matches!(refusal, kube::Error::Api(status) if status.code == 403)
}
