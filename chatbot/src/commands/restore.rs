//! `chatbot restore`: a backup comes back beside what runs, then in its place.

use std::{process::ExitCode, time::Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    CommandError, output, process,
    repository::{self, Which},
    words::{counted, short, size},
};
use crate::{
    cli::{FromBackup, Restore},
    config::backup::BackupConfig,
    restore::{self, From, Prepared, RestoreError, Trio},
    telemetry,
};

/// What a Job that restores answers.
#[derive(Debug, Serialize)]
struct Outcome {
    /// The backup's name in the repository, or the restore's.
    backup: String,
    /// Migrations that it lacked and that were applied, in order.
    applied: Vec<String>,
    /// What a rehearsal took; left out of everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    drill: Option<Drill>,
    /// One sentence for people.
    message: String,
}

/// A rehearsed restore, in numbers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Drill {
    /// How long the restore took, checks and migrations included.
    restore_seconds: f64,
    /// Rows in all tables.
    rows: u64,
    /// When what the backup holds was so.
    taken_at: Timestamp,
}

pub(super) fn run(command: Restore, env: impl Fn(&str) -> Option<String>) -> Result<ExitCode, CommandError> {
    let search_path = env("PATH");
    let config = BackupConfig::from_env(env)?;
    process::runtime(1)?.block_on(async {
        let observability = process::verbose(&config.observability);
        let _guard = telemetry::init(&observability, "chatbot", &config.environment.release_id)?;
        let config = repository::of(&config, repository_of(&command))?;
        let work = act(command, &config, search_path.as_deref());
        let outcome = process::interruptible(Box::pin(work)).await?;
        output::result(&outcome);
        Ok(ExitCode::SUCCESS)
    })
}

const fn repository_of(command: &Restore) -> Which {
    match command {
        Restore::Plan(FromBackup { place, .. })
        | Restore::Prepare { from: FromBackup { place, .. }, .. }
        | Restore::Documents(place) => {
            if place.source {
                Which::Source
            } else {
                Which::or_first(place.offsite)
            }
        }
        Restore::Drill(choice) => Which::or_first(choice.offsite),
        Restore::Swap(_) | Restore::Undo(_) | Restore::Drop { .. } => Which::First,
    }
}

async fn act(command: Restore, config: &BackupConfig, search_path: Option<&str>) -> Result<Outcome, RestoreError> {
    match command {
        Restore::Plan(choice) => plan(config, &choice.from).await,
        Restore::Prepare { from, which } => {
            let prepared = restore::prepare(config, &from.from, which.name.as_deref(), search_path).await?;
            let message = prepared_sentence(&prepared);
            Ok(Outcome { backup: prepared.chosen.id, applied: prepared.applied, drill: None, message })
        }
        Restore::Swap(which) => {
            let Trio { live, replaced, name, .. } = restore::swap(config, which.name.as_deref()).await?;
            let message = format!("{live} is what the backup holds; what it was is {replaced}");
            Ok(done(name, message))
        }
        Restore::Documents(_) => {
            let (backup, restored) = restore::documents(config).await?;
            Ok(done(backup, format!("{} put back", counted(restored as u64, "document"))))
        }
        Restore::Undo(which) => {
            let Trio { live, restored, name, .. } = restore::undo(config, which.name.as_deref()).await?;
            let message = format!("{live} is again what it was before the restore; what was restored is {restored}");
            Ok(done(name, message))
        }
        Restore::Drop { which, replaced } => {
            let dropped = restore::drop(config, which.name.as_deref(), replaced).await?;
            let nothing = || "nothing of that kind stands beside the live database".to_owned();
            let message = dropped.map_or_else(nothing, |name| format!("{name} dropped"));
            Ok(done(which.name.unwrap_or_default(), message))
        }
        Restore::Drill(choice) => drill(config, &choice.from, search_path).await,
    }
}

async fn drill(config: &BackupConfig, from: &From, search_path: Option<&str>) -> Result<Outcome, RestoreError> {
    let began = Instant::now();
    let chosen = restore::drill(config, from, search_path).await?;
    let (rows, seconds) = (chosen.manifest.rows(), began.elapsed().as_secs_f64());
    let message = format!(
        "{} of {} came back in {seconds:.1} s, with {} in {}, as the manifest says",
        short(&chosen.id),
        chosen.manifest.taken_at,
        counted(rows, "row"),
        counted(chosen.manifest.database.tables.len() as u64, "table"),
    );
    let drill = Drill { restore_seconds: seconds, rows, taken_at: chosen.manifest.taken_at };
    Ok(Outcome { drill: Some(drill), message, ..done(chosen.id, String::new()) })
}

async fn plan(config: &BackupConfig, from: &From) -> Result<Outcome, RestoreError> {
    let chosen = restore::find(config, from).await?;
    let (manifest, database) = (&chosen.manifest, &chosen.manifest.database);
    let message = format!(
        "{} of {}: {}, {}, {} of schema {}; what was written since then would be lost, and {} would be kept beside it",
        short(&chosen.id),
        manifest.taken_at,
        size(database.bytes),
        counted(manifest.rows(), "row"),
        counted(database.tables.len() as u64, "table"),
        if database.schema.is_empty() { "none" } else { &database.schema },
        config.database.name(),
    );
    Ok(done(chosen.id, message))
}

fn done(backup: String, message: String) -> Outcome {
    Outcome { backup, applied: Vec::new(), drill: None, message }
}

fn prepared_sentence(prepared: &Prepared) -> String {
    let Prepared { chosen, trio, applied, scrubbed, was_there } = prepared;
    let rows = counted(chosen.manifest.rows(), "row");
    let database = &trio.restored;
    if *was_there {
        return format!("{database} was prepared before, with {rows}");
    }
    let applied = (!applied.is_empty()).then(|| format!("{} applied", counted(applied.len() as u64, "migration")));
    let scrubbed = scrubbed.map(|changed| format!("SCRUB_SQL changed {}", counted(changed, "row")));
    let holds = format!("{database} holds {rows}, as the manifest says");
    [Some(holds), applied, scrubbed].into_iter().flatten().collect::<Vec<_>>().join("; ")
}
