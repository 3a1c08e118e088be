//! A key for one question, made by the chatbot's own command in its pod: whoever may run commands there may also ask.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::AttachParams};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

use crate::plugin::{PluginError, target::within};

const DEADLINE: Duration = Duration::from_secs(30);
/// Longest answer of the command that is read.
const MAX_BYTES: u64 = 64 << 10;
/// Longer than any answer takes.
const LIFETIME: &str = "10m";

#[derive(Deserialize)]
struct Created {
    key: SecretString,
}

pub(super) async fn make(pods: Api<Pod>, pod: &str, user: &str) -> Result<SecretString, PluginError> {
    let command =
        ["chatbot", "user", "key", "create", "--user", user, "--name", "kubectl-chatbot", "--ttl", LIFETIME, "--json"];
    let doing = format!("run a command in pod {pod} (needs create on pods/exec; or give --api-key)");
    let params = AttachParams::default().stdout(true).stderr(true).stdin(false);
    let mut process = within(&doing, pods.exec(pod, command, &params)).await?;
    let failed = |cause: String| PluginError::Key { pod: pod.to_owned(), cause };
    let (stdout, stderr) = (process.stdout(), process.stderr());
    let said = timeout(DEADLINE, async { tokio::join!(text(stdout), text(stderr)) }).await;
    let (out, err) = said.map_err(|_| failed(format!("no answer within {} s", DEADLINE.as_secs())))?;
    match out.lines().find_map(|line| serde_json::from_str::<Created>(line).ok()) {
        Some(created) => Ok(created.key),
        // Only the error stream is told: the other may hold a key.
        None => Err(failed(err.lines().last().unwrap_or("the command gave no key").trim().to_owned())),
    }
}

async fn text(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // A broken stream ends the text; what is missing shows as a missing key.
        let _ended = stream.take(MAX_BYTES).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
