//! `PATCH /api/v1/users/{id}`.

use axum::extract::State;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::User;
use crate::auth::Role;
use crate::auth::people::{Change, People};
use crate::http::extract::{Administer, Id, Json, May};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateUser {
    /// Another address; null takes it away.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<String>)]
    #[expect(clippy::option_option, reason = "left out, null and an address are three wishes")]
    email: Option<Option<String>>,
    role: Option<Role>,
    /// Whether they may not come in. Their sessions end at once, and their keys work again when they may.
    disabled: Option<bool>,
    /// Another password of 12 to 256 characters. Their sessions end.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretString>,
}

/// A field that is there, even as null.
#[expect(clippy::option_option, reason = "left out is told from null by the caller's default")]
fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Changes a user. The last admin who may come in stays one.
#[utoipa::path(patch, path = "/users/{id}", tag = "users", security(("apiKey" = ["admin"]), ("login" = ["admin"])),
    params(("id" = Uuid, Path)), request_body = UpdateUser, responses(
    (status = OK, body = User),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn update(
    State(http): State<Http>,
    May { actor, .. }: May<Administer>,
    Id(id): Id,
    Json(request): Json<UpdateUser>,
) -> Result<axum::Json<User>, Problem> {
    let UpdateUser { email, role, disabled, password } = request;
    let change = Change { email, role, disabled, password };
    let user = People::from(&http.app).change(&actor, id, change).await?;
    Ok(axum::Json(user.into()))
}
