//! Runs a program as a person would, with a deadline and everything it said in the failure.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// No command of a test may take longer.
const DEADLINE: Duration = Duration::from_secs(600);

/// What a command left behind.
#[derive(Debug)]
pub struct Output {
    /// Whether it exited with 0.
    pub success: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs a program to its end.
///
/// # Panics
/// When it cannot be started or does not end in time.
pub async fn run(program: &str, args: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(program)
        .args(args)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("starting {program}: {error}"));
    let mut pipe = child.stdin.take().expect("stdin is piped");
    // A program that does not read its input closes the pipe: what it says then is in its output.
    drop(pipe.write_all(stdin.as_bytes()).await);
    drop(pipe);
    let output = tokio::time::timeout(DEADLINE, child.wait_with_output())
        .await
        .unwrap_or_else(|_| panic!("{program} {args:?} did not end in {DEADLINE:?}"))
        .expect("reading the output");
    Output {
        success: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs a program that must succeed, and returns its standard output.
///
/// # Panics
/// With everything it said, when it fails.
pub async fn must(program: &str, args: &[&str], stdin: &str) -> String {
    let output = run(program, args, stdin).await;
    assert!(output.success, "{program} {args:?} failed\nstdout: {}\nstderr: {}", output.stdout, output.stderr);
    output.stdout
}

/// `kubectl`, which must succeed.
pub async fn kubectl(args: &[&str]) -> String {
    must("kubectl", args, "").await
}

/// `kubectl apply` of a manifest, which must succeed.
pub async fn apply(manifest: &str) -> String {
    must("kubectl", &["apply", "-f", "-"], manifest).await
}

/// The top of the repository.
#[must_use]
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
