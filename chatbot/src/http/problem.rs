//! What can go wrong with a request, as RFC 9457 problem documents.
//!
//! One match gives status, type and title of each; details name what to do next, and never what only the server should
//! know.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::AuthError;
use crate::auth::password::PasswordError;
use crate::objects::ObjectsError;
use crate::retrieval::SearchError;
use crate::store::StoreError;

const MEDIA_TYPE: &str = "application/problem+json";
const TYPE_PREFIX: &str = "urn:chatbot:problem:";
/// When to try again, where nothing better is known.
const SOON: Duration = Duration::from_secs(2);

/// Why a request is not answered as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Neither a key nor an access token, or one that does not work.
    Unauthorized,
    /// Name or password is wrong.
    LoginFailed,
    /// The refresh token does not work (any more).
    SessionEnded,
    /// The caller is known, and may not do this.
    Forbidden(String),
    /// It does not fit to what is there.
    Conflict(&'static str),
    /// There is no such thing, or it is another user's.
    NotFound(&'static str),
    /// There is no such path.
    NoRoute,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The body is no JSON, or lacks something.
    BadRequest(String),
    /// A value is not allowed.
    Invalid {
        /// Which one.
        field: &'static str,
        /// What is allowed instead.
        detail: String,
    },
    /// The body is of a kind that is not read here.
    UnsupportedMediaType(&'static str),
    /// The body is too large.
    TooLarge(String),
    /// Too many requests of this key.
    RateLimited(Duration),
    /// Too many requests in all.
    Busy,
    /// No answer in time.
    Timeout,
    /// A service is down that this request cannot do without.
    Unavailable(&'static str),
    /// A fault of the server.
    Internal,
}

/// The document on the wire.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemDocument {
    /// What kind of problem, as a URN that never changes.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request, and what to do.
    detail: String,
    /// The field that is wrong, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
}

impl Problem {
    /// Status, name of the type, title.
    const fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "A key or a login is required"),
            Self::LoginFailed => (StatusCode::UNAUTHORIZED, "login-failed", "Name or password is wrong"),
            Self::SessionEnded => (StatusCode::UNAUTHORIZED, "session-ended", "The session has ended"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict", "It does not fit to what is there"),
            Self::NotFound(_) | Self::NoRoute => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed"),
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read"),
            Self::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "A value is not allowed"),
            Self::UnsupportedMediaType(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "This kind of body is not read here")
            }
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Self::RateLimited(_) => (StatusCode::TOO_MANY_REQUESTS, "rate-limited", "Too many requests"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "The server is busy"),
            Self::Timeout => (StatusCode::GATEWAY_TIMEOUT, "timeout", "No answer in time"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "A service is not available"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server made a mistake"),
        }
    }

    /// What is wrong, and what to do.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Unauthorized => "send a key or an access token that works as `Authorization: Bearer …`, a key also as `X-API-Key`; /api/v1/auth/login gives tokens, `chatbot user` makes keys".to_owned(),
            Self::LoginFailed => "try again, or ask an admin for another password".to_owned(),
            Self::SessionEnded => "log in again at /api/v1/auth/login".to_owned(),
            Self::Conflict(detail) => (*detail).to_owned(),
            Self::NotFound(what) => format!("there is no such {what}, or it is another user's"),
            Self::NoRoute => "there is no such path; see /docs".to_owned(),
            Self::MethodNotAllowed => "see /docs for the methods of this path".to_owned(),
            Self::BadRequest(detail)
            | Self::Forbidden(detail)
            | Self::Invalid { detail, .. }
            | Self::TooLarge(detail) => detail.clone(),
            Self::UnsupportedMediaType(expected) => format!("send {expected}"),
            Self::RateLimited(after) => {
                format!("wait {} s; requests are counted by key or person, and by address", seconds(*after))
            }
            Self::Busy => "too many requests are in work; try again in a moment".to_owned(),
            Self::Timeout => "the request took too long and was given up; try again, or ask for a stream".to_owned(),
            Self::Unavailable(what) => format!("{what}; try again in a moment, and see /health"),
            Self::Internal => "it was logged under the request id of this answer; report that id".to_owned(),
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.kind().0
    }

    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(after) => Some(*after),
            Self::Busy | Self::Unavailable(_) => Some(SOON),
            Self::Unauthorized
            | Self::LoginFailed
            | Self::SessionEnded
            | Self::Forbidden(_)
            | Self::Conflict(_)
            | Self::NotFound(_)
            | Self::NoRoute
            | Self::MethodNotAllowed
            | Self::BadRequest(_)
            | Self::Invalid { .. }
            | Self::UnsupportedMediaType(_)
            | Self::TooLarge(_)
            | Self::Timeout
            | Self::Internal => None,
        }
    }

    /// The document on the wire.
    #[must_use]
    pub fn document(&self) -> ProblemDocument {
        let (status, name, title) = self.kind();
        let field = if let Self::Invalid { field, .. } = self { Some(*field) } else { None };
        let kind = format!("{TYPE_PREFIX}{name}");
        ProblemDocument { kind, title, status: status.as_u16(), detail: self.detail(), field }
    }
}

