//! /v1: the OpenAI API, for programs and libraries that speak it. One endpoint per file.
//!
//! ```text
//! completions   chat: the chatbot's own answers, or the upstream's model as it is
//! models        what can be asked for      embeddings   dense vectors
//! error         what goes wrong, in OpenAI's shape
//! ```

mod completions;
mod embeddings;
mod error;
mod models;

pub(super) use error::in_openai_s_shape;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::Http;

/// The model that answers from the caller's documents, as `POST /api/v1/chat` does.
const OWN_MODEL: &str = "chatbot";

pub(super) fn routes() -> OpenApiRouter<Http> {
    OpenApiRouter::new()
        .routes(routes!(completions::create::create))
        .routes(routes!(models::list::list))
        .routes(routes!(models::get::get))
        .routes(routes!(embeddings::create::create))
        // Names like `openai/gpt-4o-mini` stand in the path as they are.
        .route("/models/{owner}/{model}", axum::routing::get(models::get::get_of_owner))
}
