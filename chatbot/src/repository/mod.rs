//! An encrypted, deduplicating repository of snapshots in the restic format, in a folder of an object store.
//!
//! The format and its keys are the library's work (`rustic_core`), so that `restic` opens what is written here. Three things are
//! ours: files that are streamed have their true size, a snapshot is seen only after everything that it refers to was read back,
//! and every wait for the store has a deadline. It knows nothing of databases.
//!
//! The library waits where it stands: everything here but [`Repository::open`] is called on a thread that may be blocked.

mod check;
mod copy;
mod error;
mod keep;
mod keys;
mod open;
mod read;
mod source;
mod store;
#[cfg(test)]
mod tests;
mod tree;
mod whose;
mod write;

pub use check::Part;
pub use error::RepositoryError;
pub(crate) use keep::Keep;
pub use keys::Keys;
pub use open::Repository;
pub use read::Listed;
pub(crate) use read::Snapshot;
pub(crate) use source::{Content, Entry, Tally};
pub use store::Place;
pub(crate) use whose::Whose;
pub(crate) use write::{Description, Stored};
