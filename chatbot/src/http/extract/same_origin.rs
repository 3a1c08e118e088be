//! That a request which brings a cookie comes from a page of ours.
//!
//! A browser adds cookies to whatever a page asks for, and another site's page could log people out, or use up their
//! refresh tokens. `SameSite=Strict` keeps the cookie back there already; this holds where it does not help: sites that share
//! our registrable domain count as the same site, and may be somebody else's. Every browser of today says with a POST where
//! it comes from. What says nothing is no browser, and has no cookies but those that it was given.

use axum::extract::FromRequestParts;
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use crate::http::problem::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The request comes from one of our pages, or from no page.
pub(in crate::http) struct SameOrigin;

impl<S: Send + Sync> FromRequestParts<S> for SameOrigin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let detail = "a page of another site may not ask for this";
        if is_same_origin(&parts.headers) { Ok(Self) } else { Err(Problem::Forbidden(detail.to_owned())) }
    }
}

/// The origin's scheme is not compared: behind a proxy that ends TLS it is another one than ours.
fn is_same_origin(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    let ours = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.is_some_and(|host| ours.is_some_and(|ours| ours.eq_ignore_ascii_case(host)))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_our_own_pages_and_what_is_no_browser_may_ask() {
        let table: [(&[(&str, &str)], bool); 9] = [
            (&[], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://chat.example.org")], false),
            (&[("origin", "https://chat.example.org")], true),
            (&[("origin", "https://evil.example.org")], false),
            (&[("origin", "https://chat.example.org:8443")], false),
            (&[("origin", "null")], false),
        ];
        for (given, expected) in table {
            let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("chat.example.org"))]);
            for (name, value) in given {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(is_same_origin(&headers), expected, "{given:?}");
        }
    }
}
