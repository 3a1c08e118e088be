//! The id of a release: a hash of everything that makes pods behave differently.

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::Variables;

const DIGITS: usize = 10;

/// [`short_hash`] over image and variables. Replicas, resources and queue sizes stay out: changing them is no release.
#[must_use]
pub fn release_id(image: &str, variables: &Variables) -> String {
    let pairs = variables.iter().flat_map(|(name, value)| [name.as_str(), value.expose_secret()]);
    short_hash(std::iter::once(image).chain(pairs))
}

/// First ten hexadecimal digits of SHA-256 over texts. Each is preceded by its length, so that no two different lists hash the
/// same bytes.
#[must_use]
pub fn short_hash<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hex::encode(hash.finalize()).chars().take(DIGITS).collect()
}
