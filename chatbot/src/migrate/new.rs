//! Starts a new migration: two files with the current time in their names.

use std::{
    io,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, tz::TimeZone};

const UP: &str = "-- expand\n-- Say what this adds. The old release keeps working with it: nothing is dropped, renamed or narrowed.\n";
const DOWN: &str = "-- Undo the .up.sql. What the old release wrote must survive it.\n";

/// A migration cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The name is no name.
    #[error("{0:?} is no migration name: use lower-case letters, digits and `_`, such as add_message_feedback")]
    Name(String),
    /// A file cannot be written.
    #[error("{path} cannot be written: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes `<now>_<name>.up.sql` and `.down.sql` into `folder`; spaces in the name become `_`.
///
/// # Errors
/// A name that is none, or a file that cannot be written (or exists).
pub fn create(folder: &Path, name: &str, now: Timestamp) -> Result<[PathBuf; 2], NewError> {
    let name = name.trim().to_lowercase().replace([' ', '-'], "_");
    let valid = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !valid || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(NewError::Name(name));
    }
    let stem = format!("{}_{name}", now.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%S"));
    let up = write(folder.join(format!("{stem}.up.sql")), UP)?;
    let down = write(folder.join(format!("{stem}.down.sql")), DOWN)?;
    Ok([up, down])
}

fn write(path: PathBuf, text: &str) -> Result<PathBuf, NewError> {
    let written =
        std::fs::File::create_new(&path).and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes()));
    match written {
        Ok(()) => Ok(path),
        Err(source) => Err(NewError::Write { path, source }),
    }
}
