//! By what an environment knows the role and the database again that it made: a comment on them.
//!
//! A prefix is not enough, because environments of two clusters may share a server and a prefix. SECRET_KEY is each
//! environment's own; the comment holds a fingerprint of it, which nobody can turn back.

use hmac::Mac;
use secrecy::SecretString;

use crate::check_token::keyed;

/// How every mark begins; a comment that begins otherwise is a person's.
pub(super) const BEGINNING: &str = "chatbot-platform ";
const PURPOSE: &[u8] = b"chatbot.platform/provision\n";
/// Bytes of the fingerprint: far more than there will ever be environments on one server.
const LENGTH: usize = 8;

/// The mark of the environment with this prefix and key.
pub(super) fn mark(prefix: &str, secret_key: &SecretString) -> String {
    let fingerprint = keyed(secret_key).chain_update(PURPOSE).chain_update(prefix).finalize().into_bytes();
    format!("{BEGINNING}{prefix} {}", hex::encode(&fingerprint[..LENGTH]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_belongs_to_one_prefix_and_one_key_and_shows_neither_key_nor_hash() {
        let (key, other) = (SecretString::from("one"), SecretString::from("two"));
        assert_eq!(mark("dev_", &key), mark("dev_", &key));
        assert_ne!(mark("dev_", &key), mark("dev_", &other));
        assert_ne!(mark("dev_", &key), mark("stage_", &key));
        assert_eq!(mark("dev_", &key).len(), "chatbot-platform dev_ 0123456789abcdef".len());
    }
}
