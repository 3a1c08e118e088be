//! Ids in paths: what is no UUID names nothing.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use uuid::Uuid;

use crate::http::problem::Problem;

/// The id in the path.
pub(in crate::http) struct Id(pub(in crate::http) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        match Path::<Uuid>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(_) => Err(Problem::NotFound("id (ids are UUIDs)")),
        }
    }
}
