//! `chatbot backup`: database and documents into the repository, and back to see that it is all there.

use std::{process::ExitCode, time::Duration};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    CommandError, migrate, output, process,
    signals::Signals,
    words::{counted, short, size},
};
use crate::{
    backup::{self, Backup, BackupError, Thorough},
    clock::Clock,
    config::backup::BackupConfig,
    repository::Listed,
    telemetry,
};

/// For an environment that keeps no objects.
const SKIPPED: &str = "no backup was made: neither MINIO_URL nor BACKUP_URL names an object store";

/// Kubernetes keeps 4096 bytes of a container's last words: what is longer stands in its log.
const LONGEST_PROBLEM: usize = 300;
/// More names than this do not fit into what Kubernetes keeps of a container's last words.
const MOST_KEPT: usize = 200;

/// What a Job that makes a backup answers.
#[derive(Debug, Serialize)]
struct Outcome {
    /// Newest applied version.
    schema: String,
    /// Nothing: a backup changes no schema.
    applied: [String; 0],
    /// Whether there is nowhere to put a backup; left out otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    skipped: bool,
    /// One sentence for people.
    message: String,
    /// Whether a person has to say what is meant before anything is written; left out otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    question: bool,
    /// The backup, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<Made>,
}

/// A backup, in numbers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    /// Name in the repository.
    id: String,
    /// When what it holds was so.
    taken_at: Timestamp,
    /// Bytes of what it holds.
    bytes: u64,
    /// Bytes of them that were new, compressed.
    new_bytes: u64,
    /// Rows in all tables.
    rows: u64,
    /// The environment's backups that the repository holds now, by the first digits of their names; none where they are too many.
    kept: Vec<String>,
    /// Whether the second repository has it; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    offsite: Option<bool>,
    /// Which part of the content was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    checked: Option<String>,
    /// What is wrong although the backup is good.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

/// What a backup is made with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wishes {
    /// Whether the repository is checked and copied afterwards.
    pub(super) full: bool,
    /// Whether a person is asked where the database is empty and the repository is not.
    pub(super) unless_empty: bool,
    /// Up to how many seconds it waits first, by chance.
    pub(super) jitter: u64,
}

pub(super) fn run(wishes: Wishes, env: impl Fn(&str) -> Option<String>) -> Result<ExitCode, CommandError> {
    let search_path = env("PATH");
    let config = BackupConfig::from_env(env)?;
    process::runtime(1)?.block_on(async {
        let observability = process::verbose(&config.observability);
        let _guard = telemetry::init(&observability, "chatbot", &config.environment.release_id)?;
        let mut signals = Signals::listen().map_err(CommandError::Process)?;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(fastrand::u64(0..=wishes.jitter))) => {}
            () = signals.received() => return Err(BackupError::Interrupted.into()),
        }
        let now = Clock::system().now();
        if wishes.unless_empty
            && let Some(newest) = Box::pin(backup::lost(&config)).await?
        {
            output::result(&question(&newest));
            return Ok(ExitCode::SUCCESS);
        }
        let made = Box::pin(backup::run(&config, search_path.as_deref(), now, signals.received())).await?;
        let Some((made, _turn)) = made else {
            output::result(&skipped(&config).await?);
            return Ok(ExitCode::SUCCESS);
        };
        let thorough = if wishes.full { thorough(&config, &mut signals).await } else { None };
        output::result(&outcome(&config, made, thorough).await?);
        Ok(ExitCode::SUCCESS)
    })
}

fn question(newest: &Listed) -> Outcome {
    let (id, time) = (short(&newest.id), newest.time);
    let message = format!(
        "the database is empty, and the repository has backups of it, the newest {id} of {time}: nothing was changed"
    );
    Outcome { schema: String::new(), applied: [], skipped: false, message, question: true, backup: None }
}

async fn skipped(config: &BackupConfig) -> Result<Outcome, CommandError> {
    let (schema, message) = (migrate::schema(&config.database).await?, SKIPPED.to_owned());
    Ok(Outcome { schema, applied: [], skipped: true, message, question: false, backup: None })
}

/// None where somebody wants it to stop: the backup counts, and the next full one does what is left.
async fn thorough(config: &BackupConfig, signals: &mut Signals) -> Option<Thorough> {
    tokio::select! {
        done = Box::pin(backup::thorough(config, Clock::system().now())) => Some(done),
        () = signals.received() => {
            tracing::warn!("stopped by a signal before the repository was checked and copied; the backup counts");
            None
        }
    }
}

/// What was made, and what came of the work after it.
async fn outcome(config: &BackupConfig, made: Backup, thorough: Option<Thorough>) -> Result<Outcome, CommandError> {
    let schema = migrate::schema(&config.database).await?;
    let message = sentence(&made);
    let kept = backup::list(config).await.unwrap_or_default();
    let kept = kept.iter().map(|listed| short(&listed.id).to_owned());
    let problems = thorough.as_ref().map(|thorough| thorough.problems.clone()).unwrap_or_default();
    for problem in &problems {
        tracing::error!(problem, "the backup counts, but not all is well");
    }
    let problems = problems.iter().map(|problem| problem.chars().take(LONGEST_PROBLEM).collect()).collect();
    let backup = Made {
        taken_at: made.manifest.taken_at,
        bytes: made.bytes,
        new_bytes: made.new_bytes,
        rows: made.manifest.rows(),
        kept: Some(kept.collect::<Vec<_>>()).filter(|kept| kept.len() <= MOST_KEPT).unwrap_or_default(),
        offsite: thorough.as_ref().and_then(|thorough| thorough.offsite),
        checked: thorough.map(|thorough| thorough.part.to_string()),
        problems,
        id: made.id,
    };
    Ok(Outcome { schema, applied: [], skipped: false, message, question: false, backup: Some(backup) })
}

fn sentence(backup: &Backup) -> String {
    tracing::info!(id = backup.id, "the backup counts");
    let documents = match backup.manifest.objects.missing.len() {
        0 => counted(backup.manifest.objects.count, "document"),
        missing => format!("{}, {missing} missing", counted(backup.manifest.objects.count, "document")),
    };
    let tables = counted(backup.manifest.database.tables.len() as u64, "table");
    let (all, new) = (size(backup.bytes), size(backup.new_bytes));
    format!("{}: {all}, {new} of it new, {tables}, {documents}, read back", short(&backup.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_skipped_does_not_say_so() {
        let outcome = |skipped| Outcome {
            schema: "1".to_owned(),
            applied: [],
            skipped,
            message: "m".to_owned(),
            question: false,
            backup: None,
        };
        assert_eq!(output::json(&outcome(false)), r#"{"schema":"1","applied":[],"message":"m"}"#);
        assert_eq!(output::json(&outcome(true)), r#"{"schema":"1","applied":[],"skipped":true,"message":"m"}"#);
    }
}
