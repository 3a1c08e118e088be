//! The examples as the chatbot meets them: each is resolved and built by the operator, and every container is handed over as
//! a process would see it, with its arguments and its environment.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chatbot_operator::controllers::environment::resolve::{
    Apis, References, Resolved, SecretData, backups::secrets, provisioning, resolve,
};
use chatbot_operator::crd::{ChatbotEnvironment, Colour};
use chatbot_operator::resources::release_job::Task;
use chatbot_operator::resources::{
    Slot, backup_cron_job, deployment, provision_job, provisioned_secret, release_job, release_secret,
};
use k8s_openapi::api::core::v1::{Container, EnvVar, PodTemplateSpec, Secret};
use secrecy::SecretString;
use serde_json::{Value, json};

/// One environment of an example, with the operator's view of it.
pub struct Example {
    /// File and name of the environment, for messages.
    pub title: String,
    /// What the operator made of it.
    pub resolved: Resolved,
}

/// A container as the kernel sees it.
pub struct Process {
    /// Example and container, for messages.
    pub title: String,
    /// Words after the program's name.
    pub args: Vec<String>,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// Ports that the container says it listens on.
    pub ports: Vec<i32>,
    /// How long it may take to end after SIGTERM; Kubernetes' default where the pod says nothing.
    pub grace: Duration,
}

/// An environment of a tier whose spec and Secret say no more than they must, and these settings.
#[must_use]
pub fn with_settings(tier: &str, settings: &[(&str, &str)]) -> Example {
    let settings: BTreeMap<_, _> = settings.iter().copied().collect();
    let environment = json!({
        "apiVersion": "chatbot.platform/v1alpha1",
        "kind": "ChatbotEnvironment",
        "metadata": {"name": tier, "namespace": "chatbot", "uid": "1"},
        "spec": {"tier": tier, "image": "chatbot:1.4.0", "secretRef": {"name": "chatbot"}, "settings": settings},
    });
    example(Path::new("settings.yaml"), &environment, &[environment.clone(), variables()])
}

fn variables() -> Value {
    json!({
        "kind": "Secret",
        "metadata": {"name": "chatbot"},
        "stringData": {
            "DATABASE_URL": "postgresql://chatbot:pw@db.example.org/chatbot?sslmode=require",
            "REDIS_URL": "redis://redis:6379",
            "QDRANT_URL": "http://qdrant:6333",
            "SECRET_KEY": "0123456789abcdef0123456789abcdef",
            "OPENROUTER_API_KEY": "none",
        },
    })
}

/// Every environment of every file in `examples/`, with the Secrets of its file.
#[must_use]
pub fn examples() -> Vec<Example> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "yaml")).collect();
    files.sort();
    files.iter().flat_map(|path| from_file(path)).collect()
}

fn from_file(path: &Path) -> Vec<Example> {
    let documents = documents(&std::fs::read_to_string(path).unwrap());
    let environments = documents.iter().filter(|it| it["kind"] == "ChatbotEnvironment");
    environments.map(|document| example(path, document, &documents)).collect()
}

fn documents(text: &str) -> Vec<Value> {
    let documents = text.split("\n---").map(|document| serde_saphyr::from_str::<Value>(document).unwrap());
    documents.filter(|document| !document.is_null()).collect()
}

fn example(path: &Path, document: &Value, documents: &[Value]) -> Example {
    let environment: ChatbotEnvironment = serde_json::from_value(document.clone()).unwrap();
    let title = format!("{} {}", path.file_name().unwrap().display(), environment.metadata.name.as_deref().unwrap());
    let wanted = environment.spec.secret_ref.name.as_str();
    let secret = documents.iter().find(|it| it["kind"] == "Secret" && it["metadata"]["name"] == wanted);
    let references = References {
        secret: secret.map(read),
        admin: Some(read(&administrator())),
        repositories: secrets(&environment.spec.backups)
            .into_iter()
            .map(|name| (name.to_owned(), read(&bucket(name))))
            .collect(),
        apis: every_api(),
        ..References::default()
    };
    let references = References { provisioned: provisioned(&environment, &references), ..references };
    let resolved = resolve(&environment, &references).unwrap_or_else(|error| panic!("{title}: {error}"));
    Example { title, resolved }
}

fn read(secret: &Value) -> SecretData {
    SecretData::from(&serde_json::from_value::<Secret>(secret.clone()).unwrap())
}

fn administrator() -> Value {
    json!({
        "metadata": {"name": "platform-admin"},
        "stringData": {
            "DATABASE_URL": "postgresql://postgres:admin@postgresql.chatbot-platform.svc:5432/postgres?sslmode=require",
            "REDIS_URL": "redis://redis.chatbot-platform.svc:6379",
            "QDRANT_URL": "http://qdrant.chatbot-platform.svc:6333",
            "MINIO_URL": "http://s3.chatbot-platform.svc:7070",
            "MINIO_ROOT_USER": "admin",
            "MINIO_ROOT_PASSWORD": "admin-secret",
        },
    })
}

