//! What comes with an upload: a file of a form, or the body itself.

use axum::body::Bytes;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};

use crate::documents::encoding;
use crate::documents::kind::{self, Kind, Refusal};
use crate::http::problem::Problem;
use crate::store::documents::UNTITLED;

const EXPECTED: &str = "HTML, PDF, DOCX, Markdown or plain text under its media type (`text/html`, `application/pdf`, `text/markdown`, `text/plain`, …), as the body or as the field `file` of `multipart/form-data`";
const FILE_FIELD: &str = "file";
const MAX_TITLE_CHARS: usize = 200;
/// Longer names of encodings do not exist.
const MAX_CHARSET: usize = 40;

/// A document that was uploaded, checked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) title: String,
    /// What it is, with its encoding where the client named one.
    pub(super) media_type: String,
    pub(super) content: Bytes,
}

impl Upload {
    /// Reads the upload of a request; `title` comes from its query.
    pub(super) async fn read(request: Request, title: Option<String>) -> Result<Self, Problem> {
        let declared = declared(request.headers());
        let (name, declared, content) = match essence(&declared).as_str() {
            "multipart/form-data" => file(request).await?,
            _ => (None, declared, body(request).await?),
        };
        let media_type = check(&content, name.as_deref().or(title.as_deref()), &declared)?;
        Ok(Self { title: tidy(title.or(name)), media_type, content })
    }
}

fn declared(headers: &HeaderMap) -> String {
    headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned()
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
    let declared = field.content_type().unwrap_or_default().to_owned();
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

/// What it is, and whether it can be read at all, so that most mistakes are told at once. A worker looks again.
fn check(content: &[u8], name: Option<&str>, declared: &str) -> Result<String, Problem> {
    let (essence, charset) = (essence(declared), charset(declared));
    let kind = kind::detect(content, name, &essence).map_err(refused)?;
    if !kind.is_text() {
        return Ok(kind.media_type().to_owned());
    }
    let text = encoding::decode(content, charset.as_deref(), kind == Kind::Html);
    let text = text.map_err(|error| invalid(error.to_string()))?;
    if text.trim().is_empty() {
        return Err(invalid("the document is empty".to_owned()));
    }
    // UTF-8 needs no name.
    let named = charset.filter(|_| text.as_bytes() != content);
    Ok(named
        .map_or_else(|| kind.media_type().to_owned(), |charset| format!("{}; charset={charset}", kind.media_type())))
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Unknown => Problem::UnsupportedMediaType(EXPECTED),
        Refusal::Unsupported(_) | Refusal::Mismatch => invalid(refusal.to_string()),
    }
}

const fn invalid(detail: String) -> Problem {
    Problem::Invalid { field: FILE_FIELD, detail }
}

/// A media type without its parameters.
fn essence(declared: &str) -> String {
    declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The encoding that a media type names, if that can be a name.
fn charset(declared: &str) -> Option<String> {
    let mut parameters = declared.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, charset) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    let charset = charset.trim().trim_matches('"').to_ascii_lowercase();
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | ':' | '.' | '+');
    (!charset.is_empty() && charset.len() <= MAX_CHARSET && charset.chars().all(is_name)).then_some(charset)
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
    use super::{Problem, check, tidy};

    #[test]
    fn an_encoding_is_kept_where_it_is_needed() {
        let table: [(&[u8], &str, &str); 5] = [
            (b"\xd3\xe1\xc7\xe3", "text/plain; charset=\"Windows-1256\"", "text/plain; charset=windows-1256"),
            (b"plain", "text/plain; charset=windows-1256", "text/plain"),
            ("سلام".as_bytes(), "text/markdown;charset=utf-8", "text/markdown"),
            (b"%PDF-1.7", "text/plain; charset=windows-1256", "application/pdf"),
            (b"<p>x", "text/html; charset=a b", "text/html"),
        ];
        for (content, declared, expected) in table {
            assert_eq!(check(content, None, declared), Ok(expected.to_owned()), "{declared}");
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
        assert!(check("سلام".as_bytes(), None, "text/plain").is_ok());
        for content in [&b"\xff"[..], b"a\0b", b" \n ", b"\xff\xfe", b"\x89PNG"] {
            let refused = check(content, None, "text/plain");
            assert!(matches!(refused, Err(Problem::Invalid { field: "file", .. })), "{content:?}");
        }
    }
}
