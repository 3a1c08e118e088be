//! What an upload is. Its content decides; a text's name and declared type say which sort of text.

use super::encoding;

const OCTETS: &str = "application/octet-stream";
const PLAIN: &str = "text/plain";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// PDF files may have some other bytes before their mark.
const PDF_MARK_WITHIN: usize = 1024;
/// An HTML text shows itself within so many bytes.
const HTML_MARK_WITHIN: usize = 512;
/// The part of a ZIP archive by which a Word document is known; names of parts are not compressed.
const DOCX_PART: &[u8] = b"word/document.xml";

const ZIP: &str = "a ZIP archive that is no Word document: upload the files in it";
const OLD_OFFICE: &str = "a document of an Office before 2007: save it as .docx or PDF";
const BINARY: &str = "a picture, a program or an archive: upload HTML, PDF, DOCX, Markdown or plain text";
/// Beginnings of files that are no text, and what is said of them.
const REFUSED: [(&[u8], &str); 11] = [
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"\xd0\xcf\x11\xe0", OLD_OFFICE),
    (b"{\\rtf", "a document in RTF: save it as .docx or PDF"),
    (b"\x89PNG", BINARY),
    (b"\xff\xd8\xff", BINARY),
    (b"GIF8", BINARY),
    (b"\x1f\x8b", BINARY),
    (b"\x7fELF", BINARY),
    (b"7z\xbc\xaf", BINARY),
    (b"Rar!", BINARY),
];

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Plain text.
    Text,
    /// Markdown.
    Markdown,
    /// A web page.
    Html,
    /// PDF.
    Pdf,
    /// Word, since 2007.
    Docx,
}

/// Why an upload is not taken. Each message is what its owner is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Of no kind that is known.
    #[error("it is of no kind that is known here: upload HTML, PDF, DOCX, Markdown or plain text")]
    Unknown,
    /// Its content is known, and of no use.
    #[error("the content is {0}")]
    Unsupported(&'static str),
    /// Name or declared type say one thing, the content another.
    #[error("it is called a PDF or a Word document, and its content is neither: it may be damaged, save it anew")]
    Mismatch,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Text, Self::Markdown, Self::Html, Self::Pdf, Self::Docx];

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Text => PLAIN,
            Self::Markdown => "text/markdown",
            Self::Html => "text/html",
            Self::Pdf => "application/pdf",
            Self::Docx => DOCX,
        }
    }

    /// The name by which the command line knows it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Pdf => "pdf",
            Self::Docx => "docx",
        }
    }

    /// The kind of a stored media type; anything unknown is read as plain text.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Self {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        Self::ALL.into_iter().find(|kind| kind.media_type() == essence).unwrap_or(Self::Text)
    }

    /// Whether it is a text in some encoding.
    #[must_use]
    pub const fn is_text(self) -> bool {
        match self {
            Self::Text | Self::Markdown | Self::Html => true,
            Self::Pdf | Self::Docx => false,
        }
    }
}

/// What an upload is; `declared` is its media type without parameters, as the client says it.
///
/// # Errors
/// See [`Refusal`].
pub fn detect(content: &[u8], name: Option<&str>, declared: &str) -> Result<Kind, Refusal> {
    if contains(content.get(..PDF_MARK_WITHIN).unwrap_or(content), b"%PDF-") {
        return Ok(Kind::Pdf);
    }
    if content.starts_with(b"PK\x03\x04") && contains(content, DOCX_PART) {
        return Ok(Kind::Docx);
    }
    if let Some((_, what)) = REFUSED.iter().find(|(start, _)| content.starts_with(start)) {
        return Err(Refusal::Unsupported(what));
    }
    let ending = name.and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending.to_ascii_lowercase());
    text(content, ending.as_deref(), declared)
}