/// The Secret of a bucket.
fn bucket(name: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "stringData": {
            "MINIO_URL": "https://s3.example.org", "MINIO_ROOT_USER": "backups", "MINIO_ROOT_PASSWORD": "backups-secret",
        },
    })
}

fn every_api() -> Apis {
    Apis { gateway: true, service_monitor: true, pod_monitor: true, prometheus_rule: true, cert_manager: true }
}

fn provisioned(environment: &ChatbotEnvironment, references: &References) -> Option<SecretData> {
    let credentials = provisioning(environment, references, &SecretString::from("f00d")).unwrap()?;
    Some(SecretData::from(&provisioned_secret::build(&credentials)))
}

impl Example {
    /// Every container that the operator starts for the environment.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        let slot = Slot {
            colour: Colour::Blue,
            release: self.resolved.release_id.clone(),
            image: self.resolved.image.reference.clone(),
        };
        let deployments =
            [deployment::app(&self.resolved, &slot, None), deployment::worker(&self.resolved, &slot, None)];
        let deployments = deployments.into_iter().chain(deployment::monitor(&self.resolved, &slot));
        let serving = release_job::Serving { release: &slot.release, schema: Some("20260101000600") };
        let jobs = Task::ALL.map(|task| release_job::build(&self.resolved, &slot, task, Some(serving)));
        let jobs = jobs.into_iter().chain(provision_job::build(&self.resolved, &slot));
        let scheduled = backup_cron_job::build(&self.resolved, &slot, false).into_iter();
        let scheduled = scheduled.map(|it| it.spec.unwrap().job_template.spec.unwrap().template);
        let templates = deployments.map(|it| it.spec.unwrap().template);
        let templates = templates.chain(jobs.map(|it| it.spec.unwrap().template)).chain(scheduled);
        templates.map(|template| self.process(template)).collect()
    }

    fn process(&self, template: PodTemplateSpec) -> Process {
        let pod = template.spec.unwrap();
        let [container] = <[Container; 1]>::try_from(pod.containers).unwrap();
        let grace = pod.termination_grace_period_seconds.unwrap_or(30);
        Process {
            grace: Duration::from_secs(u64::try_from(grace).unwrap()),
            title: format!("{}, container {}", self.title, container.name),
            environment: self.environment(&container),
            args: container.args.unwrap(),
            ports: container.ports.iter().flatten().map(|port| port.container_port).collect(),
        }
    }

    /// What Kubernetes sets in every container, the variables of the Secrets that the container names, then its own.
    fn environment(&self, container: &Container) -> BTreeMap<String, String> {
        let release = release_secret::build(&self.resolved);
        let administrator: Secret = serde_json::from_value(administrator()).unwrap();
        let mut environment = BTreeMap::from([("KUBERNETES_SERVICE_HOST".to_owned(), "10.0.0.1".to_owned())]);
        for source in container.env_from.iter().flatten() {
            let name = &source.secret_ref.as_ref().unwrap().name;
            let found =
                [&release, &administrator].into_iter().find(|secret| secret.metadata.name.as_ref() == Some(name));
            let secret = found.unwrap_or_else(|| panic!("{}: no Secret {name}", self.title));
            let prefix = source.prefix.as_deref().unwrap_or_default();
            environment.extend(pairs(secret).map(|(key, value)| (format!("{prefix}{key}"), value)));
        }
        for variable in container.env.iter().flatten() {
            environment.extend(self.value(variable, &release).map(|value| (variable.name.clone(), value)));
        }
        environment
    }

    /// As it stands there, or from a key of a Secret, which may be missing where it is optional.
    fn value(&self, variable: &EnvVar, release: &Secret) -> Option<String> {
        let Some(source) = &variable.value_from else { return variable.value.clone() };
        let key = source.secret_key_ref.as_ref().unwrap();
        let administrator: Secret = serde_json::from_value(administrator()).unwrap();
        let bucket: Secret = serde_json::from_value(bucket(&key.name)).unwrap();
        let secrets = [release, &administrator, &bucket];
        let secret = secrets.into_iter().find(|secret| secret.metadata.name.as_deref() == Some(key.name.as_str()));
        let value = pairs(secret.unwrap()).find(|(name, _)| *name == key.key).map(|(_, value)| value);
        assert!(value.is_some() || key.optional == Some(true), "{}: Secret {} lacks {}", self.title, key.name, key.key);
        value
    }
}

fn pairs(secret: &Secret) -> impl Iterator<Item = (String, String)> {
    let data =
        secret.data.iter().flatten().map(|(key, value)| (key.clone(), String::from_utf8(value.0.clone()).unwrap()));
    data.chain(secret.string_data.iter().flatten().map(|(key, value)| (key.clone(), value.clone())))
}