/// Whole seconds, rounded up: a client that waits them is not sent away again.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.document())).into_response();
        response.extensions_mut().insert(self.clone());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(after) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds(after)));
        }
        if matches!(self, Self::TooLarge(_)) {
            // The rest of the body is not read: what follows on this connection could not be told from it.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let problem = match error {
            StoreError::UserExists => return Self::Conflict("a user of this name exists already"),
            StoreError::EmailExists => return Self::Conflict("a user with this e-mail address exists already"),
            StoreError::Unavailable(_) | StoreError::Schema(_) => Self::Unavailable("the database is not available"),
            StoreError::ParentMissing(what) => Self::NotFound(what),
            StoreError::DuplicateDocument | StoreError::Check(_) | StoreError::Database(_) => Self::Internal,
        };
        tracing::error!(%error, "a request failed in the database");
        problem
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Limited(after) => Self::RateLimited(after),
            AuthError::Wrong => Self::LoginFailed,
            AuthError::Ended => Self::SessionEnded,
            AuthError::Weak(weak) => Self::Invalid { field: "password", detail: weak.to_string() },
            AuthError::Name => Self::Invalid { field: "name", detail: error.to_string() },
            AuthError::Email => Self::Invalid { field: "email", detail: error.to_string() },
            AuthError::NoUser => Self::NotFound("user"),
            AuthError::LastAdmin => Self::Conflict("this is the last admin who may come in: make another one first"),
            AuthError::Password(PasswordError::Busy) => Self::Busy,
            AuthError::Store(error) => error.into(),
            AuthError::Queue(error) => {
                tracing::error!(%error, "the removal of a user's documents cannot be asked for");
                Self::Unavailable("the job queue is not available")
            }
            AuthError::Password(_) | AuthError::Token(_) | AuthError::Randomness(_) => {
                tracing::error!(%error, "a login failed");
                Self::Internal
            }
        }
    }
}

impl From<Infallible> for Problem {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        tracing::error!(%error, "a search failed");
        Self::Unavailable("the document search is not available")
    }
}

impl From<ObjectsError> for Problem {
    fn from(error: ObjectsError) -> Self {
        if matches!(error, ObjectsError::Disabled) {
            return Self::Unavailable("documents cannot be stored, because no object store is configured (MINIO_URL)");
        }
        tracing::error!(%error, "a request failed in the object store");
        Self::Unavailable("the object store is not available")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::response::IntoResponse;

    use super::Problem;

    #[test]
    fn every_problem_has_its_document_and_headers() {
        let problems = [
            Problem::Unauthorized,
            Problem::LoginFailed,
            Problem::SessionEnded,
            Problem::Forbidden("this key is not for chat".to_owned()),
            Problem::Conflict("a user of this name exists already"),
            Problem::NotFound("conversation"),
            Problem::NoRoute,
            Problem::MethodNotAllowed,
            Problem::BadRequest("the body is no JSON".to_owned()),
            Problem::Invalid { field: "message", detail: "write 1 to 8000 characters".to_owned() },
            Problem::UnsupportedMediaType("application/json"),
            Problem::TooLarge("send at most 1 MB".to_owned()),
            Problem::RateLimited(Duration::from_millis(1500)),
            Problem::Busy,
            Problem::Timeout,
            Problem::Unavailable("the database is not available"),
            Problem::Internal,
        ];
        let told: Vec<_> = problems
            .into_iter()
            .map(|problem| {
                let document = problem.document();
                let response = problem.into_response();
                assert_eq!(response.headers()["content-type"], "application/problem+json");
                assert_eq!(response.status().as_u16(), document.status);
                let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
                (document, retry_after)
            })
            .collect();
        insta::assert_yaml_snapshot!(told);
    }
}
