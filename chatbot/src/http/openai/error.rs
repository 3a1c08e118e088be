//! What goes wrong, in the shape that OpenAI's clients read: `{"error": {message, type, param, code}}`.

use std::time::Duration;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::problem::Problem;
use crate::llm::LlmError;
use crate::retrieval::embed::EmbedError;

/// Beneath it everything has this shape, whichever layer refuses.
const BASE: &str = "/v1/";
/// When to try again, where the upstream does not say.
const SOON: Duration = Duration::from_secs(2);

/// Why a request is not answered as asked.
#[derive(Debug)]
pub(super) enum Refusal {
    /// As everywhere else in the API.
    Problem(Problem),
    /// A parameter has a value that is not allowed.
    Invalid {
        /// Which one.
        param: &'static str,
        /// What is allowed instead.
        message: String,
    },
    /// A parameter asks for what is not done here.
    Unsupported {
        /// Which one.
        param: &'static str,
        /// What to do instead.
        message: String,
    },
    /// There is no such model.
    NoModel(String),
    /// The language model failed.
    Llm(LlmError),
    /// The embedding model failed.
    Embed(EmbedError),
    /// The language model said nothing, or not all.
    Unanswered,
}

/// An error on the wire.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ErrorDocument {
    error: ErrorBody,
}

/// What is wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct ErrorBody {
    /// What is wrong, and what to do.
    message: String,
    /// The kind of error.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The parameter that is wrong, where it is one.
    param: Option<&'static str>,
    /// What programs go by.
    code: Option<&'static str>,
}

/// Status, code and message of an error, and when to try again.
struct Told {
    status: StatusCode,
    param: Option<&'static str>,
    code: Option<&'static str>,
    message: String,
    retry_after: Option<Duration>,
}

impl Told {
    const fn new(status: StatusCode, code: &'static str, message: String) -> Self {
        Self { status, param: None, code: Some(code), message, retry_after: None }
    }

    /// The kind goes by the status, as OpenAI's own does.
    fn document(&self) -> ErrorDocument {
        let kind = match self.status {
            StatusCode::UNAUTHORIZED => "authentication_error",
            StatusCode::FORBIDDEN => "permission_error",
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        };
        ErrorDocument { error: ErrorBody { message: self.message.clone(), kind, param: self.param, code: self.code } }
    }
}

impl Refusal {
    pub(super) fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { param, message: message.into() }
    }

    pub(super) fn unsupported(param: &'static str, message: impl Into<String>) -> Self {
        Self::Unsupported { param, message: message.into() }
    }

    /// As the last event of a stream.
    pub(super) fn document(&self) -> ErrorDocument {
        self.told().document()
    }

    fn told(&self) -> Told {
        match self {
            Self::Problem(problem) => of_problem(problem),
            Self::Invalid { param, message } => {
                let told = Told::new(StatusCode::BAD_REQUEST, "invalid_value", message.clone());
                Told { param: Some(param), ..told }
            }
            Self::Unsupported { param, message } => {
                let told = Told::new(StatusCode::BAD_REQUEST, "unsupported_parameter", message.clone());
                Told { param: Some(param), ..told }
            }
            Self::NoModel(model) => {
                let message = format!("there is no model `{model}`; GET /v1/models lists those that there are");
                Told { param: Some("model"), ..Told::new(StatusCode::NOT_FOUND, "model_not_found", message) }
            }
            Self::Llm(error) => of_llm(error),
            Self::Embed(error) => of_embed(error),
            Self::Unanswered => {
                let message = "the language model gave no answer; try again in a moment, and see /health".to_owned();
                let told = Told::new(StatusCode::SERVICE_UNAVAILABLE, "model_unavailable", message);
                Told { retry_after: Some(SOON), ..told }
            }
        }
    }
}

fn of_problem(problem: &Problem) -> Told {
    let told = |code| Told::new(problem.status(), code, problem.detail());
    match problem {
        Problem::Unauthorized | Problem::LoginFailed | Problem::SessionEnded => told("invalid_api_key"),
        Problem::Forbidden(_) => told("insufficient_permissions"),
        Problem::NotFound(_) | Problem::NoRoute => told("not_found"),
        Problem::MethodNotAllowed => told("method_not_allowed"),
        Problem::BadRequest(_) => told("invalid_request"),
        Problem::Invalid { field, .. } => {
            Told { status: StatusCode::BAD_REQUEST, param: Some(field), ..told("invalid_value") }
        }
        Problem::Conflict(_) => told("conflict"),
        Problem::UnsupportedMediaType(_) => told("unsupported_media_type"),
        Problem::TooLarge(_) => told("request_too_large"),
        Problem::RateLimited(_) => told("rate_limit_exceeded"),
        Problem::Busy => told("server_busy"),
        Problem::Timeout => told("timeout"),
        Problem::Unavailable(_) => told("service_unavailable"),
        Problem::Internal => told("internal_error"),
    }
}

