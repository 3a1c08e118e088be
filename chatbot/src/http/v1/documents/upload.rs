//! What comes with an upload: a file of a form, or the body itself.

use axum::body::Bytes;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};

use crate::http::problem::Problem;

const MARKDOWN: &str = "text/markdown";
const PLAIN: &str = "text/plain";
const EXPECTED: &str = "`text/markdown` or `text/plain`, as the body or as the field `file` of `multipart/form-data`";
const FILE_FIELD: &str = "file";
const UNTITLED: &str = "untitled";
const MAX_TITLE_CHARS: usize = 200;

/// A text that was uploaded, checked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) title: String,
    pub(super) media_type: &'static str,
    pub(super) content: Bytes,
}

impl Upload {
    /// Reads the upload of a request; `title` comes from its query.
    pub(super) async fn read(request: Request, title: Option<String>) -> Result<Self, Problem> {
        let kind = essence(request.headers());
        let (name, declared, content) = match kind.as_str() {
            "multipart/form-data" => file(request).await?,
            _ => (None, kind, body(request).await?),
        };
        let media_type = media_type(&declared, name.as_deref()).ok_or(Problem::UnsupportedMediaType(EXPECTED))?;
        check(&content)?;
        Ok(Self { title: tidy(title.or(name)), media_type, content })
    }
}

/// The media type without its parameters.
fn essence(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

async fn body(request: Request) -> Result<Bytes, Problem> {
    Bytes::from_request(request, &()).await.map_err(|rejection| unreadable(rejection.status(), rejection.body_text()))
}

async fn file(request: Request) -> Result<(Option<String>, String, Bytes), Problem> {
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|rejection| unreadable(rejection.status(), rejection.body_text()))?;
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        if field.name() == Some(FILE_FIELD) {
            return content(field).await;
        }
    }
    Err(Problem::Invalid { field: FILE_FIELD, detail: "send the document as the form's field `file`".to_owned() })
}

async fn content(field: Field<'_>) -> Result<(Option<String>, String, Bytes), Problem> {
    let name = field.file_name().map(str::to_owned);
    let declared = field.content_type().unwrap_or_default().to_ascii_lowercase();
    Ok((name, declared, field.bytes().await.map_err(|error| broken(&error))?))
}

fn broken(error: &MultipartError) -> Problem {
    unreadable(error.status(), error.body_text())
}

fn unreadable(status: StatusCode, detail: String) -> Problem {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge("split the document into smaller files".to_owned()),
        _ => Problem::BadRequest(detail),
    }
}

/// What a text is: by its declared type, or by its name where browsers declare nothing of use.
fn media_type(declared: &str, name: Option<&str>) -> Option<&'static str> {
    let declared = declared.split(';').next().unwrap_or_default().trim();
    let ending = name.and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending.to_ascii_lowercase());
    match (declared, ending.as_deref()) {
        ("text/markdown" | "text/x-markdown", _)
        | (PLAIN | "application/octet-stream" | "", Some("md" | "markdown")) => Some(MARKDOWN),
        (PLAIN, _) | ("application/octet-stream" | "", Some("txt" | "text")) => Some(PLAIN),
        _ => None,
    }
}

fn check(content: &[u8]) -> Result<(), Problem> {
    let refuse = |detail: &str| Err(Problem::Invalid { field: FILE_FIELD, detail: detail.to_owned() });
    match std::str::from_utf8(content) {
        Err(_) => refuse("save the document as UTF-8 text"),
        Ok(text) if text.contains('\0') => refuse("the document holds NUL characters: it is no text"),
        Ok(text) if text.trim().is_empty() => refuse("the document is empty"),
        Ok(_) => Ok(()),
    }
}

/// A title on one line, without the folders that some browsers send along.
fn tidy(title: Option<String>) -> String {
    let title = title.unwrap_or_default();
    let name = title.rsplit(['/', '\\']).next().unwrap_or_default();
    let tidy: String = name.chars().filter(|letter| !letter.is_control()).take(MAX_TITLE_CHARS).collect();
    if tidy.trim().is_empty() { UNTITLED.to_owned() } else { tidy.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{check, media_type, tidy};

    #[test]
    fn a_text_is_known_by_type_or_name_and_nothing_else_is_taken() {
        let table = [
            ("text/markdown", None, Some("text/markdown")),
            ("text/plain; charset=utf-8", None, Some("text/plain")),
            ("text/plain", Some("guide.MD"), Some("text/markdown")),
            ("application/octet-stream", Some("guide.md"), Some("text/markdown")),
            ("", Some("notes.txt"), Some("text/plain")),
            ("application/octet-stream", Some("tool.exe"), None),
            ("application/pdf", Some("guide.md"), None),
            ("", None, None),
        ];
        for (declared, name, expected) in table {
            assert_eq!(media_type(declared, name), expected, "{declared} {name:?}");
        }
    }

    #[test]
    fn titles_are_one_line_without_folders() {
        let table = [
            (Some("C:\\docs\\راهنما.md"), "راهنما.md"),
            (Some("../../etc/passwd"), "passwd"),
            (Some("a\nb"), "ab"),
            (Some("  "), "untitled"),
            (None, "untitled"),
        ];
        for (title, expected) in table {
            assert_eq!(tidy(title.map(str::to_owned)), expected);
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert!(check("سلام".as_bytes()).is_ok());
        for content in [&b"\xff\xfe"[..], b"a\0b", b" \n "] {
            assert!(check(content).is_err(), "{content:?}");
        }
    }
}
