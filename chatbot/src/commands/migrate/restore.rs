//! `chatbot migrate restore`: a dump into an empty database.

use std::{path::Path, process::ExitCode};

use super::{
    super::{CommandError, signals::Signals},
    Change, change, only_in_dev,
};
use crate::migrate::archive;

const INSTEAD: &str =
    "restore into a new database with pg_restore, look at what came of it, and point DATABASE_URL at it";

pub(super) fn run(env: impl Fn(&str) -> Option<String>, file: &Path) -> Result<ExitCode, CommandError> {
    let search_path = env("PATH");
    change(env, async |config, _migrations| {
        only_in_dev(config, "restore", INSTEAD)?;
        let mut signals = Signals::listen().map_err(CommandError::Process)?;
        archive::restore(&config.database, file, search_path.as_deref(), signals.received()).await?;
        Ok::<_, CommandError>(Change { applied: Vec::new(), message: "the dump is restored".to_owned() })
    })
}
