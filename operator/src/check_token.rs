//! How the operator shows a server of the chatbot that it may have a question answered: it knows the release's SECRET_KEY.
//!
//! The token is HMAC-SHA256 under the SHA-256 of SECRET_KEY over a purpose and the release's id, in hexadecimal digits. The
//! chatbot computes the same; a test compares the two.

use hmac::{Hmac, KeyInit, Mac, digest::Key};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const PURPOSE: &[u8] = b"chatbot.platform/check\n";

/// The token for a release. White space around the key (a Secret made from a file ends in a new line) is no part of it: the chatbot reads
/// its variables without.
#[must_use]
pub fn token(secret_key: &SecretString, release_id: &str) -> SecretString {
    let mut key = Key::<Hmac<Sha256>>::default();
    let hash = Sha256::digest(secret_key.expose_secret().trim());
    key.iter_mut().zip(hash).for_each(|(place, byte)| *place = byte);
    let mac = Hmac::<Sha256>::new(&key).chain_update(PURPOSE).chain_update(release_id);
    SecretString::from(hex::encode(mac.finalize().into_bytes()))
}