/// The upstream's words are told where they are about the caller's request; what is about our own key is for the log.
fn of_llm(error: &LlmError) -> Told {
    let told = |status, code, message: &str| Told::new(status, code, message.to_owned());
    match error {
        LlmError::PromptTooLong(message) => told(StatusCode::BAD_REQUEST, "context_length_exceeded", message),
        LlmError::Refused { message, .. } => told(StatusCode::BAD_REQUEST, "upstream_refused", message),
        LlmError::RateLimited { retry_after } => {
            let message = "the language model's upstream limits requests; try again later";
            let told = told(StatusCode::TOO_MANY_REQUESTS, "upstream_rate_limited", message);
            Told { retry_after: Some(retry_after.unwrap_or(SOON)), ..told }
        }
        LlmError::Timeout { .. } => {
            told(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", "the language model did not answer in time")
        }
        LlmError::Unreachable(_)
        | LlmError::Unauthorized
        | LlmError::PaymentRequired
        | LlmError::NotFound(_)
        | LlmError::Server { .. }
        | LlmError::Interrupted
        | LlmError::Protocol(_)
        | LlmError::TooLong(_)
        | LlmError::BaseUrl => {
            told(StatusCode::BAD_GATEWAY, "upstream_failed", "the language model is not available; see /health")
        }
    }
}

fn of_embed(error: &EmbedError) -> Told {
    let told = |status, code, message: &str| Told::new(status, code, message.to_owned());
    match error {
        EmbedError::Timeout(_) => told(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", "no vectors in time"),
        EmbedError::Model { .. } | EmbedError::Inference(_) | EmbedError::Unreachable(_) => told(
            StatusCode::SERVICE_UNAVAILABLE,
            "model_unavailable",
            "the embedding model is not available; see /health",
        ),
        EmbedError::Status { .. } | EmbedError::Answer(_) | EmbedError::Dimensions { .. } => {
            told(StatusCode::BAD_GATEWAY, "upstream_failed", "the embedding model failed; see /health")
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match &self {
            Self::Llm(error) => tracing::warn!(%error, "a request was not passed on"),
            Self::Embed(error) => tracing::error!(%error, "texts could not be embedded"),
            Self::Problem(_)
            | Self::Invalid { .. }
            | Self::Unsupported { .. }
            | Self::NoModel(_)
            | Self::Unanswered => {}
        }
        let told = self.told();
        let mut response = (told.status, Json(told.document())).into_response();
        if let Some(after) = told.retry_after {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<LlmError> for Refusal {
    fn from(error: LlmError) -> Self {
        Self::Llm(error)
    }
}

impl From<EmbedError> for Refusal {
    fn from(error: EmbedError) -> Self {
        Self::Embed(error)
    }
}

/// Gives every problem of a path beneath /v1 this shape: extractors and layers do not know whom they refuse.
pub(in crate::http) async fn in_openai_s_shape(request: Request, next: Next) -> Response {
    let is_openai = request.uri().path().starts_with(BASE);
    let response = next.run(request).await;
    match response.extensions().get::<Problem>().filter(|_| is_openai) {
        Some(problem) => reshaped(&Refusal::Problem(problem.clone()), &response),
        None => response,
    }
}

/// Headers such as Retry-After and Connection stay.
fn reshaped(refusal: &Refusal, response: &Response) -> Response {
    let told = refusal.told();
    let mut reshaped = (told.status, Json(told.document())).into_response();
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            reshaped.headers_mut().insert(name.clone(), value.clone());
        }
    }
    reshaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_s_failures_have_the_status_that_clients_go_by() {
        let message = || "words".to_owned();
        let table = [
            (LlmError::PromptTooLong(message()), 400, "context_length_exceeded"),
            (LlmError::Refused { status: 422, message: message() }, 400, "upstream_refused"),
            (LlmError::RateLimited { retry_after: None }, 429, "upstream_rate_limited"),
            (LlmError::Timeout { what: "no answer", limit: SOON }, 504, "upstream_timeout"),
            (LlmError::Unauthorized, 502, "upstream_failed"),
            (LlmError::PaymentRequired, 502, "upstream_failed"),
            (LlmError::Server { status: 500, message: message() }, 502, "upstream_failed"),
            (LlmError::Interrupted, 502, "upstream_failed"),
        ];
        for (error, status, code) in table {
            let said = format!("{error}");
            let told = Refusal::Llm(error).told();
            assert_eq!((told.status.as_u16(), told.code), (status, Some(code)), "{said}");
            assert!(!told.message.contains("OPENROUTER_API_KEY"), "our key is nobody's business: {}", told.message);
        }
    }
}
