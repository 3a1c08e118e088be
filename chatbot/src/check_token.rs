//! How the operator shows a server that it may have a question answered: it knows the release's SECRET_KEY.
//!
//! The token is HMAC-SHA256 under the SHA-256 of SECRET_KEY over a purpose and the release's id, in hexadecimal digits. It is good for this
//! purpose and this release alone, so that one that leaks opens nothing else.

use hmac::{Hmac, KeyInit, Mac, digest::Key};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const PURPOSE: &[u8] = b"chatbot.platform/check\n";

/// The token for a release.
#[must_use]
pub fn token(secret_key: &SecretString, release_id: &str) -> SecretString {
    SecretString::from(hex::encode(mac(secret_key, release_id).finalize().into_bytes()))
}

/// Whether it is that token; how long the answer takes tells nothing about it.
#[must_use]
pub fn is_token(given: &str, secret_key: &SecretString, release_id: &str) -> bool {
    hex::decode(given).is_ok_and(|given| mac(secret_key, release_id).verify_slice(&given).is_ok())
}

fn mac(secret_key: &SecretString, release_id: &str) -> Hmac<Sha256> {
    keyed(secret_key).chain_update(PURPOSE).chain_update(release_id)
}

/// What is made under SECRET_KEY begins here; a purpose follows. The key is SECRET_KEY's own hash: a key of this length
/// cannot be refused. White space around it (a Secret made from a file ends in a new line) is no part of it.
pub(crate) fn keyed(secret_key: &SecretString) -> Hmac<Sha256> {
    let mut key = Key::<Hmac<Sha256>>::default();
    let hash = Sha256::digest(secret_key.expose_secret().trim());
    key.iter_mut().zip(hash).for_each(|(place, byte)| *place = byte);
    Hmac::<Sha256>::new(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_key_and_release_alone() {
        let (key, other) = (SecretString::from("one"), SecretString::from("two"));
        let token = token(&key, "0123456789");
        let token = token.expose_secret();
        assert!(is_token(token, &key, "0123456789"));
        for (given, key, release) in [
            (token, &key, "9876543210"),
            (token, &other, "0123456789"),
            (&token[2..], &key, "0123456789"),
            ("", &key, "0123456789"),
            ("no digits", &key, "0123456789"),
        ] {
            assert!(!is_token(given, key, release), "{given} {release}");
        }
    }
}
