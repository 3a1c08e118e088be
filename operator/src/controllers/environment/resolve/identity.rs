//! Which environment an object belongs to.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource;

use crate::crd::{ChatbotEnvironment, Tier};

/// What names an environment, and what its objects point back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `metadata.name`, at most 40 characters.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.uid`; empty only for an object that no API server has seen.
    pub uid: String,
    /// `metadata.generation`: the spec that was resolved.
    pub generation: i64,
    /// Tier of the environment.
    pub tier: Tier,
}

impl Identity {
    /// Reads the identity from an environment's metadata.
    #[must_use]
    pub fn of(environment: &ChatbotEnvironment) -> Self {
        let meta = environment.meta();
        Self {
            name: meta.name.clone().unwrap_or_default(),
            namespace: meta.namespace.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            generation: meta.generation.unwrap_or_default(),
            tier: environment.spec.tier,
        }
    }

    /// Reference that makes Kubernetes delete an object together with its environment.
    #[must_use]
    pub fn owner_reference(&self) -> OwnerReference {
        OwnerReference {
            api_version: ChatbotEnvironment::api_version(&()).into_owned(),
            kind: ChatbotEnvironment::kind(&()).into_owned(),
            name: self.name.clone(),
            uid: self.uid.clone(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }
    }
}
