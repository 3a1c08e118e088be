//! Style, script and icon, inside the binary. Their addresses carry what they are: a new one is fetched at once, an old one
//! never again.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::refusal::Refusal;

const STYLE: &str = include_str!("../../assets/monitor/monitor.css");
const SCRIPT: &str = include_str!("../../assets/monitor/monitor.js");
const ICON: &str = include_str!("../../assets/monitor/icon.svg");

/// Part of their addresses: the size tells versions apart well enough within one release.
pub(super) fn version() -> String {
    format!("{}-{}", env!("CARGO_PKG_VERSION"), STYLE.len() + SCRIPT.len() + ICON.len())
}

/// One of them.
pub(super) async fn get(Path((_version, name)): Path<(String, String)>) -> Result<Response, Refusal> {
    let (media_type, content) = match name.as_str() {
        "monitor.css" => ("text/css; charset=utf-8", STYLE),
        "monitor.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return Err(Refusal::NoRoute),
    };
    let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, content).into_response())
}
