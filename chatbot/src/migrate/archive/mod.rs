//! Dumps the database to a file and restores it, with PostgreSQL's own programs.
//!
//! A dump by anything else would have to know every kind of object that a migration may make. Objects and vectors are not
//! in it: they live in other services.

pub(crate) mod connection;
mod dump;
mod error;
pub(crate) mod piped;
mod process;
pub(crate) mod programs;
mod restore;

pub use dump::dump;
pub use error::ArchiveError;
pub use restore::restore;
