//! A port of this machine that leads to a pod's or Service's port, as `kubectl port-forward` opens it. It enters the
//! pod itself, so that NetworkPolicies, which shut this machine out, do not matter.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// An open forward; it closes when dropped.
#[derive(Debug)]
pub struct Forward {
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    _child: Child,
    // kubectl says on it that a connection came, and ends where nobody could read that.
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl Forward {
    /// Opens a forward to `target` (`service/dev`, `pod/x`).
    ///
    /// # Panics
    /// When kubectl does not open it within 15 s.
    pub async fn open(namespace: &str, target: &str, port: u16) -> Self {
        let mut child = Command::new("kubectl")
            .args(["--namespace", namespace, "port-forward", target, &format!(":{port}")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("starting kubectl");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let line = tokio::time::timeout(Duration::from_secs(15), lines.next_line())
            .await
            .unwrap_or_else(|_| panic!("no forward to {namespace}/{target}"))
            .expect("reading kubectl")
            .unwrap_or_else(|| panic!("kubectl port-forward to {namespace}/{target} ended"));
        let local = line
            .split_whitespace()
            .nth(2)
            .and_then(|address| address.rsplit(':').next())
            .unwrap_or_else(|| panic!("no port in {line:?}"))
            .to_owned();
        Self { url: format!("http://127.0.0.1:{local}"), _child: child, _stdout: lines }
    }
}
