//! Who asks: the user of a session's cookie, of an access token, or of an API key.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use secrecy::SecretString;

use super::login::{self, May, Person};
use super::refusal::Refusal;
use super::session::{self, Session};
use super::state::Monitor;
use crate::http::client;

/// The header in which scripts of the page send the session's token.
const CSRF_HEADER: &str = "x-csrf-token";

/// Somebody who may look.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub(super) person: Person,
    proof: Proof,
}

/// How we know.
#[derive(Clone, Debug)]
enum Proof {
    /// A key or token in a header, which no other site can send.
    Header,
    /// A cookie, which a browser sends for other sites too, where it does not know better.
    Cookie { session: Session, value: String, secret: SecretString },
}

impl Visitor {
    /// Lets the visitor act, if they may and it is they who ask: `token` came with the form.
    ///
    /// # Errors
    /// `Forbidden`, `Forged`.
    pub(super) fn acts(&self, token: Option<&str>) -> Result<&Person, Refusal> {
        if !self.is_genuine(token) {
            return Err(Refusal::Forged);
        }
        match self.person.may {
            May::Act => Ok(&self.person),
            May::Look => Err(Refusal::Forbidden("you may look; to act is for admins")),
        }
    }

    /// The session of a visitor who comes by a cookie, and asks for its end.
    ///
    /// # Errors
    /// `Forged`; `NotLoggedIn` when there is none.
    pub(super) fn leaves(&self, token: Option<&str>) -> Result<&Session, Refusal> {
        match &self.proof {
            Proof::Header => Err(Refusal::NotLoggedIn),
            Proof::Cookie { session, .. } if self.is_genuine(token) => Ok(session),
            Proof::Cookie { .. } => Err(Refusal::Forged),
        }
    }

    fn is_genuine(&self, token: Option<&str>) -> bool {
        match &self.proof {
            Proof::Header => true,
            Proof::Cookie { value, secret, .. } => session::is_csrf_token(token.unwrap_or_default(), value, secret),
        }
    }

    /// What a form of this visitor must carry; empty for a key.
    pub(super) fn csrf(&self) -> String {
        match &self.proof {
            Proof::Header => String::new(),
            Proof::Cookie { value, secret, .. } => session::csrf_token(value, secret),
        }
    }
}

impl FromRequestParts<Monitor> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, monitor: &Monitor) -> Result<Self, Refusal> {
        let app = &monitor.app;
        let client = client(parts, app);
        if let Some(credential) = credential(&parts.headers) {
            let person = login::by_credential(app, credential, &client).await?;
            return Ok(Self { person, proof: Proof::Header });
        }
        let value = cookie(&parts.headers, session::COOKIE).ok_or(Refusal::NotLoggedIn)?.to_owned();
        let secret = app.config.secret_key.clone();
        let session = Session::open(&value, &secret, app.clock.now()).ok_or(Refusal::NotLoggedIn)?;
        let person = login::by_session(app, &session, &client).await?;
        Ok(Self { person, proof: Proof::Cookie { session, value, secret } })
    }
}

/// Somebody who acts through the JSON API: the token is in a header.
#[derive(Clone, Debug)]
pub(super) struct Actor(pub(super) Person);

impl FromRequestParts<Monitor> for Actor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, monitor: &Monitor) -> Result<Self, Refusal> {
        let visitor = Visitor::from_request_parts(parts, monitor).await?;
        let token = parts.headers.get(CSRF_HEADER).and_then(|token| token.to_str().ok());
        visitor.acts(token).cloned().map(Self)
    }
}

fn credential(headers: &HeaderMap) -> Option<&str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    header("x-api-key").or_else(|| header(AUTHORIZATION.as_str())?.strip_prefix("Bearer ").map(str::trim))
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; chatbot_monitor=x.y ;b=2"));
        assert_eq!(cookie(&headers, "chatbot_monitor"), Some("x.y"));
        assert_eq!(cookie(&headers, "b"), Some("2"));
        assert_eq!(cookie(&headers, "monitor"), None);
    }
}
