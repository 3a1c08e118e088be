//! `GET /v1/models/{model}`.

use axum::Json;
use axum::extract::{Path, State};

use super::{Model, models};
use crate::http::extract::{Chat, May};
use crate::http::openai::error::{ErrorDocument, Refusal};
use crate::http::state::Http;

/// One of the models.
#[utoipa::path(get, path = "/models/{model}", tag = "openai", security(("apiKey" = ["chat"]), ("login" = [])),
    params(("model" = String, Path)), responses(
    (status = OK, body = Model),
    (status = "4XX", body = ErrorDocument)))]
pub(in crate::http::openai) async fn get(
    State(http): State<Http>,
    _may: May<Chat>,
    Path(model): Path<String>,
) -> Result<Json<Model>, Refusal> {
    find(&http, model)
}

/// The same of a name with a slash in it.
pub(in crate::http::openai) async fn get_of_owner(
    State(http): State<Http>,
    _may: May<Chat>,
    Path((owner, model)): Path<(String, String)>,
) -> Result<Json<Model>, Refusal> {
    find(&http, format!("{owner}/{model}"))
}

fn find(http: &Http, name: String) -> Result<Json<Model>, Refusal> {
    let found = models(http).into_iter().find(|model| model.id == name);
    found.map(Json).ok_or(Refusal::NoModel(name))
}
