//! PostgreSQL: every statement of the program, one table family per file, and nothing but sqlx.
//!
//! Functions take an executor (a pool, a connection or a transaction), so that the caller decides what belongs together.

pub mod api_keys;
pub mod chunks;
pub mod conversations;
pub mod documents;
mod error;
pub mod messages;
pub mod pool;
pub mod schema;
pub mod users;

pub use error::StoreError;

/// Result of a statement.
pub type Result<T> = std::result::Result<T, StoreError>;
