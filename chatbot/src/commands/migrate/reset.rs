//! `chatbot migrate reset`: the newest schema without a row.

use std::process::ExitCode;

use super::{
    super::{CommandError, process},
    Change, change, only_in_dev,
};
use crate::migrate;

const INSTEAD: &str = "revert single migrations with `chatbot migrate down N`";

pub(super) fn run(env: impl Fn(&str) -> Option<String>) -> Result<ExitCode, CommandError> {
    change(env, async |config, migrations| {
        only_in_dev(config, "reset", INSTEAD)?;
        let release = config.environment.release.as_deref();
        let reset = migrate::reset(&config.database.options, migrations, release);
        process::interruptible(reset).await.map(Change::applied)
    })
}
