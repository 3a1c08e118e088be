//! `GET /api/v1/conversations`: the caller's conversations, latest first; with `q` those that hold its words.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use tokio::time::timeout;
use utoipa::IntoParams;

use super::Conversation;
use crate::http::extract::{Chat, Cursor, May, Page, PageQuery, Query};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::retrieval::spellings::pattern;
use crate::store::conversations;

const MAX_QUERY_CHARS: usize = 200;
const MAX_WORDS: usize = 8;
/// A search reads what its caller said and was told, from the latest conversation on; nobody waits longer for it.
const DEADLINE: Duration = Duration::from_secs(10);

/// Which conversations are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http::v1) struct ConversationsQuery {
    /// Items per page, 1 to 200; 50 by default.
    limit: Option<u16>,
    /// The `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<Cursor>,
    /// One to eight words that all stand somewhere in the conversation, in whatever spelling.
    q: Option<String>,
}

/// Your conversations, latest first.
#[utoipa::path(get, path = "/conversations", tag = "conversations", security(("apiKey" = ["chat"]), ("login" = [])), params(ConversationsQuery), responses(
    (status = OK, body = Page<Conversation>),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn list(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    Query(ConversationsQuery { limit, after, q }): Query<ConversationsQuery>,
) -> Result<Json<Page<Conversation>>, Problem> {
    let page = PageQuery::new(limit, after)?;
    let patterns = q.as_deref().map_or(Ok(Vec::new()), patterns)?;
    let search = conversations::search(&http.app.db, caller.user_id, &patterns, page.after(), page.rows());
    let rows = timeout(DEADLINE, search).await.map_err(|_| Problem::Timeout)??;
    Ok(Json(Page::new(page, rows, conversations::Conversation::place)))
}

/// A pattern for each word.
fn patterns(query: &str) -> Result<Vec<String>, Problem> {
    let patterns: Vec<String> = query.split_whitespace().filter_map(pattern).collect();
    if query.chars().count() <= MAX_QUERY_CHARS && (1..=MAX_WORDS).contains(&patterns.len()) {
        return Ok(patterns);
    }
    let detail = format!("write 1 to {MAX_WORDS} words in at most {MAX_QUERY_CHARS} characters");
    Err(Problem::Invalid { field: "q", detail })
}
