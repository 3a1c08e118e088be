//! People, for admins.

mod create;
mod delete;
mod list;
mod update;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::auth::Role;
use crate::http::state::Http;
use crate::store::users::User as Row;

pub(super) fn routes() -> OpenApiRouter<Http> {
    OpenApiRouter::new().routes(routes!(list::list, create::create)).routes(routes!(update::update, delete::delete))
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct User {
    id: Uuid,
    name: String,
    email: Option<String>,
    role: Role,
    #[schema(value_type = String, format = DateTime)]
    created_at: jiff::Timestamp,
    /// Since when they may not come in.
    #[schema(value_type = Option<String>, format = DateTime)]
    disabled_at: Option<jiff::Timestamp>,
}

impl From<Row> for User {
    fn from(row: Row) -> Self {
        let Row { id, name, email, role, created_at, disabled_at } = row;
        Self { id, name, email, role, created_at, disabled_at }
    }
}
