//! The schema: migrations in two kinds, embedded in the binary, applied with sqlx's own bookkeeping and lock.
//!
//! `expand` adds, so that the old release keeps working; `contract` removes what only the old release needed, once it is
//! gone. River's tables come by the same road: a migration of ours may say `-- river: 1-5` and stands for River's own
//! migrations of these versions, so that one command applies, lists and reverts everything. `archive` dumps and restores all of it.

pub mod archive;
mod compatibility;
mod error;
pub mod lint;
mod locks;
mod losses;
mod lossless;
mod marks;
pub mod new;
mod river;
mod run;
mod scan;
mod source;
mod status;
mod undo;

pub use compatibility::Compatibility;
pub use error::MigrateError;
pub use run::{down, reset, up};
pub use source::{Kind, Migration, Selection, embedded};
pub use status::{State, Status, status};
pub use undo::{Undo, Undone, down_of_release};
