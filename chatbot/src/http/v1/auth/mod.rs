//! Logging in and out, and one's own sessions and password.

mod cookie;
mod login;
mod logout;
mod me;
mod password;
mod refresh;
mod sessions;

use axum::Json;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::auth::login::expires_in;
use crate::auth::session::Grant;
use crate::auth::{Role, session};
use crate::config::environment::Tier;
use crate::http::problem::Problem;
use crate::http::state::Http;
use crate::store::users::User;

pub(super) fn routes() -> OpenApiRouter<Http> {
    OpenApiRouter::new()
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(me::me))
        .routes(routes!(password::password))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::delete))
}

/// What a login and a refresh give. The refresh token is in a cookie that pages cannot read.
#[derive(Debug, Serialize, ToSchema)]
struct Granted {
    /// Send it as `Authorization: Bearer …`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds until it ends; get the next one before.
    expires_in: u64,
    user: Person,
}

/// Somebody who is logged in.
#[derive(Debug, Serialize, ToSchema)]
struct Person {
    id: Uuid,
    name: String,
    email: Option<String>,
    role: Role,
}

impl From<User> for Person {
    fn from(user: User) -> Self {
        Self { id: user.id, name: user.name, email: user.email, role: user.role }
    }
}

/// The answer with its cookie.
fn granted(http: &Http, grant: Grant) -> Result<Response, Problem> {
    let is_secure = http.app.config.environment.tier != Tier::Dev;
    let cookie = cookie::set(grant.refresh_token.expose_secret(), session::LIFETIME, is_secure)?;
    let answer = Granted {
        access_token: grant.access_token.expose_secret().to_owned(),
        token_type: "Bearer",
        expires_in: expires_in(),
        user: grant.user.into(),
    };
    Ok(([(SET_COOKIE, cookie)], Json(answer)).into_response())
}
