//! From texts to what can be found, and from a question to what was found.
//!
//! ```text
//! normalise   one spelling for what people type in several ways; the same at index and query time
//! spellings   the inverse: a pattern for a word in texts as they were written
//! tokens      words of a normalised text, lightly stemmed
//! bm25        words -> sparse vector
//! chunk       a document -> pieces with their headings and places
//! embed       texts -> dense vectors, by one of several providers
//! indexer     a document -> chunks and points in Qdrant
//! search      a question -> ids of chunks, best first
//! ```

pub mod bm25;
pub mod chunk;
pub mod embed;
pub mod indexer;
pub mod normalise;
pub mod search;
pub mod spellings;
#[cfg(test)]
mod tests;
pub mod tokens;

pub use indexer::{IndexError, Indexer};
pub use search::{Asked, Found, Mode, SearchError, Searcher};
