//! Environments and references for tests, written as a user would write them.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;

use super::{Apis, References, Resolved, SecretData, resolve};
use crate::crd::{ChatbotEnvironment, Tier};

/// Stands in every secret value: where it shows up, a secret was shown.
pub(crate) const SECRET: &str = "hunter2";

/// The smallest environment of a tier.
pub(crate) fn minimal(tier: Tier) -> ChatbotEnvironment {
    environment(tier, "")
}

/// An environment with more lines in its spec, each indented by two spaces.
pub(crate) fn environment(tier: Tier, more: &str) -> ChatbotEnvironment {
    let yaml = format!(
        "apiVersion: chatbot.platform/v1alpha1\n\
         kind: ChatbotEnvironment\n\
         metadata:\n  name: {tier}\n  namespace: chatbot-{tier}\n  generation: 1\n  uid: 6ad8bdf5-0000-4000-8000-{tier}\n  \
         creationTimestamp: 2026-01-02T00:00:00Z\n\
         spec:\n  tier: {tier}\n  image: registry.example/acme/chatbot:1.4.0\n  secretRef: {{name: chatbot}}\n{more}"
    );
    serde_saphyr::from_str(&yaml).unwrap()
}

/// An environment of the tier that uses most of what a spec can say.
pub(crate) fn full(tier: Tier) -> ChatbotEnvironment {
    environment(
        tier,
        "  host: chat.example.org\n  tls: {secretName: chat-tls}\n  routing: {ingressClassName: nginx}\n  \
         imagePullPolicy: Always\n  imagePullSecrets: [{name: registry}]\n  settings: {LLM_MODEL: smollm2}\n  \
         app: {autoscaling: {min: 2, max: 6}}\n  worker: {autoscaling: {max: 4, targetCPU: 50}, drainTimeout: 90s}\n  \
         provision: {adminSecretRef: {name: platform-admin}}\n  \
         network: {allowFrom: [{namespaceSelector: {matchLabels: {team: web}}}]}\n  monitoring: {level: Basic, labels: {release: prometheus}}\n",
    )
}

/// A Secret as the API server returns it.
pub(crate) fn secret(name: &str, pairs: &[(&str, &str)]) -> SecretData {
    secret_at("1", name, pairs)
}

/// A Secret as the API server returns it at this resourceVersion.
pub(crate) fn secret_at(version: &str, name: &str, pairs: &[(&str, &str)]) -> SecretData {
    let data = pairs.iter().map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())));
    let (name, version) = (Some(name.to_owned()), Some(version.to_owned()));
    let metadata = ObjectMeta { name, resource_version: version, ..ObjectMeta::default() };
    SecretData::from(&Secret { metadata, data: Some(data.collect()), ..Secret::default() })
}

/// Every variable that a user has to supply, by name.
pub(crate) fn user_variables() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("DATABASE_URL", format!("postgresql://chatbot:{SECRET}@db.example.org:6432/chatbot?sslmode=require")),
        ("REDIS_URL", format!("redis://:{SECRET}@redis.platform.svc:6379/0")),
        ("QDRANT_URL", "http://qdrant.platform.svc:6333".to_owned()),
        ("SECRET_KEY", format!("{SECRET}-of-at-least-32-characters-for-signing")),
        ("OPENROUTER_API_KEY", format!("sk-{SECRET}")),
    ])
}

/// References that lack nothing: the user's Secret with every required key.
pub(crate) fn complete() -> References {
    with_variables(&user_variables())
}

/// References whose user's Secret holds these variables.
pub(crate) fn with_variables(variables: &BTreeMap<&'static str, String>) -> References {
    let pairs: Vec<_> = variables.iter().map(|(key, value)| (*key, value.as_str())).collect();
    References {
        secret: Some(secret("chatbot", &pairs)),
        operator_namespace: Some("chatbot-system".to_owned()),
        ..References::default()
    }
}

/// References that lack nothing, with one variable of the user's Secret changed.
pub(crate) fn changed(key: &'static str, value: &str) -> References {
    let mut variables = user_variables();
    variables.insert(key, value.to_owned());
    with_variables(&variables)
}

/// The administrator's Secret.
pub(crate) fn admin() -> SecretData {
    let database = format!("postgresql://postgres:{SECRET}@postgresql.platform.svc:5432/postgres?sslmode=require");
    secret(
        "platform-admin",
        &[
            ("DATABASE_URL", &database),
            ("REDIS_URL", "redis://redis.platform.svc:6379"),
            ("QDRANT_URL", "http://qdrant.platform.svc:6333"),
            ("MINIO_URL", "http://s3.platform.svc:7070"),
            ("MINIO_ROOT_USER", "admin"),
            ("MINIO_ROOT_PASSWORD", SECRET),
        ],
    )
}

/// References that lack nothing of a provisioned environment in a cluster that has every optional API.
pub(crate) fn provisioned() -> References {
    let database =
        format!("postgresql://prod_chatbot:{SECRET}@postgresql.platform.svc:5432/prod_chatbot?sslmode=require");
    References {
        provisioned: Some(secret(
            "provisioned",
            &[("DATABASE_URL", &database), ("MINIO_URL", "http://s3.platform.svc:7070")],
        )),
        admin: Some(admin()),
        apis: Apis {
            gateway: true,
            service_monitor: true,
            pod_monitor: true,
            prometheus_rule: true,
            cert_manager: true,
        },
        ..complete()
    }
}

/// The smallest environment of a tier, resolved.
pub(crate) fn resolved(tier: Tier) -> Resolved {
    resolve(&minimal(tier), &complete()).unwrap()
}
