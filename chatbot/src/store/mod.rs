//! PostgreSQL: every statement of the program, one table family per file, and nothing but sqlx.
//!
//! Functions take an executor (a pool, a connection or a transaction), so that the caller decides what belongs together.

pub mod api_keys;
pub mod audit;
pub mod chunks;
pub mod conversations;
pub mod documents;
mod error;
pub mod feedback;
pub mod jobs;
pub mod messages;
pub mod pool;
pub mod schema;
pub mod sessions;
pub mod users;

pub use error::StoreError;
use jiff_sqlx::ToSqlx;

/// Result of a statement.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A place in a list that is sorted by time, and by id among those of the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The time.
    pub at: jiff::Timestamp,
    /// The id.
    pub id: uuid::Uuid,
}

impl Place {
    fn time(self) -> jiff_sqlx::Timestamp {
        self.at.to_sqlx()
    }
}
