//! `chatbot openapi`: the document that /openapi.json serves.

use std::process::ExitCode;

use super::{CommandError, output};
use crate::http;

pub(super) fn run() -> Result<ExitCode, CommandError> {
    let document = http::openapi().to_pretty_json();
    output::line(
        &document.map_err(|error| CommandError::Refused(format!("the OpenAPI document cannot be written: {error}")))?,
    );
    Ok(ExitCode::SUCCESS)
}
