//! /api/v1, one endpoint per file: `<noun>/<verb>.rs`.

mod api_keys;
mod audit;
mod auth;
mod chat;
mod conversations;
mod documents;
mod library;
mod messages;
mod search;
mod users;

pub(super) use chat::Measured;
pub(super) use library::UserLibrary;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::Http;

pub(super) fn routes() -> OpenApiRouter<Http> {
    OpenApiRouter::new()
        .merge(auth::routes())
        .merge(api_keys::routes())
        .merge(users::routes())
        .routes(routes!(audit::list::list))
        .routes(routes!(chat::create::create))
        .routes(routes!(conversations::list::list))
        .routes(routes!(conversations::get::get, conversations::delete::delete))
        .routes(routes!(messages::list::list))
        .merge(documents::routes())
        .routes(routes!(search::create::create))
}
