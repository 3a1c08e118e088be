//! Qdrant over its REST API: one collection with the named vectors `dense` (cosine) and `bm25` (sparse, modifier idf).
//!
//! The collection is an index that can be rebuilt from PostgreSQL and the object store. Nothing here knows about
//! embedding or texts.

mod client;
mod collection;
mod error;
mod points;
#[cfg(test)]
mod tests;

pub use client::Qdrant;
pub use collection::Layout;
pub use error::VectorError;
pub use points::{Nearest, Point, Query, SparseVector};

/// Name of the dense vector.
pub const DENSE: &str = "dense";
/// Name of the sparse vector.
pub const BM25: &str = "bm25";
