//! The id of a release: a hash of everything that makes pods behave differently.

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::Variables;

const DIGITS: usize = 10;

/// First ten hexadecimal digits of SHA-256 over image and variables.
///
/// Each text is preceded by its length, so that no two different releases hash the same bytes. Replicas, resources and queue
/// sizes stay out: changing them is no release.
#[must_use]
pub fn release_id(image: &str, variables: &Variables) -> String {
    let mut hash = Sha256::new();
    add(&mut hash, image);
    for (name, value) in variables {
        add(&mut hash, name);
        add(&mut hash, value.expose_secret());
    }
    hex::encode(hash.finalize()).chars().take(DIGITS).collect()
}

/// First ten hexadecimal digits of SHA-256 over a list of texts.
#[must_use]
pub fn short_hash<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    texts.into_iter().for_each(|text| add(&mut hash, text));
    hex::encode(hash.finalize()).chars().take(DIGITS).collect()
}

fn add(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}
