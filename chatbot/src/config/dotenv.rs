//! `.env`, for a developer's terminal only.

use std::{collections::HashMap, path::Path};

/// Variables of the process, with those of `.env` beneath them when ENVIRONMENT (in either) is dev.
///
/// # Errors
/// The line of `.env` that cannot be read.
pub fn lookup(path: &Path) -> Result<impl Fn(&str) -> Option<String> + use<>, DotenvError> {
    Ok(above(read(path)?, |name| std::env::var(name).ok()))
}

fn above(file: HashMap<String, String>, process: impl Fn(&str) -> Option<String>) -> impl Fn(&str) -> Option<String> {
    let environment = process("ENVIRONMENT").or_else(|| file.get("ENVIRONMENT").cloned());
    let beneath = if environment.as_deref() == Some("dev") { file } else { HashMap::new() };
    move |name: &str| process(name).or_else(|| beneath.get(name).cloned())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<HashMap<String, String>, DotenvError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn the_file_counts_in_dev_alone_and_the_process_comes_first() {
        let table = [
            ("ENVIRONMENT=dev\nPORT=1\n", None, None, Some("1")),
            ("PORT=1\n", Some("dev"), None, Some("1")),
            ("ENVIRONMENT=dev\nPORT=1\n", None, Some("2"), Some("2")),
            ("ENVIRONMENT=dev\nPORT=1\n", Some("prod"), None, None),
            ("ENVIRONMENT=prod\nPORT=1\n", None, None, None),
            ("PORT=1\n", None, None, None),
        ];
        for (text, environment, port, expected) in table {
            let process = |name: &str| match name {
                "ENVIRONMENT" => environment.map(str::to_owned),
                "PORT" => port.map(str::to_owned),
                _ => None,
            };
            assert_eq!(above(file(text).unwrap(), process)("PORT").as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_not_shown() {
        let error = file("SECRET_KEY='unfinished\n").unwrap_err().to_string();
        assert!(error.contains("a line is not NAME=value") && !error.contains("unfinished"), "{error}");
    }

    #[test]
    fn without_a_file_the_process_is_asked_alone() {
        assert_eq!(read(Path::new("/nowhere/.env")).unwrap(), HashMap::new());
    }
}
