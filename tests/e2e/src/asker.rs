//! A user who asks without end, from inside the cluster.

use serde_json::{Value, json};

use crate::Environment;
use crate::shell::kubectl;
use crate::toolbox;

/// A pod that asks again and again through the Service, each time by a new connection, and notes what came of it.
pub struct Asker<'a>(&'a Environment);

impl<'a> Asker<'a> {
    /// Starts to ask. The environment must let its own namespace in, and serve in blue.
    ///
    /// # Panics
    /// When no key can be made.
    pub async fn start(environment: &'a Environment) -> Self {
        let namespace = environment.namespace.as_str();
        let deployment = format!("deployment/{}-app-blue", environment.name);
        let make = ["chatbot", "user", "key", "create", "--user", "asker", "--name", "e2e", "--ttl", "1h", "--json"];
        let made = kubectl(&[&["--namespace", namespace, "exec", &deployment, "--"][..], &make].concat()).await;
        let made: Value = serde_json::from_str(made.lines().last().unwrap_or_default()).expect("a key as JSON");
        let key = made["key"].as_str().expect("the key");
        let script = format!(
            "while true; do \
               if wget -q -T 30 -O /dev/null --header 'Authorization: Bearer {key}' --header 'Content-Type: application/json' \
                 --post-data '{{\"message\": \"Are you there?\"}}' http://{}/api/v1/chat; \
               then echo answered; else echo refused; fi; sleep 0.1; done",
            environment.name
        );
        toolbox::pod(namespace, "asker", &json!({"e2e": "asker"}), &script).await;
        Self(environment)
    }

    /// How many questions were answered, and how many were not, until now.
    pub async fn count(&self) -> (usize, usize) {
        let said = kubectl(&["--namespace", &self.0.namespace, "logs", "asker", "--tail=-1"]).await;
        let lines = |word: &str| said.lines().filter(|line| *line == word).count();
        (lines("answered"), lines("refused"))
    }
}
