//! JSON under /api, one endpoint per function; the pages say the same in HTML.

mod actions;
mod events;
mod looks;

use utoipa_axum::{router::OpenApiRouter, routes};

use super::state::Monitor;
pub(super) use actions::is_pause;
pub(super) use looks::{find, id, query};

/// Every route, beneath /api.
pub(super) fn routes() -> OpenApiRouter<Monitor> {
    OpenApiRouter::new()
        .routes(routes!(looks::overview))
        .routes(routes!(looks::tasks))
        .routes(routes!(looks::task))
        .routes(routes!(looks::history))
        .routes(routes!(events::events))
        .routes(routes!(actions::task))
        .routes(routes!(actions::retry_all))
        .routes(routes!(actions::run))
        .routes(routes!(actions::pause))
}
