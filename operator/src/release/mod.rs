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
//! | [`next`](mod@next) | the state machine |
//! | [`hold`](mod@hold) | the clock of a release that is not advanced |
//! | [`layout`](mod@layout) | what must run in a state |

pub mod facts;
pub mod hold;
pub mod layout;
pub mod next;
pub mod state;
#[cfg(test)]
mod tests;

pub use facts::{Check, Facts, Job, Policy, Rollout, Watch, Wishes};
pub use hold::hold;
pub use layout::{JobRun, Layout, Workload, layout};
pub use next::next;
pub use state::{Phase, Placed, Release, ReleaseState, Running};
