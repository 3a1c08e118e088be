//! The envelope around every answer, and errors in Qdrant's words.

use std::time::Instant;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use qdrant_edge::OperationError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// Why a request is refused; the texts are those of the real server, which clients show to people.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("Not found: Collection `{0}` doesn't exist!")]
    NoCollection(String),
    #[error("Wrong input: Collection `{0}` already exists!")]
    CollectionExists(String),
    #[error("Wrong input: {0}")]
    WrongInput(String),
    #[error("Format error in JSON body: {0}")]
    Json(String),
    #[error("Payload too large")]
    TooLarge,
    #[error("Timeout error: Operation timed out")]
    Timeout,
    #[error("Service internal error: {0}")]
    Internal(String),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoCollection(_) => StatusCode::NOT_FOUND,
            Self::CollectionExists(_) => StatusCode::CONFLICT,
            Self::WrongInput(_) | Self::Json(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<OperationError> for Refusal {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::ServiceError { .. }
            | OperationError::InconsistentStorage { .. }
            | OperationError::OutOfMemory { .. }
            | OperationError::Cancelled { .. }
            | OperationError::Timeout { .. } => Self::Internal(error.to_string()),
            OperationError::WrongVectorDimension { .. }
            | OperationError::VectorNameNotExists { .. }
            | OperationError::PointIdError { .. }
            | OperationError::TypeError { .. }
            | OperationError::TypeInferenceError { .. }
            | OperationError::ValidationError { .. }
            | OperationError::WrongSparse
            | OperationError::WrongMulti
            | OperationError::MissingRangeIndexForOrderBy { .. }
            | OperationError::MissingMapIndexForFacet { .. }
            | OperationError::VariableTypeError { .. }
            | OperationError::NonFiniteNumber { .. } => Self::WrongInput(error.to_string()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"status": {"error": self.to_string()}, "time": 0.0});
        (self.status(), Json(body)).into_response()
    }
}

/// An answer in Qdrant's envelope, with the time since `started` in seconds.
pub(crate) fn envelope<T: Serialize>(started: Instant, result: &T) -> Response {
    let time = started.elapsed().as_secs_f64();
    Json(json!({"result": result, "status": "ok", "time": time})).into_response()
}

/// A JSON body whose rejection is a [`Refusal`].
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        match Json::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(JsonRejection::BytesRejection(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Refusal::TooLarge)
            }
            Err(rejection) => Err(Refusal::Json(rejection.body_text())),
        }
    }
}
