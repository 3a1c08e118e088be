//! An object that is to be written or removed.

use kube::{Resource, api::ApiResource, core::NamespaceResourceScope};
use serde::Serialize;
use serde_json::{Value, json};

use super::difference::fingerprint;
use crate::{controllers::memory, error::Error};

/// Annotation with the fingerprint of what the operator wrote: a field that it no longer writes is noticed by it.
pub const APPLIED: &str = "chatbot.platform/applied";

/// How an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// Whenever it is not as it should be.
    Apply,
    /// Once: it cannot be changed afterwards.
    Create,
    /// When it is missing, or was made from other keys or labels: its contents are not read.
    Opaque,
    /// Now.
    Always,
}

/// An object as it should be.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its kind.
    pub resource: ApiResource,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// All of it, as JSON.
    pub body: Value,
    /// Fingerprint of all of it.
    pub hash: String,
    /// How it is written.
    pub writing: Writing,
}

impl Object {
    /// An object of one of Kubernetes' own kinds.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn new<K>(object: &K, writing: Writing) -> Result<Self, Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Serialize,
    {
        Self::of_kind(object, ApiResource::erase::<K>(&()), writing)
    }

    /// An object of any kind.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn of_kind<K: Resource + Serialize>(
        object: &K,
        resource: ApiResource,
        writing: Writing,
    ) -> Result<Self, Error> {
        let name = object.meta().name.clone().unwrap_or_default();
        let namespace = object.meta().namespace.clone().unwrap_or_default();
        let mut body = serde_json::to_value(object)
            .map_err(|error| Error::json(format!("writing {} {name}", resource.kind), error))?;
        if let Some(fields) = body.as_object_mut() {
            fields.remove("status");
        }
        let hash = fingerprint(&body);
        let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) else {
            return Ok(Self { resource, namespace, name, body, hash, writing });
        };
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(APPLIED.to_owned(), json!(hash));
        }
        Ok(Self { resource, namespace, name, body, hash, writing })
    }

    /// Under which its writes are remembered.
    #[must_use]
    pub fn key(&self) -> memory::Key {
        (self.resource.kind.clone(), self.namespace.clone(), self.name.clone())
    }

    /// How people call it.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.resource.kind, self.name)
    }
}

/// An object that must not exist.
#[derive(Debug, Clone)]
pub struct Removal {
    /// Its kind.
    pub resource: ApiResource,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid, so that nothing made anew under the same name is hit.
    pub uid: Option<String>,
}
