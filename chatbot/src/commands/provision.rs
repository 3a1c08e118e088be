//! `chatbot provision`: database, role, bucket and collections on shared services.

use std::process::ExitCode;

use super::{CommandError, migrate::Outcome, output, process};
use crate::{config::provision::ProvisionConfig, provision, telemetry};

pub(super) fn run(env: impl Fn(&str) -> Option<String>) -> Result<ExitCode, CommandError> {
    let config = ProvisionConfig::from_env(env)?;
    process::runtime(1)?.block_on(async {
        let _guard =
            telemetry::init(&process::verbose(&config.observability), "chatbot", &config.environment.release_id)?;
        let applied = process::interruptible(provision::run(&config)).await?;
        let message =
            if applied.is_empty() { "everything was there".to_owned() } else { format!("made {}", applied.join(", ")) };
        output::result(&Outcome { schema: String::new(), applied, message });
        Ok(ExitCode::SUCCESS)
    })
}
