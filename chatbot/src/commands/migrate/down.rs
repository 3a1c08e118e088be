//! `chatbot migrate down`: back by a number of migrations, or by what one release did.

use std::process::ExitCode;

use super::{
    super::{CommandError, process},
    Change, change,
};
use crate::migrate::{self, Undo, Undone};

pub(super) fn newest(env: impl Fn(&str) -> Option<String>, count: usize) -> Result<ExitCode, CommandError> {
    change(env, async |config, migrations| {
        let applied = process::interruptible(migrate::down(&config.database.options, migrations, count)).await?;
        let message =
            if count == 1 { "reverted 1 migration".to_owned() } else { format!("reverted {count} migrations") };
        Ok::<_, CommandError>(Change { applied, message })
    })
}

pub(super) fn of_release(env: impl Fn(&str) -> Option<String>, undo: Undo<'_>) -> Result<ExitCode, CommandError> {
    change(env, async |config, migrations| {
        let down = migrate::down_of_release(&config.database.options, migrations, undo);
        let Undone { reverted, message } = process::interruptible(down).await?;
        Ok::<_, CommandError>(Change { applied: reverted, message })
    })
}
