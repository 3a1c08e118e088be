//! `chatbot-operator`: runs the operator, or writes the CRDs that it needs.

use std::{io::Write, path::PathBuf, process::ExitCode};

use chatbot_operator::{config::Config, crd::generate, run, telemetry, traces::Traces};
use clap::{Parser, Subcommand};

/// Runs chatbot environments on Kubernetes
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the operator until a signal ends it
    Run(Box<Config>),
    /// Print the CRDs, or write each to a file
    Crd {
        /// Folder to write to
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// What `main` can fail with; each says for itself what to do.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(config) => operate(*config),
        Command::Crd { out } => write_crds(out),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell when standard error is closed.
            drop(writeln!(std::io::stderr(), "error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Two threads with small stacks: the operator waits nearly always.
fn operate(config: Config) -> Result<(), Failure> {
    telemetry::init(&config.log_level)?;
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return Err("a TLS provider is installed already".into());
    }
    let traces = Traces::start(config.otlp_endpoint.as_deref())?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).thread_stack_size(1 << 20).max_blocking_threads(4).enable_all().build()?;
    let outcome = runtime.block_on(run::run(config, traces.clone()));
    runtime.shutdown_background();
    traces.end();
    Ok(outcome?)
}

fn write_crds(out: Option<PathBuf>) -> Result<(), Failure> {
    let Some(folder) = out else {
        return Ok(std::io::stdout().write_all(generate::yaml()?.as_bytes())?);
    };
    std::fs::create_dir_all(&folder)?;
    for file in generate::files()? {
        std::fs::write(folder.join(file.name), file.yaml)?;
    }
    Ok(())
}
