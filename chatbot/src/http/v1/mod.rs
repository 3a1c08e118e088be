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

pub(super) use chat::{Answering, Live, Measured};
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
        .routes(routes!(chat::resume::resume))
        .routes(routes!(chat::stop::stop))
        .routes(routes!(conversations::list::list, conversations::delete_all::delete_all))
        .routes(routes!(conversations::export_all::export_all))
        .routes(routes!(conversations::get::get, conversations::update::update, conversations::delete::delete))
        .routes(routes!(conversations::export::export))
        .routes(routes!(messages::list::list))
        .routes(routes!(messages::regenerate::regenerate))
        .routes(routes!(messages::feedback_put::feedback_put, messages::feedback_delete::feedback_delete))
        .merge(documents::routes())
        .routes(routes!(search::create::create))
}
