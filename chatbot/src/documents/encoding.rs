//! Bytes of a text → the text.
//!
//! What is valid UTF-8 is UTF-8, whatever it is called: bytes of another encoding hardly ever are by chance. Beyond that an
//! encoding must be named, by a byte order mark, the client, or the page itself; none is guessed, because a wrong guess is a
//! document that nobody finds.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// A page names its encoding within so many bytes.
const NAMED_WITHIN: usize = 1024;

/// Why bytes are no text. Each message is what the document's owner is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// Not UTF-8, and nothing says what else.
    #[error(
        "the text is not in UTF-8, and names no other encoding: save it as UTF-8, or upload it with its encoding, as in `Content-Type: text/plain; charset=windows-1256`"
    )]
    Unnamed,
    /// A name that nobody knows.
    #[error("the text names an encoding that does not exist: save it as UTF-8")]
    Unknown,
    /// The bytes are not in the encoding that was named.
    #[error("the text is not in the encoding {0} that it names: save it as UTF-8")]
    Wrong(&'static str),
    /// NUL characters.
    #[error("the document holds NUL characters: it is no text")]
    NotText,
}

/// The text; `charset` is what the client says of its encoding.
///
/// # Errors
/// See [`EncodingError`].
pub fn decode(bytes: &[u8], charset: Option<&str>, is_html: bool) -> Result<String, EncodingError> {
    let text = decoded(bytes, charset, is_html)?;
    if text.contains('\0') { Err(EncodingError::NotText) } else { Ok(text) }
}

fn decoded(bytes: &[u8], charset: Option<&str>, is_html: bool) -> Result<String, EncodingError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return as_named(bytes.get(mark..).unwrap_or_default(), encoding);
    }
    let by_client = charset.map(|label| Encoding::for_label(label.trim().as_bytes()).ok_or(EncodingError::Unknown));
    if let Some(Ok(encoding)) = by_client
        && (encoding == UTF_16LE || encoding == UTF_16BE)
    {
        return as_named(bytes, encoding);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.to_owned());
    }
    let by_page = || is_html.then(|| by_page(bytes)).flatten();
    as_named(bytes, by_client.or_else(by_page).unwrap_or(Err(EncodingError::Unnamed))?)
}

fn as_named(bytes: &[u8], encoding: &'static Encoding) -> Result<String, EncodingError> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(std::borrow::Cow::into_owned).ok_or(EncodingError::Wrong(encoding.name()))
}

/// What a page says of itself: `<meta charset="…">`, in either form.
fn by_page(bytes: &[u8]) -> Option<Result<&'static Encoding, EncodingError>> {
    let start = bytes.get(..NAMED_WITHIN).unwrap_or(bytes).to_ascii_lowercase();
    let start = String::from_utf8_lossy(&start).into_owned();
    let (_, behind) = start.split_once("charset=")?;
    let is_inside = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | ':' | '.' | '+');
    let behind = behind.trim_start_matches(['"', '\'', ' ']);
    let label = behind.split(|letter| !is_inside(letter)).next().unwrap_or_default();
    Some(Encoding::for_label(label.as_bytes()).ok_or(EncodingError::Unknown))
}

/// The bytes without a byte order mark that was left of its NULs.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    marks.iter().find_map(|mark| bytes.strip_prefix(*mark)).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::{EncodingError, decode};

    const SALAM: &[u8] = b"\xd3\xe1\xc7\xe3";

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    /// Content, the encoding that the client named, whether it is a page, and what is read.
    type Case<'a> = (&'a [u8], Option<&'a str>, bool, Result<&'a str, EncodingError>);

    #[test]
    fn a_text_is_read_in_the_encoding_that_somebody_names() {
        let page = [b"<meta charset=\"windows-1256\"><p>".as_slice(), SALAM].concat();
        let old_page = [b"<meta content='text/html; charset=windows-1256'><p>".as_slice(), SALAM].concat();
        let marked = [b"\xff\xfe".to_vec(), utf16("سلام")].concat();
        let table: [Case<'_>; 12] = [
            ("سلام".as_bytes(), None, false, Ok("سلام")),
            ("سلام".as_bytes(), Some("windows-1256"), false, Ok("سلام")),
            ("\u{feff}سلام".as_bytes(), None, false, Ok("سلام")),
            (&marked, None, false, Ok("سلام")),
            (&utf16("سلام"), Some("utf-16le"), false, Ok("سلام")),
            (SALAM, Some("windows-1256"), false, Ok("سلام")),
            (&page, None, true, Ok("<meta charset=\"windows-1256\"><p>سلام")),
            (&old_page, None, true, Ok("<meta content='text/html; charset=windows-1256'><p>سلام")),
            (SALAM, None, true, Err(EncodingError::Unnamed)),
            (SALAM, Some("klingon"), false, Err(EncodingError::Unknown)),
            (SALAM, Some("utf-8"), false, Err(EncodingError::Wrong("UTF-8"))),
            (b"a\0b", None, false, Err(EncodingError::NotText)),
        ];
        for (bytes, charset, is_html, expected) in table {
            assert_eq!(decode(bytes, charset, is_html), expected.map(str::to_owned), "{charset:?} {bytes:?}");
        }
    }
}
