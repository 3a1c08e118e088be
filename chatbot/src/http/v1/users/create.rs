//! `POST /api/v1/users`.

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::User;
use crate::auth::Role;
use crate::auth::people::{Newcomer, People};
use crate::http::extract::{Administer, Json, May};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;

/// Somebody to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateUser {
    /// A unique name of 1 to 200 characters, without @.
    name: String,
    /// A unique address; they may log in by it too.
    email: Option<String>,
    /// `member` without.
    #[serde(default)]
    role: Role,
    /// 12 to 256 characters. Without one they come in by keys alone.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretString>,
}

/// Makes a user.
#[utoipa::path(post, path = "/users", tag = "users", security(("apiKey" = ["admin"]), ("login" = ["admin"])), request_body = CreateUser, responses(
    (status = CREATED, body = User),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn create(
    State(http): State<Http>,
    May { actor, .. }: May<Administer>,
    Json(request): Json<CreateUser>,
) -> Result<(StatusCode, axum::Json<User>), Problem> {
    let CreateUser { name, email, role, password } = request;
    let newcomer = Newcomer { name, email, role, password };
    let user = People::from(&http.app).create(&actor, &newcomer).await?;
    Ok((StatusCode::CREATED, axum::Json(user.into())))
}
