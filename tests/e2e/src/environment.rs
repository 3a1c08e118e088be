//! One ChatbotEnvironment in a namespace of its own, for one test.

use std::time::Duration;

use chatbot_operator::crd::ChatbotEnvironment;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::cluster::{Cluster, SERVICES_NAMESPACE};
use crate::forward::Forward;
use crate::shell::{apply, kubectl, must};
use crate::until;

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
        environment.remove().await;
        // While a pod with a long grace is there, the cluster looks at a namespace again only after half that grace.
        kubectl(&["wait", "--for=delete", &format!("namespace/{}", environment.namespace), "--timeout=500s"]).await;
        apply(&namespace_manifest(&environment.namespace)).await;
        environment.copy_admin_secret().await;
        environment
            .write_secret(&[("SECRET_KEY", SECRET_KEY), ("OPENROUTER_API_KEY", "unused-by-the-local-model")])
            .await;
        environment
    }

    /// Deletes environment and namespace. Nothing waits until they are gone: the next test has a namespace of its own.
    pub async fn remove(&self) {
        let namespace = ["--namespace", &self.namespace, "delete", "--ignore-not-found"];
        kubectl(&[&namespace[..], &["chatbotenvironment", &self.name]].concat()).await;
        kubectl(&["delete", "namespace", &self.namespace, "--ignore-not-found", "--wait=false"]).await;
    }

    async fn copy_admin_secret(&self) {
        let raw = kubectl(&["--namespace", SERVICES_NAMESPACE, "get", "secret", "platform-admin", "-o", "json"]).await;
        let admin: Value = serde_json::from_str(&raw).expect("kubectl prints JSON");
        let copy = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": admin["data"],
            "metadata": {"name": "platform-admin", "namespace": self.namespace},
        });
        apply(&copy.to_string()).await;
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

    /// The status as JSON.
    pub async fn status(&self) -> Value {
        serde_json::to_value(self.get().await.status).expect("a status is JSON")
    }

    /// Opens a forward to the environment's Service.
    pub async fn forward(&self) -> Forward {
        Forward::open(&self.namespace, &format!("service/{}", self.name), 80).await
    }

    /// Runs the plugin against this environment, which must succeed.
    pub async fn plugin(&self, args: &[&str]) -> String {
        let mut all = vec!["chatbot", args[0], "--namespace", &self.namespace, &self.name];
        all.extend_from_slice(&args[1..]);
        must("kubectl", &all, "").await
    }
}

/// Long enough for the chatbot to accept, and worth nothing.
pub const SECRET_KEY: &str = "only-for-tests-0123456789abcdef0123456789abcdef";

/// The image under test.
#[must_use]
pub fn chatbot_image() -> String {
    std::env::var("CHATBOT_IMAGE").unwrap_or_else(|_| format!("localhost/chatbot:{}", env!("CARGO_PKG_VERSION")))
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
