//! The chatbot's binary; all of it is in the library.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    chatbot::commands::run(chatbot::cli::Cli::parse())
}
