//! The content of one document → its text, with headings as Markdown.
//!
//! Runs in a child process (`chatbot parse`): what a hostile document does to its memory, time or stack ends that process
//! and nothing else.

use super::{Kind, docx, encoding, html, pdf};

/// Bytes of text that one document may give: more would be more parts than a document may have.
pub const MAX_TEXT: usize = 40 << 20;
/// The first exit code of `chatbot parse` that means something.
const FIRST_CODE: u8 = 64;

/// Why a document has no text that can be used. Each message is what its owner is told, with what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.for_owner())]
pub enum ParseError {
    /// No encoding fits.
    Encoding,
    /// NUL characters.
    NotText,
    /// Damaged, or not what it is said to be.
    Broken,
    /// It cannot be read without a password.
    Protected,
    /// Pictures of text, most likely.
    NoText,
    /// More pages than are read.
    TooManyPages,
    /// More text than is kept.
    TooMuchText,
    /// A small file that becomes a huge one.
    Unpacked,
    /// The child took all its memory, or its stack.
    TooMuchMemory,
    /// The child took all its time.
    TooSlow,
}

impl ParseError {
    const ALL: [Self; 10] = [
        Self::Encoding,
        Self::NotText,
        Self::Broken,
        Self::Protected,
        Self::NoText,
        Self::TooManyPages,
        Self::TooMuchText,
        Self::Unpacked,
        Self::TooMuchMemory,
        Self::TooSlow,
    ];

    /// What the child ends with.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        FIRST_CODE + self as u8
    }

    /// What a child meant that ended so.
    #[must_use]
    pub fn of_exit_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|error| i32::from(error.exit_code()) == code)
    }

    /// What the owner is told.
    #[must_use]
    pub const fn for_owner(self) -> &'static str {
        match self {
            Self::Encoding => {
                "the text is in another encoding than it says, or names none: save it as UTF-8 and upload it again"
            }
            Self::NotText => "the document holds NUL characters: it is no text",
            Self::Broken => "the file is damaged or not what its name says: open it, save it anew and upload it again",
            Self::Protected => "the document is protected by a password: save it without one and upload it again",
            Self::NoText => {
                "the document has no text: if it was scanned, run a text recognition (OCR) over it and upload it again"
            }
            Self::TooManyPages => "the document has more than 5000 pages: split it into smaller files",
            Self::TooMuchText => "the document has more than 40 MiB of text: split it into smaller files",
            Self::Unpacked => {
                "the file unpacks to far more than a document has: save it anew without pictures and attachments, or split it"
            }
            Self::TooMuchMemory => {
                "reading the document takes more memory than there is for one, or it is nested too deeply: save it anew without pictures, or split it"
            }
            Self::TooSlow => {
                "reading the document took too long and was stopped: save it anew, or split it into smaller files"
            }
        }
    }
}

impl From<encoding::EncodingError> for ParseError {
    fn from(error: encoding::EncodingError) -> Self {
        match error {
            encoding::EncodingError::NotText => Self::NotText,
            encoding::EncodingError::Unnamed | encoding::EncodingError::Unknown | encoding::EncodingError::Wrong(_) => {
                Self::Encoding
            }
        }
    }
}

/// The text of a document; `charset` is what the client said of its encoding.
///
/// # Errors
/// See [`ParseError`]. A document that was made to harm may also end the process.
pub fn parse(kind: Kind, charset: Option<&str>, content: &[u8]) -> Result<String, ParseError> {
    let text = match kind {
        Kind::Text | Kind::Markdown => encoding::decode(content, charset, false)?,
        Kind::Html => html::text(&encoding::decode(content, charset, true)?),
        Kind::Docx => docx::text(content)?,
        Kind::Pdf => pdf::text(content)?,
    };
    if text.len() > MAX_TEXT {
        return Err(ParseError::TooMuchText);
    }
    if text.trim().is_empty() { Err(ParseError::NoText) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::ParseError;

    #[test]
    fn every_error_is_found_again_by_its_exit_code() {
        for error in ParseError::ALL {
            assert_eq!(ParseError::of_exit_code(error.exit_code().into()), Some(error));
        }
        for code in [0, 1, 2, 101, 255] {
            assert_eq!(ParseError::of_exit_code(code), None, "{code}");
        }
    }
}
