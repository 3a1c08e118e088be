//! The release: one image, its settings and its schema, brought into service as one.
//!
//! Pure. [`next`] decides from the state that the status keeps and from facts that somebody else observed; nothing here reads a clock
//! or the cluster. Whatever is decided can be decided again: an operator that was killed anywhere goes on from the last state
//! that it wrote.
//!
//! | file | subject |
//! |---|---|
//! | [`state`] | what is remembered between two looks |
//! | [`facts`] | what is seen of the cluster, and the policy that judges it |
//! | [`next`](mod@next) | the state machine: how one phase follows another |
//! | `verdict` | what each phase makes of its facts |
//! | `begin` | which release begins when none is under way |
//! | `past` | which releases can be returned to |
//! | `record` | the log, and the releases that ended |
//! | [`hold`](mod@hold) | the clock of a release that is not advanced |
//! | [`layout`](mod@layout) | what must run in a state |

mod begin;
pub mod facts;
pub mod hold;
pub mod layout;
pub mod next;
mod past;
mod record;
pub mod state;
#[cfg(test)]
mod tests;
mod verdict;

pub use facts::{Backup, Check, Facts, Job, Policy, Report, Rollout, Watch, Wishes};
pub use hold::hold;
pub use layout::{JobRun, Layout, Workload, layout};
pub use next::next;
pub use past::returnable;
pub use state::{Phase, Placed, Release, ReleaseState, Requests, Running};
pub use verdict::{QUESTION, is_by_a_person};
