//! `POST /v1/chat/completions`.

use axum::extract::State;
use axum::response::Response;

use super::request::CompletionRequest;
use super::wire::Completion;
use super::{own, passed};
use crate::http::extract::{Chat, Json, May};
use crate::http::openai::OWN_MODEL;
use crate::http::openai::error::{ErrorDocument, Refusal};
use crate::http::state::Http;

/// Answers a conversation, as OpenAI's API does.
///
/// The model `chatbot` answers from your documents, with `sources` beside OpenAI's own fields. The upstream's model, by its
/// name, is asked with your request as it is, tools included. Nothing of either is kept.
#[utoipa::path(post, path = "/chat/completions", tag = "openai", security(("apiKey" = ["chat"]), ("login" = [])),
    request_body = CompletionRequest, responses(
    (status = OK, description = "The answer", content(
        (Completion = "application/json"),
        (String = "text/event-stream"),
    )),
    (status = "4XX", body = ErrorDocument),
    (status = "5XX", body = ErrorDocument)))]
pub(in crate::http::openai) async fn create(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    Json(request): Json<CompletionRequest>,
) -> Result<Response, Refusal> {
    request.check()?;
    if request.model == OWN_MODEL {
        own::answer(&http, caller, &request).await
    } else if request.model == http.app.llm.model() {
        passed::answer(&http, request).await
    } else {
        Err(Refusal::NoModel(request.model))
    }
}
