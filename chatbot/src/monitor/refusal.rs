//! What is not answered as asked: one enum, told as a problem document; pages make a page of it.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{AuthError, password::PasswordError};
use crate::jobs::{manage::ManageError, schedule::ScheduleError};
use crate::store::StoreError;

/// Why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No session or key, or one that does not work.
    NotLoggedIn,
    /// Who asks may not.
    Forbidden(&'static str),
    /// The form does not come from a page of ours.
    Forged,
    /// There is no such thing.
    NotFound(&'static str),
    /// There is no such path.
    NoRoute,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// A value is not allowed.
    Invalid(String),
    /// Too many wrong passwords, or too many who watch.
    Busy(&'static str),
    /// The database does not answer.
    Unavailable,
    /// A fault of the program.
    Internal,
}

/// The document on the wire.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProblemDocument {
    /// What kind of problem, as a URN that never changes.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong, and what to do.
    detail: String,
}

impl Refusal {
    /// Status, name of the type, title.
    pub(super) const fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NotLoggedIn => (StatusCode::UNAUTHORIZED, "unauthorized", "Log in first"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden", "This is not for your role"),
            Self::Forged => (StatusCode::FORBIDDEN, "forged", "This form is not ours"),
            Self::NotFound(_) | Self::NoRoute => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed"),
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "A value is not allowed"),
            Self::Busy(_) => (StatusCode::TOO_MANY_REQUESTS, "busy", "Too many at once"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The database is not available"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "The monitor made a mistake"),
        }
    }

    /// What is wrong, and what to do.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::NotLoggedIn => {
                "log in at /login, or send a key of the scope `admin` as `Authorization: Bearer cbk_…`".to_owned()
            }
            Self::Forbidden(detail) => (*detail).to_owned(),
            Self::Forged => {
                "reload the page and try again; a script sends the session's token as X-CSRF-Token".to_owned()
            }
            Self::NotFound(what) => format!("there is no such {what} (any more)"),
            Self::NoRoute => "there is no such path".to_owned(),
            Self::MethodNotAllowed => "this path has other methods".to_owned(),
            Self::Invalid(detail) => detail.clone(),
            Self::Busy(what) => format!("{what}; try again in a minute"),
            Self::Unavailable => {
                "jobs go on without the monitor; try again in a moment, and see /healthcheck".to_owned()
            }
            Self::Internal => "it was logged under the request id of this answer; report that id".to_owned(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, name, title) = self.kind();
        let kind = format!("urn:chatbot:problem:{name}");
        let document = ProblemDocument { kind, title, status: status.as_u16(), detail: self.detail() };
        let mut response = (status, Json(document)).into_response();
        let media_type = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a request failed in the database");
        match error {
            StoreError::Unavailable(_) | StoreError::Schema(_) => Self::Unavailable,
            StoreError::UserExists
            | StoreError::EmailExists
            | StoreError::ParentMissing(_)
            | StoreError::DuplicateDocument
            | StoreError::Check(_)
            | StoreError::Database(_) => Self::Internal,
        }
    }
}

impl From<ManageError> for Refusal {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::NotFound => Self::NotFound("task"),
            ManageError::Store(error) => error.into(),
            ManageError::Queue(error) => {
                tracing::error!(%error, "a request failed in the queue");
                Self::Unavailable
            }
        }
    }
}

impl From<ScheduleError> for Refusal {
    fn from(error: ScheduleError) -> Self {
        match error {
            ScheduleError::Store(error) => error.into(),
            ScheduleError::Queue(_) | ScheduleError::Never(_) => {
                tracing::error!(%error, "a schedule could not be run");
                Self::Unavailable
            }
        }
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Limited(_) => Self::Busy("too many passwords were tried"),
            AuthError::Password(PasswordError::Busy) => Self::Busy("too many log in at once"),
            AuthError::Wrong | AuthError::Ended | AuthError::NoUser => Self::NotLoggedIn,
            AuthError::Store(error) => error.into(),
            AuthError::Weak(_)
            | AuthError::Name
            | AuthError::Email
            | AuthError::LastAdmin
            | AuthError::Password(_)
            | AuthError::Token(_)
            | AuthError::Randomness(_)
            | AuthError::Queue(_) => {
                tracing::error!(%error, "a login failed");
                Self::Internal
            }
        }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}
