//! One ChatbotEnvironment in a namespace of its own, for one test.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chatbot_operator::crd::ChatbotEnvironment;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::cluster::{Cluster, SERVICES_NAMESPACE};
use crate::forward::Forward;
use crate::shell::{apply, kubectl, must, run};
use crate::{operator, until};

/// A slow step of a busy two-core machine may take this long; what a test asserts is that it happens, not when.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// A namespace with Secret, admin Secret and (once applied) an environment of the same name.
pub struct Environment {
    /// The namespace.
    pub namespace: String,
    /// The environment's name.
    pub name: String,
    /// A client with the rights of the KUBECONFIG.
    pub client: Client,
}

impl Environment {
    /// Makes the namespace afresh, with the Secret `chatbot` and a copy of `platform-admin`.
    pub async fn prepare(cluster: &Cluster, name: &str) -> Self {
        let environment =
            Self { namespace: format!("e2e-{name}"), name: name.to_owned(), client: cluster.client.clone() };
        environment.clear().await;
        // While a pod with a long grace is there, the cluster looks at a namespace again only after half that grace.
        kubectl(&["wait", "--for=delete", &format!("namespace/{}", environment.namespace), "--timeout=500s"]).await;
        apply(&namespace_manifest(&environment.namespace)).await;
        copy_admin_secret(&environment.namespace).await;
        environment
            .write_secret(&[("SECRET_KEY", SECRET_KEY), ("OPENROUTER_API_KEY", "unused-by-the-local-model")])
            .await;
        environment
    }

    /// Deletes environment and namespace, once it is certain that no secret was told to anybody. Nothing waits until they are
    /// gone: the next test has a namespace of its own.
    pub async fn remove(&self) {
        self.keeps_its_secrets().await;
        self.clear().await;
    }

    async fn clear(&self) {
        let namespace = ["--namespace", &self.namespace, "delete", "--ignore-not-found"];
        kubectl(&[&namespace[..], &["chatbotenvironment", &self.name]].concat()).await;
        kubectl(&["delete", "namespace", &self.namespace, "--ignore-not-found", "--wait=false"]).await;
    }

    /// Looks for every secret of the namespace in all that was said: the operator's log, events, status.
    ///
    /// # Panics
    /// With the name of the variable, when one stands there.
    pub async fn keeps_its_secrets(&self) {
        let said_here = ["events,chatbotenvironments", "-o", "json"];
        let said_here = kubectl(&[&["--namespace", &self.namespace, "get"][..], &said_here].concat()).await;
        let logged = operator::logs().await;
        for (key, secret) in self.secrets().await {
            assert!(!said_here.contains(&secret), "the value of {key} stands in an event or a status");
            assert!(!logged.contains(&secret), "the value of {key} stands in the operator's log");
        }
    }

    /// Keys and passwords in the namespace's Secrets, each with the name of its variable.
    async fn secrets(&self) -> Vec<(String, String)> {
        let pairs =
            "{{range .items}}{{range $key, $value := .data}}{{$key}} {{$value|base64decode}}{{\"\\n\"}}{{end}}{{end}}";
        let output = format!("go-template={pairs}");
        let all = kubectl(&["--namespace", &self.namespace, "get", "secrets", "-o", &output]).await;
        let pairs = all.lines().filter_map(|line| line.split_once(' '));
        let secrets = pairs.filter_map(|(key, value)| Some((key.to_owned(), secret_part(key, value)?.to_owned())));
        secrets.filter(|(_, secret)| secret.len() >= SHORTEST_SECRET).collect()
    }