/// Which sort of text: as declared, or by its name where browsers declare nothing of use.
fn text(content: &[u8], ending: Option<&str>, declared: &str) -> Result<Kind, Refusal> {
    let is_html = || if looks_like_html(content) { Kind::Html } else { Kind::Text };
    match (declared, ending) {
        ("text/markdown" | "text/x-markdown", _) | (PLAIN | OCTETS | "", Some("md" | "markdown")) => Ok(Kind::Markdown),
        ("text/html" | "application/xhtml+xml", _) | (PLAIN | OCTETS | "", Some("html" | "htm" | "xhtml")) => {
            Ok(Kind::Html)
        }
        ("application/pdf" | DOCX, _) | (_, Some("pdf" | "docx")) => Err(Refusal::Mismatch),
        (PLAIN, _) | (OCTETS | "", Some("txt" | "text")) => Ok(is_html()),
        _ => Err(Refusal::Unknown),
    }
}

fn looks_like_html(content: &[u8]) -> bool {
    let start = content.get(..HTML_MARK_WITHIN).unwrap_or(content);
    // A UTF-16 text has a NUL in each of these letters.
    let start: Vec<u8> = start.iter().filter(|byte| **byte != 0).map(u8::to_ascii_lowercase).collect();
    let start = encoding::without_mark(&start).trim_ascii_start();
    start.starts_with(b"<!doctype html") || start.starts_with(b"<html")
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::{DOCX, Kind, Refusal, detect};

    /// Content, file name, declared type, and what it is.
    type Case<'a> = (&'a [u8], Option<&'a str>, &'a str, Result<Kind, Refusal>);

    #[test]
    fn the_content_decides_then_the_declared_type_then_the_name() {
        let word = b"PK\x03\x04....word/document.xml....";
        let table: [Case<'_>; 19] = [
            (b"# Title", None, "text/markdown", Ok(Kind::Markdown)),
            (b"# Title", Some("guide.MD"), "text/plain", Ok(Kind::Markdown)),
            (b"# Title", Some("guide.md"), "application/octet-stream", Ok(Kind::Markdown)),
            (b"words", Some("notes.txt"), "", Ok(Kind::Text)),
            (b"words", Some("page.htm"), "application/octet-stream", Ok(Kind::Html)),
            (b"words", None, "text/html", Ok(Kind::Html)),
            (b"\xef\xbb\xbf <!DOCTYPE html><p>x", None, "text/plain", Ok(Kind::Html)),
            (b"\xff\xfe<\0h\0t\0m\0l\0>\0", None, "text/plain", Ok(Kind::Html)),
            (b"%PDF-1.7", Some("guide.md"), "text/markdown", Ok(Kind::Pdf)),
            (b"\n\n%PDF-1.4", None, "", Ok(Kind::Pdf)),
            (word, Some("a.zip"), "application/zip", Ok(Kind::Docx)),
            (b"PK\x03\x04 xl/workbook.xml", Some("a.docx"), DOCX, Err(Refusal::Unsupported(super::ZIP))),
            (b"\xd0\xcf\x11\xe0", Some("a.doc"), "", Err(Refusal::Unsupported(super::OLD_OFFICE))),
            (b"\x89PNG\r\n", Some("a.txt"), "text/plain", Err(Refusal::Unsupported(super::BINARY))),
            (b"words", Some("a.pdf"), "", Err(Refusal::Mismatch)),
            (b"words", Some("guide.md"), "application/pdf", Err(Refusal::Mismatch)),
            (b"words", Some("a.docx"), DOCX, Err(Refusal::Mismatch)),
            (b"words", Some("tool.exe"), "application/octet-stream", Err(Refusal::Unknown)),
            (b"words", None, "", Err(Refusal::Unknown)),
        ];
        for (content, name, declared, expected) in table {
            assert_eq!(detect(content, name, declared), expected, "{name:?} {declared:?}");
        }
    }

    #[test]
    fn a_kind_is_found_again_by_its_media_type() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_media_type(kind.media_type()), kind);
        }
        assert_eq!(Kind::of_media_type("text/html; charset=windows-1256"), Kind::Html);
        assert_eq!(Kind::of_media_type("text/plain"), Kind::Text);
    }
}
