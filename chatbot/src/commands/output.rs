//! What commands say: results on stdout, errors on stderr, and both to the container's termination message.

use std::io::{self, Write};

use serde::Serialize;

/// One line of result. A reader that went away is no error: there is nobody left to tell.
pub(super) fn line(text: &str) {
    let written = writeln!(io::stdout().lock(), "{text}");
    drop(written);
}

/// One line `error: …`, also as the container's termination message.
pub(super) fn error(message: &str) {
    let text = format!("error: {}", message.replace('\n', " "));
    let written = writeln!(io::stderr().lock(), "{text}");
    drop(written);
    terminate(&text);
}

/// How far something is, on a line of the terminal that the next one replaces.
pub(super) fn progress(text: &str) {
    let written = write!(io::stderr().lock(), "\r\x1b[K{text}");
    drop(written);
}

/// One line of JSON as the result of a Job, also as the container's termination message.
pub(super) fn result(value: &impl Serialize) {
    let text = json(value);
    line(&text);
    terminate(&text);
}

/// A value as one line of JSON.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}

/// Kubernetes shows this file's content in the pod's status. Elsewhere it does not exist, and is not made.
fn terminate(text: &str) {
    let path = std::env::var("TERMINATION_LOG").unwrap_or_else(|_| "/dev/termination-log".to_owned());
    let written = std::fs::OpenOptions::new()
        .write(true)
        .truncate(true)
        .create(std::env::var("TERMINATION_LOG").is_ok())
        .open(path);
    if let Ok(mut file) = written {
        drop(file.write_all(text.as_bytes()));
    }
}
