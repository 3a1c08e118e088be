//! `POST /api/v1/search`: passages for a question, without an answer.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::chat::MAX_QUESTION_CHARS;
use crate::chat::ports::{Findings, Library, Passage};
use crate::http::extract::{Json, May, ReadDocuments};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::http::v1::library::UserLibrary;

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 50;

/// What to look for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http::v1) struct SearchRequest {
    /// Words or a question, 1 to 8000 characters.
    query: String,
    /// Passages at most, 1 to 50; 10 by default.
    limit: Option<usize>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::v1) struct SearchAnswer {
    /// Passages, best first.
    results: Vec<SearchResult>,
    /// Whether the search was by words alone, because the embedder is down.
    degraded: bool,
}

/// A passage.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SearchResult {
    chunk_id: Uuid,
    document_id: Uuid,
    /// The document's title.
    title: String,
    /// Headings above it, outermost first, joined by ` > `.
    heading: Option<String>,
    /// Its text as it was uploaded.
    text: String,
    /// First character of it in the document.
    start_char: u32,
    /// One past its last character.
    end_char: u32,
}

impl From<Passage> for SearchResult {
    fn from(passage: Passage) -> Self {
        let Passage { chunk_id, document_id, title, heading, text, start_char, end_char } = passage;
        Self { chunk_id, document_id, title, heading, text, start_char, end_char }
    }
}

/// Searches your documents, by meaning and by words.
#[utoipa::path(post, path = "/search", tag = "documents", security(("apiKey" = ["documents:read"]), ("login" = [])), request_body = SearchRequest, responses(
    (status = OK, body = SearchAnswer),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn create(
    State(http): State<Http>,
    May { caller, .. }: May<ReadDocuments>,
    Json(request): Json<SearchRequest>,
) -> Result<axum::Json<SearchAnswer>, Problem> {
    let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::Invalid { field: "limit", detail: format!("ask for 1 to {MAX_LIMIT} passages") });
    }
    if !(1..=MAX_QUESTION_CHARS).contains(&request.query.trim().chars().count()) {
        return Err(Problem::Invalid { field: "query", detail: format!("write 1 to {MAX_QUESTION_CHARS} characters") });
    }
    let Findings { passages, words_only } = UserLibrary::new(&http, caller.user_id).find(&request.query, limit).await?;
    Ok(axum::Json(SearchAnswer { results: passages.into_iter().map(Into::into).collect(), degraded: words_only }))
}
