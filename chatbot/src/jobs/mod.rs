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
//! - `progress`  how far a job is
//! - `schedule`  what is done at fixed times; `tidy` the job that one of them asks for; `upkeep` who looks after them
//! - `manage`    what a person may do with a job: try it again, cancel it, give it up
//! - `arguments` whether a job's arguments can be read
//! - `runner`    a worker process: start, drain
//! - `last`      before a worker leaves: the jobs that only it can do
//! - `measure`   tasks_* metrics

pub mod arguments;
pub mod check_upload;
mod deadline;
mod error;
pub mod fence;
pub mod heartbeat;
pub mod ingest;
mod last;
pub mod manage;
mod measure;
pub mod progress;
mod queue;
pub mod reindex;
pub mod remove;
mod retry;
pub mod runner;
pub mod schedule;
pub mod sweep;
pub mod tidy;
pub mod unindex;
mod upkeep;

pub use error::JobError;
pub use progress::Progress;
pub use queue::{Queue, QueueError, QueueName};
use riverqueue::JobArgs as _;

/// Every kind of job that this release knows.
const KINDS: [&str; 5] = [
    ingest::IngestDocument::KIND,
    remove::RemoveDocument::KIND,
    check_upload::CheckUpload::KIND,
    tidy::TidyHistory::KIND,
    unindex::UnindexDocument::KIND,
];
