//! The pages for people: the web chat at `/`, the administration at `/admin`, and what both are made of under `/assets/`.
//!
//! They are HTML, style sheets and ES modules as browsers read them: no build step stands between the files in
//! `chatbot/assets/web/` and what is served. A release build has them embedded; a debug build reads them at each request,
//! so that a page that is being written is seen by reloading it. The pages know nobody: who may see what is asked of the API,
//! with the credentials of whoever sits before them.

mod file;

use axum::Router;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::http::problem::Problem;

#[derive(RustEmbed)]
#[folder = "assets/web/"]
struct Files;

/// `/`, `/admin` and `/assets/…`, for everyone.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(chat)).route("/admin", get(admin)).route("/assets/{*path}", get(asset))
}

async fn chat(headers: HeaderMap) -> Result<Response, Problem> {
    answer("index.html", &headers)
}

async fn admin(headers: HeaderMap) -> Result<Response, Problem> {
    answer("admin.html", &headers)
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    answer(&path, &headers)
}

fn answer(path: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let file: EmbeddedFile = Files::get(path).ok_or(Problem::NoRoute)?;
    Ok(file::answer(path, file, headers))
}

#[cfg(test)]
mod tests;
