//! `chatbot backup list | copy | check`: what is in the repositories, and whether it is sound.

use std::process::ExitCode;

use serde::Serialize;

use super::{
    CommandError, output, process,
    words::{counted, short, size},
};
use crate::{backup, cli::Backup, clock::Clock, config::backup::BackupConfig, telemetry};

/// For an environment that names no second repository.
const NO_SECOND: &str = "there is no second repository: OFFSITE_URL names none";
/// For one that names no other environment.
const NO_SOURCE: &str = "there is no other environment to restore from: SOURCE_PREFIX names none";
/// For one that keeps no objects.
const NO_STORE: &str = "there is no repository: neither MINIO_URL nor BACKUP_URL names an object store";

pub(super) fn run(command: Backup, env: impl Fn(&str) -> Option<String>) -> Result<ExitCode, CommandError> {
    let config = BackupConfig::from_env(env)?;
    process::runtime(1)?.block_on(async {
        let observability = process::verbose(&config.observability);
        let _guard = telemetry::init(&observability, "chatbot", &config.environment.release_id)?;
        process::interruptible(Box::pin(act(command, &config))).await?;
        Ok(ExitCode::SUCCESS)
    })
}

async fn act(command: Backup, config: &BackupConfig) -> Result<(), CommandError> {
    match command {
        Backup::List { json, offsite } => list(&of(config, Which::or_first(offsite))?, json).await,
        Backup::Copy => {
            let copied = backup::copy(config, Clock::system().now()).await?;
            let copied = copied.ok_or_else(|| CommandError::Refused(NO_SECOND.to_owned()))?;
            output::result(&Outcome { message: format!("{} copied, read back", counted(copied as u64, "backup")) });
            Ok(())
        }
        Backup::Check { read, offsite } => {
            let checked = backup::check(&of(config, Which::or_first(offsite))?, read).await?;
            checked.ok_or_else(|| CommandError::Refused(NO_STORE.to_owned()))?;
            output::result(&Outcome { message: format!("no damage was found; part {read} of the content was read") });
            Ok(())
        }
    }
}

/// A repository that a command reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// The environment's own.
    First,
    /// Its second one.
    Offsite,
    /// That of another environment.
    Source,
}

impl Which {
    pub(super) const fn or_first(offsite: bool) -> Self {
        if offsite { Self::Offsite } else { Self::First }
    }
}

/// The configuration with this repository.
pub(super) fn of(config: &BackupConfig, which: Which) -> Result<BackupConfig, CommandError> {
    let (found, none) = match which {
        Which::First => (Some(config.own()), NO_STORE),
        Which::Offsite => (config.own().offsite(), NO_SECOND),
        Which::Source => (config.foreign(), NO_SOURCE),
    };
    found.ok_or_else(|| CommandError::Refused(none.to_owned()))
}

/// What a Job that copies or checks answers.
#[derive(Debug, Serialize)]
struct Outcome {
    /// One sentence for people.
    message: String,
}

async fn list(config: &BackupConfig, json: bool) -> Result<(), CommandError> {
    let listed = backup::list(config).await?;
    if json {
        output::line(&output::json(&listed));
        return Ok(());
    }
    output::line(&format!("{:<8}  {:<20}  {:>10}  {:>10}  TAGS", "NAME", "TIME", "SIZE", "NEW"));
    for line in listed {
        let (id, time) = (short(&line.id), line.time.strftime("%Y-%m-%dT%H:%M:%SZ"));
        let (all, new) = (size(line.bytes), size(line.new_bytes));
        output::line(&format!("{id}  {time}  {all:>10}  {new:>10}  {}", line.tags.join(" ")));
    }
    Ok(())
}
