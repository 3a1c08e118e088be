//! `kubectl chatbot`: an environment as a person wants to see it.
//!
//! | file | subject |
//! |---|---|
//! | [`status`], [`logs`], [`doctor`], [`ask`], [`upload`], [`monitor`] | one subcommand each |
//! | [`history`], [`diff`] | which releases there were, and what the next would change |
//! | [`backups`], [`restore`] | which restore points there are; another one; the way back to one |
//! | [`wish`] | `promote`, `rollback`, `retry`, `pause`, `resume` |
//! | [`target`] | which cluster, namespace and environment is meant |
//! | [`chatbot`] | the way into a running chatbot: tunnel, key, HTTP |
//! | [`next_step`] | what a person does about a reason |
//! | [`output`], [`error`] | what is printed |

pub mod ask;
pub mod backups;
pub mod chatbot;
pub mod diff;
pub mod doctor;
pub mod error;
#[cfg(test)]
mod fake;
pub mod history;
pub mod logs;
pub mod monitor;
pub mod next_step;
pub mod output;
pub mod restore;
pub mod status;
pub mod target;
pub mod upload;
pub mod wish;
mod words;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use error::PluginError;
use output::Output;
use target::Target;
use wish::Wish;

/// Looks after chatbot environments: what they do, what they say, and whether they are well
#[derive(Debug, Parser)]
#[command(name = "kubectl-chatbot", bin_name = "kubectl chatbot", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: Options,
}

/// Options of every subcommand.
#[derive(Debug, Args)]
pub struct Options {
    /// Namespace of the environment; by default the one of the kubeconfig's context
    #[arg(short, long, global = true)]
    pub namespace: Option<String>,
    /// Context of the kubeconfig; by default its current one
    #[arg(long, global = true)]
    pub context: Option<String>,
    /// Kubeconfig file; by default the variable KUBECONFIG or ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show release, services and conditions
    Status(status::Arguments),
    /// Show what the pods of the active colour say
    Logs(logs::Arguments),
    /// Check everything that an environment needs, and say what to do
    Doctor(doctor::Arguments),
    /// Ask the chatbot a question
    Ask(ask::Arguments),
    /// Give the chatbot a text or Markdown document to answer from
    Upload(upload::Arguments),
    /// Open the task monitor: jobs, queues and workers
    Monitor(monitor::Arguments),
    /// Show the releases there were, and which of them can be returned to
    History(history::Arguments),
    /// Show what a changed spec would do: what changes, whether it is a release, and its steps
    Diff(diff::Arguments),
    /// Show the backups there are, and whether one would come back
    Backups(backups::ListArguments),
    /// Make a backup now
    Backup(backups::MakeArguments),
    /// Bring a backup back, beside what runs first and then in its place; or take that back
    Restore(restore::Arguments),
    /// Let the release that waits have the traffic, or end its bake
    Promote(wish::Arguments),
    /// Take back the release under way, or the active one, or return to an earlier one
    Rollback(wish::RollbackArguments),
    /// Try the release that failed again
    Retry(wish::Arguments),
    /// Keep the operator's hands off the environment
    Pause(wish::Arguments),
    /// Let the operator go on after a pause
    Resume(wish::Arguments),
}

/// Runs the subcommand.
///
/// # Errors
/// When the cluster cannot be reached, what is asked for does not exist, or a check of `doctor` fails.
pub async fn run(cli: Cli) -> Result<(), PluginError> {
    let output = Output::stdout();
    let target = Target::connect(&cli.options).await?;
    let outcome = match cli.command {
        Command::Status(arguments) => status::run(&target, &output, arguments).await,
        Command::Logs(arguments) => logs::run(&target, &output, arguments).await,
        Command::Doctor(arguments) => doctor::run(&target, &output, arguments).await,
        Command::Ask(arguments) => ask::run(&target, &output, arguments).await,
        Command::Upload(arguments) => upload::run(&target, &output, arguments).await,
        Command::Monitor(arguments) => monitor::run(&target, &output, arguments).await,
        Command::History(arguments) => history::run(&target, &output, arguments).await,
        Command::Diff(arguments) => diff::run(&target, &output, arguments).await,
        Command::Backups(arguments) => backups::list(&target, &output, arguments).await,
        Command::Backup(arguments) => backups::make(&target, &output, arguments).await,
        Command::Restore(arguments) => restore::run(&target, &output, arguments).await,
        Command::Promote(arguments) => wish::run(&target, &output, &Wish::Promote, arguments).await,
        Command::Rollback(arguments) => wish::rollback(&target, &output, arguments).await,
        Command::Retry(arguments) => wish::run(&target, &output, &Wish::Retry, arguments).await,
        Command::Pause(arguments) => wish::run(&target, &output, &Wish::Pause, arguments).await,
        Command::Resume(arguments) => wish::run(&target, &output, &Wish::Resume, arguments).await,
    };
    match outcome {
        Err(error) if error.is_closed_output() => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_the_guide_shows_is_understood() {
        for line in [
            "status",
            "status dev --watch",
            "status --namespace chatbot-dev dev",
            "logs dev --component worker -f",
            "logs prod -c monitor",
            "monitor -n chatbot-prod prod",
            "monitor --port 5557",
            "doctor -n chatbot-prod",
            "ask --namespace chatbot-dev dev question",
            "ask question",
            "history -n chatbot-prod prod",
            "diff -n chatbot-prod prod -f prod.yaml",
            "promote -n chatbot-prod prod",
            "rollback",
            "rollback prod --to 0123456789",
            "promote prod --dry-run",
            "retry dev",
            "pause dev",
            "resume dev",
            "backups -n chatbot-prod prod",
            "backup prod",
            "backup prod --incremental --wait",
            "backup prod --wait=10m",
            "restore prod --plan",
            "restore prod --from before-holiday --yes",
            "restore prod --from 2026-03-04T05:06:07Z --offsite",
            "restore prod --undo",
            "restore prod --abort",
            "upload --namespace chatbot-dev dev guide.md --wait 120s",
        ] {
            let words = std::iter::once("kubectl-chatbot").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }
}
