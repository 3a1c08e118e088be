//! Points: what is written, deleted, counted and searched.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::{Call, READ_DEADLINE, WRITE_DEADLINE};
use super::{BM25, DENSE, Qdrant, VectorError};

/// Points per request: with 1536 dimensions about 2 MB of JSON, far below Qdrant's 32 MB.
const BATCH: usize = 64;
/// Candidates that each leg of a hybrid search hands to the fusion, as a multiple of what is asked for.
const CANDIDATES: usize = 4;
/// Cosine below which a chunk has nothing to do with the question; without it every question would find something.
const DENSE_FLOOR: f32 = 0.2;

/// Words by their hash and weight; indices are sorted and unique.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SparseVector {
    /// Hashes of words.
    pub indices: Vec<u32>,
    /// Their weights.
    pub values: Vec<f32>,
}

/// One chunk of a document in the index.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The chunk's id.
    pub id: Uuid,
    /// Its meaning, when an embedder is configured.
    pub dense: Option<Vec<f32>>,
    /// Its words.
    pub sparse: SparseVector,
    /// The document it belongs to.
    pub document_id: Uuid,
    /// Who may find it.
    pub user_id: Uuid,
    /// Its place in the document.
    pub ordinal: i32,
}

/// A search in the chunks of one user.
#[derive(Clone, Debug)]
pub struct Query {
    /// The meaning asked for; None searches words alone.
    pub dense: Option<Vec<f32>>,
    /// The words asked for.
    pub sparse: SparseVector,
    /// Whose chunks.
    pub user_id: Uuid,
    /// How many at most.
    pub limit: usize,
}

/// A chunk that was found.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Nearest {
    /// The chunk's id.
    pub id: Uuid,
    /// Higher is better; comparable within one search only.
    pub score: f32,
}

#[derive(Deserialize)]
struct Found {
    points: Vec<Nearest>,
}

#[derive(Deserialize)]
struct Counted {
    count: u64,
}

impl Qdrant {
    /// Writes points, in batches; those of the same id are replaced.
    ///
    /// # Errors
    /// When a batch fails; batches before it stay written, and writing all again is safe.
    pub async fn upsert(&self, points: &[Point]) -> Result<(), VectorError> {
        let path = ["collections", &self.collection, "points"];
        for batch in points.chunks(BATCH) {
            let body = json!({"points": batch.iter().map(point_json).collect::<Vec<_>>()});
            let call = Call {
                doing: "store points",
                method: Method::PUT,
                path: &path,
                body: Some(&body),
                deadline: WRITE_DEADLINE,
            };
            self.send::<Value>(call).await?;
        }
        Ok(())
    }

    /// Removes every point of a document but those in `keep`; nothing to remove is fine.
    ///
    /// # Errors
    /// When Qdrant cannot be reached or refuses. A missing collection is no error: it holds nothing of the document.
    pub async fn delete_document(&self, document_id: Uuid, keep: &[Uuid]) -> Result<(), VectorError> {
        let filter = json!({"must": [matches("document_id", document_id)], "must_not": [{"has_id": keep}]});
        let body = json!({"filter": filter});
        let path = ["collections", &self.collection, "points", "delete"];
        let call = Call {
            doing: "delete points",
            method: Method::POST,
            path: &path,
            body: Some(&body),
            deadline: WRITE_DEADLINE,
        };
        if_there(self.send::<Value>(call).await).map(drop)
    }

    /// Chunks nearest to the query, best first: by meaning and words fused by reciprocal rank, or by words alone.
    ///
    /// # Errors
    /// When Qdrant cannot be reached or refuses.
    pub async fn search(&self, query: &Query) -> Result<Vec<Nearest>, VectorError> {
        let body = query_json(query);
        let path = ["collections", &self.collection, "points", "query"];
        let call =
            Call { doing: "search", method: Method::POST, path: &path, body: Some(&body), deadline: READ_DEADLINE };
        let found: Found = self.send_in_a_hurry(call).await?;
        Ok(found.points)
    }

    /// How many points a document has in the index.
    ///
    /// # Errors
    /// When Qdrant cannot be reached or refuses.
    pub async fn count_document(&self, document_id: Uuid) -> Result<u64, VectorError> {
        self.count_of(&json!({"filter": {"must": [matches("document_id", document_id)]}, "exact": true})).await
    }

    /// How many points the index has in all; None when there is none.
    ///
    /// # Errors
    /// When Qdrant cannot be reached or refuses.
    pub async fn count(&self) -> Result<Option<u64>, VectorError> {
        if_there(self.count_of(&json!({"exact": true})).await)
    }

    async fn count_of(&self, body: &Value) -> Result<u64, VectorError> {
        let path = ["collections", &self.collection, "points", "count"];
        let call = Call {
            doing: "count points",
            method: Method::POST,
            path: &path,
            body: Some(body),
            deadline: READ_DEADLINE,
        };
        let counted: Counted = self.send(call).await?;
        Ok(counted.count)
    }
}

/// None where the collection is missing.
fn if_there<T>(answer: Result<T, VectorError>) -> Result<Option<T>, VectorError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(VectorError::CollectionMissing(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn matches(field: &str, value: Uuid) -> Value {
    json!({"key": field, "match": {"value": value}})
}

fn point_json(point: &Point) -> Value {
    let mut vector = json!({BM25: point.sparse});
    if let Some(dense) = &point.dense {
        vector[DENSE] = json!(dense);
    }
    let payload = json!({"document_id": point.document_id, "user_id": point.user_id, "ordinal": point.ordinal});
    json!({"id": point.id, "vector": vector, "payload": payload})
}

fn query_json(query: &Query) -> Value {
    let filter = json!({"must": [matches("user_id", query.user_id)]});
    let Some(dense) = &query.dense else {
        return json!({"query": query.sparse, "using": BM25, "filter": filter, "limit": query.limit});
    };
    let candidates = query.limit * CANDIDATES;
    json!({
        "prefetch": [
            {"query": dense, "using": DENSE, "filter": filter, "limit": candidates, "score_threshold": DENSE_FLOOR},
            {"query": query.sparse, "using": BM25, "filter": filter, "limit": candidates},
        ],
        "query": {"fusion": "rrf"},
        "limit": query.limit,
    })
}
