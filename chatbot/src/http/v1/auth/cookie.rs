//! The cookie of the refresh token: no script reads it, no other site's page sends it, and it goes to these paths alone.

use std::time::Duration;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use crate::http::problem::Problem;

pub(super) const NAME: &str = "chatbot_refresh";
const PATH: &str = "/api/v1/auth";

/// The header that sets it. It is not `Secure` in dev, which has no TLS.
pub(super) fn set(token: &str, lifetime: Duration, is_secure: bool) -> Result<HeaderValue, Problem> {
    let secure = if is_secure { "; Secure" } else { "" };
    let seconds = lifetime.as_secs();
    let text = format!("{NAME}={token}; Path={PATH}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let mut value = HeaderValue::try_from(text).map_err(|_| Problem::Internal)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The header that takes it away.
pub(super) fn forget(is_secure: bool) -> Result<HeaderValue, Problem> {
    set("", Duration::ZERO, is_secure)
}

/// The token that came with a request.
pub(super) fn read(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    let mut named = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == NAME);
    named.next().map(|(_, token)| token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_among_other_cookies() {
        let table = [
            ("chatbot_refresh=cbr_a", Some("cbr_a")),
            ("theme=dark; chatbot_refresh=cbr_a; x=y", Some("cbr_a")),
            ("other_chatbot_refresh=cbr_a", None),
            ("chatbot_refresh", None),
            ("", None),
        ];
        for (line, expected) in table {
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(line))]);
            assert_eq!(read(&headers), expected, "{line}");
        }
    }

    #[test]
    fn a_cookie_is_for_our_own_pages_and_out_of_the_reach_of_scripts() {
        let cookie = set("cbr_a", Duration::from_mins(1), true).unwrap();
        let expected = "chatbot_refresh=cbr_a; Path=/api/v1/auth; Max-Age=60; HttpOnly; SameSite=Strict; Secure";
        assert_eq!(cookie, expected);
        assert!(cookie.is_sensitive(), "no log shows it");
        let gone = forget(false).unwrap();
        assert_eq!(gone, "chatbot_refresh=; Path=/api/v1/auth; Max-Age=0; HttpOnly; SameSite=Strict");
    }
}
