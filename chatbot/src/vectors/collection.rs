//! The collection: made once, and looked at before it is used.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Call, HEALTH_DEADLINE, READ_DEADLINE, WRITE_DEADLINE};
use super::{BM25, DENSE, Qdrant, VectorError};

/// Payload fields that filters use; an index makes them quick.
const INDEXED_FIELDS: [&str; 2] = ["document_id", "user_id"];

/// What the collection is, and holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Length of dense vectors; None when it was made without.
    pub dense: Option<usize>,
    /// How many points it holds, about; None when the server does not say.
    pub points: Option<u64>,
    /// Payload fields with an index.
    pub(super) indexed: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Exists {
    exists: bool,
}

impl Qdrant {
    /// Makes the collection and the indexes of its payload, as far as they are missing; true when this call made the
    /// collection.
    ///
    /// Two callers at once are fine: the slower one finds the collection of the quicker one. Vectors of an existing
    /// collection are never changed: when its dense vectors have another length than this client's, search falls back to
    /// words, and the collection has to be rebuilt.
    ///
    /// # Errors
    /// When Qdrant cannot be reached or refuses.
    pub async fn ensure_collections(&self) -> Result<bool, VectorError> {
        let made = !self.exists().await? && self.create().await?;
        // Whoever made it may have ended before its indexes.
        let indexed = self.layout().await?.indexed;
        for field in INDEXED_FIELDS.into_iter().filter(|field| !indexed.contains(*field)) {
            self.index_field(field).await?;
        }
        Ok(made)
    }

    /// What the collection can hold.
    ///
    /// # Errors
    /// When it does not exist, or Qdrant cannot be reached.
    pub async fn layout(&self) -> Result<Layout, VectorError> {
        let path = ["collections", &self.collection];
        self.send(describe(&path, READ_DEADLINE)).await.map(|description| layout(&description))
    }

    /// What the collection holds; None when there is none. For health checks: one attempt, two seconds.
    ///
    /// # Errors
    /// When the server does not take requests with this key.
    pub async fn ping(&self) -> Result<Option<Layout>, VectorError> {
        let path = ["collections", &self.collection];
        match self.attempt(&describe(&path, HEALTH_DEADLINE)).await {
            Ok(description) => Ok(Some(layout(&description))),
            Err(VectorError::CollectionMissing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes the collection with all its points; none is fine.
    ///
    /// # Errors
    /// When Qdrant cannot be reached or refuses.
    pub async fn remove_collection(&self) -> Result<(), VectorError> {
        let path = ["collections", &self.collection];
        let call = Call {
            doing: "remove the collection",
            method: Method::DELETE,
            path: &path,
            body: None,
            deadline: WRITE_DEADLINE,
        };
        match self.send::<Value>(call).await {
            Ok(_) | Err(VectorError::CollectionMissing(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn exists(&self) -> Result<bool, VectorError> {
        let path = ["collections", &self.collection, "exists"];
        let call = Call {
            doing: "look for the collection",
            method: Method::GET,
            path: &path,
            body: None,
            deadline: READ_DEADLINE,
        };
        let answer: Exists = self.send(call).await?;
        Ok(answer.exists)
    }

    /// False when someone was quicker.
    async fn create(&self) -> Result<bool, VectorError> {
        let dense = self.dimensions.map(|size| json!({DENSE: {"size": size, "distance": "Cosine"}}));
        let body = json!({
            "vectors": dense.unwrap_or_else(|| json!({})),
            "sparse_vectors": {BM25: {"modifier": "idf"}},
        });
        let path = ["collections", &self.collection];
        let call = Call {
            doing: "create the collection",
            method: Method::PUT,
            path: &path,
            body: Some(&body),
            deadline: WRITE_DEADLINE,
        };
        match self.send::<Value>(call).await {
            Ok(_) => Ok(true),
            Err(VectorError::Refused { status: 409, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn index_field(&self, field: &str) -> Result<(), VectorError> {
        let body = json!({"field_name": field, "field_schema": "keyword"});
        let path = ["collections", &self.collection, "index"];
        let call = Call {
            doing: "index a payload field",
            method: Method::PUT,
            path: &path,
            body: Some(&body),
            deadline: WRITE_DEADLINE,
        };
        self.send::<Value>(call).await.map(drop)
    }
}

fn describe<'a>(path: &'a [&'a str], deadline: Duration) -> Call<'a> {
    Call { doing: "describe the collection", method: Method::GET, path, body: None, deadline }
}

fn layout(description: &Value) -> Layout {
    let size =
        description.pointer("/config/params/vectors").and_then(|vectors| vectors.get(DENSE)?.get("size")?.as_u64());
    let indexed = description.get("payload_schema").and_then(Value::as_object);
    Layout {
        dense: size.and_then(|size| usize::try_from(size).ok()),
        points: description.get("points_count").and_then(Value::as_u64),
        indexed: indexed.map(|fields| fields.keys().cloned().collect()).unwrap_or_default(),
    }
}
