//! Background jobs on River's tables and protocol.
//!
//! - `queue`     enqueuing, transactional: from here everyone else asks for a job
//! - `ingest`    one kind of job: a document becomes searchable
//! - `remove`    another: what is left of a deleted document goes
//! - `check_upload` a third: an upload without a document goes
//! - `unindex`   a fourth: a version that was superseded leaves the index
//! - `deadline`  how long one attempt may take
//! - `error`     retry or give up, in the error's type
//! - `retry`     how long until the next attempt
//! - `heartbeat` this worker is alive; `sweep` hands back the jobs of those that are not; `fence` refuses what a worker
//!   that was declared dead still wants to write
//! - `reindex`   a lost index comes back
//! - `runner`    a worker process: start, drain
//! - `last`      before a worker leaves: the jobs that only it can do
//! - `measure`   tasks_* metrics

pub mod check_upload;
mod deadline;
mod error;
pub mod fence;
pub mod heartbeat;
pub mod ingest;
mod last;
mod measure;
mod queue;
pub mod reindex;
pub mod remove;
mod retry;
pub mod runner;
pub mod sweep;
pub mod unindex;

pub use error::JobError;
pub use queue::{Queue, QueueError, QueueName};
use riverqueue::JobArgs as _;

/// Every kind of job that this release knows.
const KINDS: [&str; 4] = [
    ingest::IngestDocument::KIND,
    remove::RemoveDocument::KIND,
    check_upload::CheckUpload::KIND,
    unindex::UnindexDocument::KIND,
];