    /// Writes the environment's Secret `chatbot` with exactly these keys.
    pub async fn write_secret(&self, pairs: &[(&str, &str)]) {
        let data: serde_json::Map<String, Value> =
            pairs.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "stringData": data,
            "metadata": {"name": "chatbot", "namespace": self.namespace},
        });
        must("kubectl", &["--namespace", &self.namespace, "delete", "secret", "chatbot", "--ignore-not-found"], "")
            .await;
        apply(&secret.to_string()).await;
    }

    /// A dev environment on the shared services, answered by the scripted upstream.
    #[must_use]
    pub fn manifest(&self) -> Value {
        json!({
            "apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotEnvironment",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {
                "tier": "dev",
                "image": chatbot_image(),
                "resourcePrefix": format!("{}_", self.name.replace('-', "_")),
                "secretRef": {"name": "chatbot"},
                "provision": {"adminSecretRef": {"name": "platform-admin"}},
                "settings": {"LLM_BASE_URL": "http://upstream.chatbot-platform.svc:8080/v1", "LLM_MODEL": "scripted"},
                "release": {"checkTimeout": "2m"},
            },
        })
    }

    /// Applies a manifest with `change` merged into its spec.
    pub async fn apply(&self, change: Value) {
        let mut manifest = self.manifest();
        merge(&mut manifest["spec"], change);
        apply(&manifest.to_string()).await;
    }

    /// The environment as the API server has it.
    pub async fn get(&self) -> ChatbotEnvironment {
        let api: Api<ChatbotEnvironment> = Api::namespaced(self.client.clone(), &self.namespace);
        api.get(&self.name).await.expect("the environment exists")
    }

    /// One condition: `(status, reason, message)`, empty where it is not there yet or speaks of an older generation.
    pub async fn condition(&self, kind: &str) -> (String, String, String) {
        let value = serde_json::to_value(self.get().await).expect("an environment is JSON");
        let current = value["status"]["observedGeneration"] == value["metadata"]["generation"];
        let conditions = value["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let found = conditions.iter().find(|condition| condition["type"] == kind && current);
        let text = |field: &str| found.and_then(|c| c[field].as_str()).unwrap_or_default().to_owned();
        (text("status"), text("reason"), text("message"))
    }

    /// Waits until the environment is Ready at its newest generation.
    pub async fn ready(&self) {
        until("Ready=True", PATIENCE, || self.condition("Ready"), |(status, ..)| status == "True").await;
    }

    /// Waits until a condition has this status and its message contains `words`; returns the message.
    pub async fn says(&self, kind: &str, status: &str, words: &str) -> String {
        let what = format!("{kind}={status} with {words:?}");
        let seen =
            until(&what, PATIENCE, || self.condition(kind), |(s, _, message)| s == status && message.contains(words));
        seen.await.2
    }

    /// Waits until a condition has this status and reason; returns the message.
    pub async fn gives(&self, kind: &str, status: &str, reason: &str) -> String {
        let what = format!("{kind}={status} because of {reason}");
        let seen = until(&what, PATIENCE, || self.condition(kind), |(s, why, _)| s == status && why == reason);
        seen.await.2
    }

    /// Waits for an event of type Warning with this reason.
    pub async fn warns(&self, reason: &str) {
        let of_this = format!("involvedObject.name={},type=Warning,reason={reason}", self.name);
        let namespace = ["--namespace", self.namespace.as_str()];
        let events = ["get", "events", "--field-selector", of_this.as_str(), "-o", "name"];
        let args = [&namespace[..], &events].concat();
        until(&format!("a warning {reason}"), PATIENCE, || kubectl(&args), |events| !events.is_empty()).await;
    }

    /// The status as JSON.
    pub async fn status(&self) -> Value {
        serde_json::to_value(self.get().await.status).expect("a status is JSON")
    }

    /// Opens a forward to the environment's Service.
    pub async fn forward(&self) -> Forward {
        Forward::open(&self.namespace, &format!("service/{}", self.name), 80).await
    }

    /// A file with a text that no other environment has uploaded: the same document twice is one document.
    ///
    /// # Panics
    /// When it cannot be written.
    pub async fn document(&self, about: &str) -> PathBuf {
        let uid = self.get().await.metadata.uid.expect("the environment has an identity");
        let file = std::env::temp_dir().join(format!("{about}-{uid}.md"));
        std::fs::write(&file, format!("# About {about}\n\nThis was written for {uid}.\n")).expect("a temporary file");
        file
    }

    /// Runs the plugin against this environment, which must succeed.
    pub async fn plugin(&self, args: &[&str]) -> String {
        let mut all = vec!["chatbot", args[0], "--namespace", &self.namespace, &self.name];
        all.extend_from_slice(&args[1..]);
        must("kubectl", &all, "").await
    }

    /// Runs the plugin against this environment, which must fail; what it said on both streams.
    ///
    /// # Panics
    /// When it succeeds.
    pub async fn refused(&self, args: &[&str]) -> String {
        let mut all = vec!["chatbot", args[0], "--namespace", &self.namespace, &self.name];
        all.extend_from_slice(&args[1..]);
        let output = run("kubectl", &all, "").await;
        assert!(!output.success, "{args:?} succeeded: {}", output.stdout);
        output.stdout + &output.stderr
    }
}

/// Copies the administrator's Secret of the shared services into a namespace, as `spec.provision` needs it.
///
/// # Panics
/// When there is none.
pub async fn copy_admin_secret(namespace: &str) {
    copy_services_secret(namespace, "platform-admin", &[]).await;
}

/// The same under another name, with `more` in it.
///
/// # Panics
/// When there is none.
pub async fn copy_services_secret(namespace: &str, name: &str, more: &[(&str, &str)]) {
    let raw = kubectl(&["--namespace", SERVICES_NAMESPACE, "get", "secret", "platform-admin", "-o", "json"]).await;
    let admin: Value = serde_json::from_str(&raw).expect("kubectl prints JSON");
    let copy = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": admin["data"],
        "stringData": more.iter().copied().collect::<BTreeMap<_, _>>(),
        "metadata": {"name": name, "namespace": namespace},
    });
    apply(&copy.to_string()).await;
}

/// What must not be told of a variable: the password in a URL, or the whole value of a key or password.
fn secret_part<'a>(key: &str, value: &'a str) -> Option<&'a str> {
    match value.split_once("://") {
        Some((_, rest)) => rest.split_once('@')?.0.split_once(':').map(|(_, password)| password),
        None => (key.ends_with("_KEY") || key.ends_with("_PASSWORD")).then_some(value),
    }
}

/// A shorter value may stand in a text by chance.
const SHORTEST_SECRET: usize = 12;

/// Long enough for the chatbot to accept, and worth nothing.
pub const SECRET_KEY: &str = "only-for-tests-0123456789abcdef0123456789abcdef";

/// The image under test.
#[must_use]
pub fn chatbot_image() -> String {
    std::env::var("CHATBOT_IMAGE").unwrap_or_else(|_| format!("localhost/chatbot:{}", env!("CARGO_PKG_VERSION")))
}

/// A next version of it, with further migrations (tests/fixtures/next).
#[must_use]
pub fn next_image() -> String {
    std::env::var("NEXT_IMAGE").unwrap_or_else(|_| "localhost/next:test".to_owned())
}

fn namespace_manifest(name: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": name, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    })
    .to_string()
}

/// Lays `change` over `target`; null removes.
pub fn merge(target: &mut Value, change: Value) {
    match (target, change) {
        (Value::Object(target), Value::Object(change)) => {
            for (key, value) in change {
                if value.is_null() {
                    target.remove(&key);
                } else {
                    merge(target.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (target, change) => *target = change,
    }
}
