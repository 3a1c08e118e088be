//! The binary itself.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

/// What a finished command said.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) termination: String,
}

/// The line that says why a command failed.
pub(crate) fn refusal(output: &Output) -> String {
    assert_eq!(output.code, 1, "{output:?}");
    output.stderr.lines().rfind(|line| line.starts_with("error: ")).unwrap().to_owned()
}

/// A program of this name alone on PATH; answers PATH.
pub(crate) fn stand_in(folder: &Path, name: &str, script: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    folder.display().to_string()
}

fn command(arguments: &str, variables: &BTreeMap<String, String>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatbot"));
    command.args(arguments.split_whitespace()).env_clear().envs(variables);
    command
}

/// Runs a command to its end, in a folder without `.env`.
pub(crate) fn run(arguments: &str, variables: &BTreeMap<String, String>) -> Output {
    run_with_input(arguments, variables, "")
}

/// The same with something on its standard input.
pub(crate) fn run_with_input(arguments: &str, variables: &BTreeMap<String, String>, input: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("termination-log");
    let mut command = command(arguments, variables);
    command.current_dir(folder.path()).env("TERMINATION_LOG", &log);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that reads nothing may be gone before it is written to.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        termination: std::fs::read_to_string(&log).unwrap_or_default(),
    }
}

/// A server or worker on a free port; it is killed when dropped.
pub(crate) fn start(arguments: &str, variables: &BTreeMap<String, String>) -> Process {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = command(arguments, variables);
    // Its log is not captured with the test's: what it says at every request would bury the results.
    command
        .env("PORT", port.to_string())
        .env("MONITOR_PORT", port.to_string())
        .env("HOST", "127.0.0.1")
        .env("LOG_LEVEL", "ERROR");
    command.current_dir(std::env::temp_dir());
    Process { child: command.stdout(Stdio::null()).spawn().unwrap(), url: format!("http://127.0.0.1:{port}") }
}

pub(crate) struct Process {
    child: Child,
    pub(crate) url: String,
}

impl Process {
    pub(crate) fn terminate(&self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
    }

    /// Exit code, once it has ended.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        self.child.try_wait().unwrap().map(|status| status.code().unwrap_or(-1))
    }

    /// Status and body of a GET; None while nobody listens.
    pub(crate) async fn get(&self, path: &str) -> Option<(u16, String)> {
        let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(10)).build().unwrap();
        let response = client.get(format!("{}{path}", self.url)).send().await.ok()?;
        Some((response.status().as_u16(), response.text().await.ok()?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
