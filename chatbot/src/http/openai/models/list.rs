//! `GET /v1/models`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Model, models};
use crate::http::extract::{Chat, May};
use crate::http::openai::error::ErrorDocument;
use crate::http::state::Http;

/// All models.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::openai) struct ModelList {
    object: &'static str,
    data: Vec<Model>,
}

/// The models that can be asked for.
#[utoipa::path(get, path = "/models", tag = "openai", security(("apiKey" = ["chat"]), ("login" = [])), responses(
    (status = OK, body = ModelList),
    (status = "4XX", body = ErrorDocument)))]
pub(in crate::http::openai) async fn list(State(http): State<Http>, _may: May<Chat>) -> Json<ModelList> {
    Json(ModelList { object: "list", data: models(&http) })
}
