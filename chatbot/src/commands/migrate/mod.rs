//! `chatbot migrate`: up, status, new and lint here, what goes back or concerns the whole database in files of their own.

mod down;
mod dump;
mod reset;
mod restore;

use std::{path::PathBuf, process::ExitCode};

use serde::Serialize;

use super::{CommandError, output, process};
use crate::{
    cli::Migrate,
    clock::Clock,
    config::{DatabaseConfig, database::Database, environment::Tier},
    migrate::{self, State, Status, Undo, lint, new},
    store,
};

/// What a Job that migrates or provisions answers.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    /// Newest applied version.
    pub(super) schema: String,
    /// What was done, in order.
    pub(super) applied: Vec<String>,
    /// The same in one sentence, for people.
    pub(super) message: String,
}

/// What a change of the database came to.
struct Change {
    applied: Vec<String>,
    message: String,
}

pub(super) fn run(command: Migrate, env: impl Fn(&str) -> Option<String>) -> Result<ExitCode, CommandError> {
    match command {
        Migrate::Up { kind } => change(env, async |config, migrations| {
            let release = config.environment.release.as_deref();
            let up = migrate::up(&config.database.options, migrations, kind, release);
            process::interruptible(up).await.map(Change::applied)
        }),
        Migrate::Down { count, of_release: None, .. } => down::newest(env, count),
        Migrate::Down { of_release: Some(release), above, lossless, .. } => {
            down::of_release(env, Undo { release: &release, above, lossless })
        }
        Migrate::Reset => reset::run(env),
        Migrate::Dump { file } => dump::run(env, file),
        Migrate::Restore { file } => restore::run(env, &file),
        Migrate::Status { json } => show(env, json),
        Migrate::New { name, folder } => create(&name, folder),
        Migrate::Lint { folder } => check(folder),
    }
}

/// Runs `work`, and answers what it did and where the schema stands.
fn change<E>(
    env: impl Fn(&str) -> Option<String>,
    work: impl AsyncFnOnce(&DatabaseConfig, &[migrate::Migration]) -> Result<Change, E>,
) -> Result<ExitCode, CommandError>
where
    CommandError: From<E>,
{
    let config = DatabaseConfig::from_env(env)?;
    process::runtime(1)?.block_on(async {
        let _guard = process::progress(&config)?;
        let migrations = migrate::embedded()?;
        let Change { applied, message } = work(&config, &migrations).await?;
        let schema = schema(&config.database).await?;
        output::result(&Outcome { schema, applied, message });
        Ok(ExitCode::SUCCESS)
    })
}

impl Change {
    /// Migrations were applied.
    fn applied(applied: Vec<String>) -> Self {
        let message = match applied.len() {
            0 => "nothing to apply".to_owned(),
            1 => "1 migration applied".to_owned(),
            count => format!("{count} migrations applied"),
        };
        Self { applied, message }
    }
}

/// Newest applied version; empty without one.
pub(super) async fn schema(database: &Database) -> Result<String, CommandError> {
    Ok(applied_versions(database).await?.last().map(ToString::to_string).unwrap_or_default())
}

/// What loses or replaces data is for a developer's own database.
fn only_in_dev(config: &DatabaseConfig, command: &str, instead: &str) -> Result<(), CommandError> {
    match config.environment.tier {
        Tier::Dev => Ok(()),
        tier @ (Tier::Stage | Tier::Prod) => Err(CommandError::Refused(format!(
            "`chatbot migrate {command}` runs in dev only, and ENVIRONMENT is {tier}: {instead}"
        ))),
    }
}

async fn applied_versions(database: &Database) -> Result<Vec<i64>, CommandError> {
    let pool = store::pool::lazy(database, "chatbot-migrate");
    Ok(store::schema::applied(&pool).await?)
}

fn show(env: impl Fn(&str) -> Option<String>, json: bool) -> Result<ExitCode, CommandError> {
    let config = DatabaseConfig::from_env(env)?;
    let migrations = migrate::embedded()?;
    let applied = process::runtime(1)?.block_on(applied_versions(&config.database))?;
    let lines = migrate::status(&migrations, &applied);
    if json {
        output::line(&output::json(&lines));
    } else {
        for status in &lines {
            output::line(&row(status));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(status: &Status) -> String {
    let kind = status.kind.map(|kind| kind.to_string()).unwrap_or_default();
    let state = match status.state {
        State::Applied => "applied",
        State::Pending => "pending",
        State::Newer => "applied by a newer release",
    };
    format!("{}  {kind:<8}  {:<32}  {state}", status.version, status.name)
}

fn create(name: &str, folder: Option<PathBuf>) -> Result<ExitCode, CommandError> {
    let folder = folder.unwrap_or_else(default_folder);
    for path in new::create(&folder, name, Clock::system().now())? {
        output::line(&path.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

fn check(folder: Option<PathBuf>) -> Result<ExitCode, CommandError> {
    let folder = folder.unwrap_or_else(default_folder);
    let files =
        lint::read(&folder).map_err(|source| CommandError::Folder { folder: folder.display().to_string(), source })?;
    let findings = lint::check(&files);
    for finding in &findings {
        output::line(&finding.to_string());
    }
    if findings.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(CommandError::Refused(format!(
        "{} findings in {}: set them right as said above",
        findings.len(),
        folder.display()
    )))
}

/// From the workspace's root or from the package's own folder.
fn default_folder() -> PathBuf {
    let from_root = PathBuf::from("chatbot/migrations");
    if from_root.is_dir() { from_root } else { PathBuf::from("migrations") }
}
