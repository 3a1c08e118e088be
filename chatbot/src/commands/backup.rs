//! `chatbot backup`: database and documents into the repository, and back to see that it is all there.

use std::process::ExitCode;

use serde::Serialize;

use super::{CommandError, migrate, output, process, signals::Signals};
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

/// As much of a snapshot's name as people use.
pub(super) fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

pub(super) fn counted(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Bytes in the largest unit that leaves a whole one, with one decimal.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    UNITS.iter().find(|(_, unit)| bytes >= *unit).map_or_else(
        || format!("{bytes} B"),
        |(name, unit)| format!("{}.{} {name}", bytes / unit, (bytes % unit) * 10 / unit),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_a_unit_that_people_can_picture() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (12_897_485, "12.3 MiB"),
            (1 << 30, "1.0 GiB"),
            (u64::MAX, "16777215.9 TiB"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn what_is_not_skipped_does_not_say_so() {
        let outcome = |skipped| Outcome { schema: "1".to_owned(), applied: [], skipped, message: "m".to_owned() };
        assert_eq!(output::json(&outcome(false)), r#"{"schema":"1","applied":[],"message":"m"}"#);
        assert_eq!(output::json(&outcome(true)), r#"{"schema":"1","applied":[],"skipped":true,"message":"m"}"#);
    }
}
