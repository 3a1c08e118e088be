//! `POST /api/v1/auth/login`.

use axum::extract::State;
use axum::response::Response;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Granted, granted};
use crate::auth::login;
use crate::http::extract::{Anybody, Json, SameOrigin};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;

/// Who wants to come in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginRequest {
    /// User name or e-mail address.
    name: String,
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Logs in.
///
/// The answer is the same for an unknown name, a wrong password and a disabled user. Ten failed attempts of one name from one address
/// in a quarter of an hour are the most.
#[utoipa::path(post, path = "/auth/login", tag = "auth", security(()), request_body = LoginRequest, responses(
    (status = OK, body = Granted, headers(("Set-Cookie" = String, description = "The refresh token"))),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn login(
    State(http): State<Http>,
    Anybody(client): Anybody,
    _: SameOrigin,
    Json(request): Json<LoginRequest>,
) -> Result<Response, Problem> {
    if request.name.contains('\0') {
        return Err(Problem::LoginFailed);
    }
    granted(&http, login::login(&http.app, &request.name, &request.password, &client).await?)
}
