//! What the clients of outside services have in common: none of them answers an outage with a multiple of the load, lets
//! everybody wait for it, or reads without end.
//!
//! ```text
//! budget      retries, bounded by the number of requests
//! rest        a pause after a failure
//! last_check  the remembered result of a health check; one check at a time
//! body        an answer's body, up to a limit
//! ```

mod body;
mod budget;
mod last_check;
mod rest;

pub(crate) use body::{BodyError, read_limited, refusal};
pub(crate) use budget::Budget;
pub(crate) use last_check::LastCheck;
pub(crate) use rest::Rest;
