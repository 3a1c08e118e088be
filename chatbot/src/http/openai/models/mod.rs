//! What can be asked for by name.

pub(super) mod get;
pub(super) mod list;

use serde::Serialize;
use utoipa::ToSchema;

use super::OWN_MODEL;
use crate::http::state::Http;

/// A model.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Model {
    id: String,
    object: &'static str,
    /// When it was made, which nobody says of the upstream's: 0.
    created: u32,
    /// `chatbot`, or `upstream`.
    owned_by: &'static str,
}

/// The chatbot's own, then the upstream's, then that of embeddings.
fn models(http: &Http) -> Vec<Model> {
    let model = |id: &str, owned_by| Model { id: id.to_owned(), object: "model", created: 0, owned_by };
    let own = [model(OWN_MODEL, "chatbot")];
    let upstream = [http.app.llm.model()].into_iter().chain(http.app.embedder.model());
    own.into_iter().chain(upstream.map(|id| model(id, "upstream"))).collect()
}
