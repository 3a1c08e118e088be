//! Subcommands, one per file; `run` is the one match.
//!
//! Every command ends in an exit code: 0 for done, 1 for an error that is told in one line, 2 for a wrong command line.

mod backup;
mod doctor;
mod error;
mod migrate;
mod monitor;
mod openapi;
mod output;
mod parse;
mod process;
mod provision;
mod reindex;
mod repository;
mod restore;
mod serve;
mod signals;
mod user;
mod words;
mod worker;

use std::process::ExitCode;

pub use error::CommandError;

use crate::{
    cli::{Cli, Command},
    config::dotenv,
};

/// Runs one subcommand to its end.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    // Before anything is read or set up: it has neither variables nor rights.
    if let Command::Parse(options) = &cli.command {
        return parse::run(options);
    }
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        output::error("another TLS provider is already installed");
        return ExitCode::FAILURE;
    }
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(error) => {
            output::error(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode, CommandError> {
    let env = dotenv::lookup(std::path::Path::new(".env"))?;
    match command {
        Command::Serve => serve::run(env),
        Command::Worker => worker::run(env),
        Command::Monitor => monitor::run(env),
        Command::Migrate(command) => migrate::run(command, env),
        Command::Doctor { json } => doctor::run(env, json),
        Command::User(command) => user::run(command, env),
        Command::Backup { command: None, full, unless_empty, jitter } => {
            backup::run(backup::Wishes { full, unless_empty, jitter }, env)
        }
        Command::Backup { command: Some(command), .. } => repository::run(command, env),
        Command::Restore(command) => restore::run(command, env),
        Command::Openapi => openapi::run(),
        Command::Provision => provision::run(env),
        Command::Reindex(options) => reindex::run(&options, env),
        Command::Parse(options) => Ok(parse::run(&options)),
    }
}
