//! Where a command takes a password from: a terminal, where nothing of it is shown, or the standard input. Never from the
//! command line, which every process of the machine can read.

use std::io::{self, IsTerminal, Read};

use secrecy::{ExposeSecret, SecretString};

use crate::commands::CommandError;

/// Nothing longer is a password.
const MAX_BYTES: u64 = 4096;

/// Asks twice at a terminal; takes the standard input elsewhere.
///
/// # Errors
/// There is none, or the two differ.
pub(super) fn ask_or_read() -> Result<SecretString, CommandError> {
    if !io::stdin().is_terminal() {
        return read();
    }
    let ask = |prompt| rpassword::prompt_password(prompt).map(SecretString::from).map_err(CommandError::Input);
    let (first, second) = (ask("New password: ")?, ask("The same again: ")?);
    if first.expose_secret() == second.expose_secret() {
        return Ok(first);
    }
    Err(CommandError::Refused("the two are not the same: run the command again".to_owned()))
}

/// Takes the standard input, without the end of its line.
///
/// # Errors
/// There is none.
pub(super) fn read() -> Result<SecretString, CommandError> {
    let mut text = String::new();
    io::stdin().lock().take(MAX_BYTES).read_to_string(&mut text).map_err(CommandError::Input)?;
    let line = text.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        return Err(CommandError::Refused("write the password to the standard input".to_owned()));
    }
    Ok(SecretString::from(line))
}
