//! Chat completions.
//!
//! ```text
//! create     the endpoint: which model answers
//! request    what can be asked for
//! own        the chatbot's own answers, from the caller's documents
//! passed     the upstream's model, asked with the caller's own request
//! wire       answers and chunks of our own
//! ```

pub(super) mod create;
mod own;
mod passed;
mod request;
mod sse;
mod wire;
