//! The collection: made once, and looked at before it is used.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Call, READ_DEADLINE, WRITE_DEADLINE};
use super::{BM25, DENSE, Qdrant, VectorError};

/// Payload fields that filters use; an index makes them quick.
const INDEXED_FIELDS: [&str; 2] = ["document_id", "user_id"];

/// What the collection can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Length of dense vectors; None when it was made without.
    pub dense: Option<usize>,
}

#[derive(Deserialize)]
struct Exists {
    exists: bool,
}

impl Qdrant {
    /// Makes the collection if it is missing; true when it was.
    ///
    /// Two callers at once are fine: the slower one finds the collection of the quicker one. An existing collection is
    /// never changed: when its dense vectors have another length than this client's, search falls back to words, and
    /// the collection has to be rebuilt.
    ///
    /// # Errors
    /// When Qdrant cannot be reached or refuses.
    pub async fn ensure_collections(&self) -> Result<bool, VectorError> {
        if self.exists().await? {
            return Ok(false);
        }
        self.create().await?;
        for field in INDEXED_FIELDS {
            self.index_field(field).await?;
        }
        Ok(true)
    }

    /// What the collection can hold.
    ///
    /// # Errors
    /// When it does not exist, or Qdrant cannot be reached.
    pub async fn layout(&self) -> Result<Layout, VectorError> {
        let path = ["collections", &self.collection];
        let call = Call {
            doing: "describe the collection",
            method: Method::GET,
            path: &path,
            body: None,
            deadline: READ_DEADLINE,
        };
        let description: Value = self.send(call).await?;
        let size =
            description.pointer("/config/params/vectors").and_then(|vectors| vectors.get(DENSE)?.get("size")?.as_u64());
        Ok(Layout { dense: size.and_then(|size| usize::try_from(size).ok()) })
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

    async fn create(&self) -> Result<(), VectorError> {
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
            // Someone was quicker.
            Ok(_) | Err(VectorError::Refused { status: 409, .. }) => Ok(()),
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
