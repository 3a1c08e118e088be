//! A user who asks without end, from inside the cluster.

use serde_json::{Value, json};

use crate::environment::PATIENCE;
use crate::shell::kubectl;
use crate::{Environment, toolbox, until};

/// A pod that asks four times a second through the Service, each time by a new connection, and notes what came of it.
pub struct Asker<'a>(&'a Environment);

impl<'a> Asker<'a> {
    /// Starts to ask, and waits for the first answer. The environment must let its own namespace in, and serve in blue.
    ///
    /// # Panics
    /// When no key can be made, or nothing is answered.
    pub async fn start(environment: &'a Environment) -> Self {
        let namespace = environment.namespace.as_str();
        let deployment = format!("deployment/{}-app-blue", environment.name);
        let make = ["chatbot", "user", "key", "create", "--user", "asker", "--name", "e2e", "--ttl", "1h", "--json"];
        let made = kubectl(&[&["--namespace", namespace, "exec", &deployment, "--"][..], &make].concat()).await;
        let made: Value = serde_json::from_str(made.lines().last().unwrap_or_default()).expect("a key as JSON");
        let key = made["key"].as_str().expect("the key");
        let body = r#"{"message": "Are you there?"}"#;
        let request = format!(
            "POST /api/v1/chat HTTP/1.1\\r\\nHost: {0}\\r\\nAuthorization: Bearer {key}\\r\\nContent-Type: application/json\\r\\n\
             Content-Length: {1}\\r\\nConnection: close\\r\\n\\r\\n{body}",
            environment.name,
            body.len()
        );
        // nc leaves when its input ends, so that is kept open for longer than an answer takes on a busy node; many askers take
        // turns meanwhile.
        let script = format!(
            "ask() {{ {{ printf '{request}'; sleep 15; }} | nc -w 15 {} 80 | head -n 1; }}
             asker() {{ sleep $(($1 % 15)); while true; do
               said=$(ask); case $said in *' 200 '*) echo answered;; *) echo \"refused: $said\";; esac; done; }}
             for number in $(seq 60); do asker $number & done; wait",
            environment.name
        );
        toolbox::pod(namespace, "asker", &json!({"e2e": "asker"}), &script).await;
        let asker = Self(environment);
        until("questions are answered", PATIENCE, || asker.said(), |(answered, _)| *answered > 0).await;
        asker
    }

    /// How many questions were answered, and what was said where one was not, until now.
    pub async fn said(&self) -> (usize, Vec<String>) {
        let said = kubectl(&["--namespace", &self.0.namespace, "logs", "asker", "--tail=-1"]).await;
        let (answered, refused): (Vec<&str>, Vec<&str>) = said.lines().partition(|line| *line == "answered");
        (answered.len(), refused.into_iter().map(str::to_owned).collect())
    }
}
