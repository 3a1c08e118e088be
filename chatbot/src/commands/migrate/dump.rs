//! `chatbot migrate dump`: the database as a file.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use jiff::{Timestamp, tz::TimeZone};

use super::super::{CommandError, output, process, signals::Signals};
use crate::{clock::Clock, config::DatabaseConfig, migrate::archive};

pub(super) fn run(env: impl Fn(&str) -> Option<String>, file: Option<PathBuf>) -> Result<ExitCode, CommandError> {
    let file = file.unwrap_or_else(|| default_name(Clock::system().now()));
    let search_path = env("PATH");
    let config = DatabaseConfig::from_env(env)?;
    process::runtime(1)?.block_on(dump(&config, &file, search_path.as_deref()))?;
    output::line(&file.display().to_string());
    Ok(ExitCode::SUCCESS)
}

async fn dump(config: &DatabaseConfig, file: &Path, search_path: Option<&str>) -> Result<(), CommandError> {
    let _guard = process::progress(config)?;
    let mut signals = Signals::listen().map_err(CommandError::Process)?;
    Ok(archive::dump(&config.database, file, search_path, signals.received()).await?)
}

fn default_name(now: Timestamp) -> PathBuf {
    format!("dump-{}.pgdump", now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_named_after_its_time_in_utc() {
        let now = "2026-03-04T05:06:07+03:30".parse().unwrap();
        assert_eq!(default_name(now), Path::new("dump-20260304T013607Z.pgdump"));
    }
}
