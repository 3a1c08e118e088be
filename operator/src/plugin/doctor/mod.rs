//! `kubectl chatbot doctor`: named checks from the cluster down to the pods, each with what to do where it fails.

mod checks;
mod observe;
#[cfg(test)]
mod tests;

use clap::Args;

use super::{
    PluginError,
    output::{Output, Palette},
    target::Target,
};
use crate::clock::Clock;

/// Options of `doctor`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The environment; may be left out where the namespace has only one
    name: Option<String>,
    /// Namespace in which the operator runs
    #[arg(long, default_value = "chatbot-system", value_name = "NAMESPACE")]
    operator_namespace: String,
}

/// One check and how it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Check {
    name: &'static str,
    outcome: Outcome,
    /// What was found; where it is bad, with what to do.
    detail: String,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It is as it should be.
    Pass,
    /// It works, and is worth a look.
    Warn,
    /// It must be mended.
    Fail,
    /// It could not be looked at.
    Skipped,
}

impl Check {
    fn new(name: &'static str, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { name, outcome, detail: detail.into() }
    }
}

pub(super) async fn run(target: &Target, output: &Output, arguments: Arguments) -> Result<(), PluginError> {
    let observed = Box::pin(observe::observe(target, arguments.name.as_deref(), &arguments.operator_namespace)).await?;
    let found = checks::all(&observed, Clock::system().now());
    for check in &found {
        output.line(&line(check, output.palette()))?;
    }
    match found.iter().filter(|check| check.outcome == Outcome::Fail).count() {
        0 => Ok(()),
        failed => Err(PluginError::Unhealthy(failed)),
    }
}

fn line(check: &Check, palette: Palette) -> String {
    let word = match check.outcome {
        Outcome::Pass => palette.good("pass"),
        Outcome::Warn => palette.mind("warn"),
        Outcome::Fail => palette.bad("FAIL"),
        Outcome::Skipped => palette.faint("skip"),
    };
    format!("{word}  {:<20}  {}", check.name, check.detail)
}
