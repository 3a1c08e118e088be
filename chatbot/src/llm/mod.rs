//! The language model: a client of any upstream that speaks the OpenAI chat API, OpenRouter by default.
//!
//! Every wait has an end: for the connection, the first token, each further token and the whole answer. An attempt is
//! repeated only before its first token, so that no word is said twice, and only while the retry budget lasts, so that
//! an outage is not answered with a multiple of the load.

mod client;
mod error;
mod passthrough;
mod proof;
mod stream;
#[cfg(test)]
mod tests;
mod timing;
mod wire;

pub use client::{Client, Listed};
pub use error::LlmError;
pub use passthrough::{Chunks, Document, usage};
pub use stream::Deltas;
pub use wire::{Message, Request, Role, Usage};

use url::Url;

/// A part of an answer, as it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// More words.
    Text(String),
    /// The answer is complete.
    End(End),
}

/// How an answer ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// Why, in the upstream's word: stop, length, content_filter.
    pub finish_reason: String,
    /// Tokens used, when the upstream says.
    pub usage: Option<Usage>,
    /// The model that answered, when the upstream says.
    pub model: Option<String>,
}

/// The URL of an endpoint below a base URL, whether or not that ends in a slash; None for a URL without a path.
#[must_use]
pub fn endpoint(base_url: &Url, path: &[&str]) -> Option<Url> {
    let mut url = base_url.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(path);
    Some(url)
}
