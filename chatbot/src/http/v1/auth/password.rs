//! `POST /api/v1/auth/password`.

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::{AuthError, people};
use crate::http::extract::{Json, LoggedIn};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;

/// The old password and the new one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PasswordRequest {
    #[schema(value_type = String, format = Password)]
    current_password: SecretString,
    /// 12 to 256 characters, and neither your name nor your address.
    #[schema(value_type = String, format = Password)]
    new_password: SecretString,
}

/// Changes your password. Your other sessions end; this one stays.
#[utoipa::path(post, path = "/auth/password", tag = "auth", security(("login" = [])), request_body = PasswordRequest, responses(
    (status = NO_CONTENT),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn password(
    State(http): State<Http>,
    LoggedIn { caller, session_id, client, .. }: LoggedIn,
    Json(request): Json<PasswordRequest>,
) -> Result<StatusCode, Problem> {
    let passwords = (&request.current_password, &request.new_password);
    match people::change_password(&http.app, (caller.user_id, session_id), passwords, &client).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        // Not the 401 of a login: the caller is known, and need not log in again.
        Err(AuthError::Wrong) => {
            Err(Problem::Invalid { field: "currentPassword", detail: "this is not your password".to_owned() })
        }
        Err(AuthError::Weak(weak)) => Err(Problem::Invalid { field: "newPassword", detail: weak.to_string() }),
        Err(error) => Err(error.into()),
    }
}
