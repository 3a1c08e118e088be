//! `chatbot parse`: a document from standard input to standard output as text, inside limits that it sets for itself.
//!
//! It says nothing of the document's content but the text: what else it writes ends in a log.

use std::{
    io::{self, Read, Write},
    panic,
    process::ExitCode,
    time::Duration,
};

use crate::{
    cli::Parse,
    documents::{Limits, ParseError, parse},
};

pub(super) fn run(options: &Parse) -> ExitCode {
    // Where, and not with which words: those may be the document's.
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        drop(writeln!(io::stderr(), "panicked at {place}"));
    }));
    match read(options) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => ExitCode::from(error.exit_code()),
        Err(error) => {
            drop(writeln!(io::stderr(), "{error}"));
            ExitCode::FAILURE
        }
    }
}

/// The outer result is the system's, the inner one the document's.
fn read(options: &Parse) -> io::Result<Result<(), ParseError>> {
    // The worker kills it earlier; on its own it has no deadline but its processor time.
    let limits = Limits { memory_mib: options.memory_mib, cpu_seconds: options.cpu_seconds, time: Duration::MAX };
    limits.apply()?;
    let mut content = Vec::new();
    io::stdin().lock().read_to_end(&mut content)?;
    match parse::parse(options.kind, options.charset.as_deref(), &content) {
        Ok(text) => io::stdout().lock().write_all(text.as_bytes()).map(Ok),
        Err(error) => Ok(Err(error)),
    }
}
