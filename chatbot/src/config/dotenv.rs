//! `.env`, for a developer's terminal only.

use std::{collections::HashMap, path::Path};

/// Variables of the process, with those of `.env` beneath them when ENVIRONMENT (in either) is dev.
///
/// # Errors
/// The line of `.env` that cannot be read.
pub fn lookup(path: &Path) -> Result<impl Fn(&str) -> Option<String> + use<>, DotenvError> {
    let file = read(path)?;
    let environment = std::env::var("ENVIRONMENT").ok().or_else(|| file.get("ENVIRONMENT").cloned());
    let beneath = if environment.as_deref() == Some("dev") { file } else { HashMap::new() };
    Ok(move |name: &str| std::env::var(name).ok().or_else(|| beneath.get(name).cloned()))
}

fn read(path: &Path) -> Result<HashMap<String, String>, DotenvError> {
    if !path.exists() {
        return Ok(HashMap::new());
    }
    let entries = dotenvy::from_path_iter(path).map_err(|error| DotenvError::new(path, &error))?;
    entries.collect::<Result<_, _>>().map_err(|error| DotenvError::new(path, &error))
}

/// `.env` cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be read ({reason}): write NAME=value lines, or remove the file")]
pub struct DotenvError {
    path: String,
    reason: &'static str,
}

impl DotenvError {
    /// Keeps the line itself out of the message: it may hold a secret.
    fn new(path: &Path, error: &dotenvy::Error) -> Self {
        let reason = if matches!(error, dotenvy::Error::LineParse(..)) {
            "a line is not NAME=value"
        } else {
            "the file cannot be opened"
        };
        Self { path: path.display().to_string(), reason }
    }
}
