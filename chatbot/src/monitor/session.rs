//! The cookie that says who somebody is.
//!
//! It is signed, and holds nothing secret: which login it belongs to, and until when. Its key is made from SECRET_KEY for this
//! purpose alone, so that it opens nothing else. Whether the login still stands, and what its user may do, is looked up with every
//! request: who logs out, is disabled or gets another password is out at once.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::check_token::keyed;

/// The cookie's name.
pub(super) const COOKIE: &str = "chatbot_monitor";
/// After so long one logs in again.
pub(super) const HOURS: i64 = 8;

const PURPOSE: &[u8] = b"chatbot.platform/monitor/session\n";
const CSRF_PURPOSE: &[u8] = b"chatbot.platform/monitor/csrf\n";

/// Who, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Session {
    /// The user.
    pub(super) user_id: Uuid,
    /// The login.
    pub(super) login_id: Uuid,
    /// In seconds since 1970.
    ends: i64,
}

impl Session {
    /// A session of this login that begins `now`.
    pub(super) fn new(user_id: Uuid, login_id: Uuid, now: Timestamp) -> Self {
        Self { user_id, login_id, ends: (now.as_second()).saturating_add(SignedDuration::from_hours(HOURS).as_secs()) }
    }

    /// The cookie's value.
    pub(super) fn seal(&self, key: &SecretString) -> String {
        let text = serde_json::to_vec(self).map(|json| URL_SAFE_NO_PAD.encode(json)).unwrap_or_default();
        let signature = hex::encode(mac(key, PURPOSE, &text).finalize().into_bytes());
        format!("{text}.{signature}")
    }

    /// The session of a cookie's value, unless it is forged or over.
    pub(super) fn open(value: &str, key: &SecretString, now: Timestamp) -> Option<Self> {
        let (text, signature) = value.split_once('.')?;
        mac(key, PURPOSE, text).verify_slice(&hex::decode(signature).ok()?).ok()?;
        let session: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        (now.as_second() < session.ends).then_some(session)
    }
}

/// What a form must carry that acts for the session of this cookie: another site cannot know it.
pub(super) fn csrf_token(cookie: &str, key: &SecretString) -> String {
    hex::encode(mac(key, CSRF_PURPOSE, cookie).finalize().into_bytes())
}

/// Whether it is that; how long the answer takes tells nothing about it.
pub(super) fn is_csrf_token(given: &str, cookie: &str, key: &SecretString) -> bool {
    hex::decode(given).is_ok_and(|given| mac(key, CSRF_PURPOSE, cookie).verify_slice(&given).is_ok())
}

fn mac(key: &SecretString, purpose: &[u8], text: &str) -> Hmac<Sha256> {
    keyed(key).chain_update(purpose).chain_update(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SecretString {
        SecretString::from("one")
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn a_session_is_good_for_its_hours_and_its_key() {
        let session = Session::new(Uuid::from_u128(7), Uuid::from_u128(8), at("2026-01-01T12:00:00Z"));
        let sealed = session.seal(&key());
        let open = |value: &str, key: &SecretString, time: &str| Session::open(value, key, at(time));
        assert_eq!(open(&sealed, &key(), "2026-01-01T19:59:59Z"), Some(session));
        let (text, signature) = sealed.split_once('.').unwrap();
        let other = Session::new(Uuid::from_u128(9), Uuid::from_u128(8), at("2026-01-01T12:00:00Z")).seal(&key());
        let forged = format!("{}.{signature}", other.split_once('.').unwrap().0);
        for (value, key, time) in [
            (sealed.as_str(), key(), "2026-01-01T20:00:00Z"),
            (&sealed, SecretString::from("two"), "2026-01-01T12:00:00Z"),
            (&forged, key(), "2026-01-01T12:00:00Z"),
            (text, key(), "2026-01-01T12:00:00Z"),
            (&format!("{text}."), key(), "2026-01-01T12:00:00Z"),
            ("", key(), "2026-01-01T12:00:00Z"),
        ] {
            assert_eq!(open(value, &key, time), None, "{value} {time}");
        }
    }

    #[test]
    fn a_form_s_token_belongs_to_one_session() {
        let token = csrf_token("cookie", &key());
        assert!(is_csrf_token(&token, "cookie", &key()));
        for (given, cookie, key) in
            [(token.as_str(), "other", key()), (&token, "cookie", SecretString::from("two")), ("", "cookie", key())]
        {
            assert!(!is_csrf_token(given, cookie, &key), "{given} {cookie}");
        }
    }
}
