//! `chatbot backup`: database and documents into the repository, and back to see that it is all there.

use std::process::ExitCode;

use serde::Serialize;

use super::{
    CommandError, migrate, output, process,
    signals::Signals,
    words::{counted, short, size},
};
use crate::{
    backup::{self, Backup},
    clock::Clock,
    config::backup::BackupConfig,
    telemetry,
};

/// For an environment that keeps no objects.
const SKIPPED: &str = "no backup was made: neither MINIO_URL nor BACKUP_URL names an object store";

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
}

pub(super) fn run(env: impl Fn(&str) -> Option<String>) -> Result<ExitCode, CommandError> {
    let search_path = env("PATH");
    let config = BackupConfig::from_env(env)?;
    process::runtime(1)?.block_on(async {
        let observability = process::verbose(&config.observability);
        let _guard = telemetry::init(&observability, "chatbot", &config.environment.release_id)?;
        let mut signals = Signals::listen().map_err(CommandError::Process)?;
        let now = Clock::system().now();
        let made = backup::run(&config, search_path.as_deref(), now, signals.received()).await?;
        let message = made.as_ref().map_or_else(|| SKIPPED.to_owned(), sentence);
        let schema = migrate::schema(&config.database).await?;
        output::result(&Outcome { schema, applied: [], skipped: made.is_none(), message });
        Ok(ExitCode::SUCCESS)
    })
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
        let outcome = |skipped| Outcome { schema: "1".to_owned(), applied: [], skipped, message: "m".to_owned() };
        assert_eq!(output::json(&outcome(false)), r#"{"schema":"1","applied":[],"message":"m"}"#);
        assert_eq!(output::json(&outcome(true)), r#"{"schema":"1","applied":[],"skipped":true,"message":"m"}"#);
    }
}
