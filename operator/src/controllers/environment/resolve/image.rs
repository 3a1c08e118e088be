//! The chatbot image of an environment.

use crate::crd;

const LABEL_LENGTH: usize = 63;

/// Which image runs, and how a node gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Full reference, as written in the resource.
    pub reference: String,
    /// When a node pulls it; Kubernetes decides when unset.
    pub pull_policy: Option<String>,
    /// Names of the Secrets with the registry's credentials.
    pub pull_secrets: Vec<String>,
}

/// The tag of an image reference in the form that a label's value takes: at most 63 characters, the first and the last a
/// letter or a digit.
#[must_use]
pub fn version(reference: &str) -> String {
    let tag: String = crd::image::tag(reference).chars().take(LABEL_LENGTH).collect();
    tag.trim_matches(|letter: char| !letter.is_ascii_alphanumeric()).to_owned()
}
