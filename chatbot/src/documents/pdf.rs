//! PDF: letters with places → lines, paragraphs and pages.

use pdf_extract::{Document, Error, MediaBox, Object, OutputDev, OutputError, Transform, output_doc_page};

use super::{
    order::{self, Glyph},
    parse::{MAX_TEXT, ParseError},
};

/// Pages that are read.
const MAX_PAGES: usize = 5000;
/// A letter that is further up or down than this part of its height stands on another line.
const SAME_LINE: f64 = 0.5;
/// Lines that are further apart than so many heights are two paragraphs.
const SAME_PARAGRAPH: f64 = 1.9;

/// The text page by page, each under a heading with its number.
pub(super) fn text(content: &[u8]) -> Result<String, ParseError> {
    // What the file says of itself saves reading a huge one; what it holds is counted below.
    let said = Document::load_metadata_mem(content).map_or(0, |metadata| metadata.page_count);
    if usize::try_from(said).unwrap_or(MAX_PAGES) > MAX_PAGES {
        return Err(ParseError::TooManyPages);
    }
    let mut document = Document::load_mem(content).map_err(|error| broken(&error))?;
    // Many are encrypted so that nobody edits them, and open without a password: those are decrypted by now.
    if document.trailer.get(b"Encrypt").is_ok() {
        return Err(ParseError::Protected);
    }
    let pages = document.page_iter().take(MAX_PAGES + 1).count();
    match pages {
        0 => return Err(ParseError::Broken),
        count if count > MAX_PAGES => return Err(ParseError::TooManyPages),
        _ => {}
    }
    drop_pictures(&mut document);
    let mut paper = Paper::default();
    for number in (1..).take(pages) {
        output_doc_page(&document, &mut paper, number).map_err(|_error| ParseError::Broken)?;
        if paper.text.len() > MAX_TEXT {
            return Err(ParseError::TooMuchText);
        }
    }
    Ok(paper.text)
}

fn broken(error: &Error) -> ParseError {
    if matches!(error, Error::InvalidPassword | Error::Decryption(_)) {
        ParseError::Protected
    } else {
        ParseError::Broken
    }
}

/// Pictures hold most of a file's bytes and none of its text, and the library would look for some in them.
fn drop_pictures(document: &mut Document) {
    for object in document.objects.values_mut() {
        if let Ok(stream) = object.as_stream_mut()
            && stream.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|name| name == b"Image")
        {
            stream.set_content(Vec::new());
        }
    }
}

/// What was written so far.
#[derive(Default)]
struct Paper {
    text: String,
    page: u32,
    is_page_named: bool,
    line: Vec<Glyph>,
    /// Where the line stands.
    baseline: f64,
    /// Where the line before it stood, on the same page.
    before: Option<f64>,
}

impl Paper {
    fn finish_line(&mut self) {
        let size = self.line.iter().map(|glyph| glyph.size).fold(0.0, f64::max);
        let line = order::line(std::mem::take(&mut self.line));
        if line.is_empty() {
            return;
        }
        if !self.is_page_named {
            self.is_page_named = true;
            self.text.extend(["# Page ", &self.page.to_string(), "\n\n"]);
        }
        let is_apart = self.before.is_some_and(|before| (before - self.baseline).abs() > size * SAME_PARAGRAPH);
        if is_apart {
            self.text.push('\n');
        }
        self.text.push_str(&line);
        self.text.push('\n');
        self.before = Some(self.baseline);
    }
}

impl OutputDev for Paper {
    fn begin_page(
        &mut self,
        number: u32,
        _media_box: &MediaBox,
        _art_box: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        self.page = number;
        self.is_page_named = false;
        self.before = None;
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        self.finish_line();
        if self.is_page_named {
            self.text.push('\n');
        }
        Ok(())
    }

    fn output_character(
        &mut self,
        place: &Transform,
        width: f64,
        _spacing: f64,
        font_size: f64,
        text: &str,
    ) -> Result<(), OutputError> {
        let scale = (place.m11 * place.m22 - place.m12 * place.m21).abs().sqrt();
        let size = scale * font_size;
        if !self.line.is_empty() && (place.m32 - self.baseline).abs() > size * SAME_LINE {
            self.finish_line();
        }
        if self.line.is_empty() {
            self.baseline = place.m32;
        }
        self.line.push(Glyph { left: place.m31, right: place.m31 + width * size, size, text: text.to_owned() });
        if self.text.len() + self.line.len() > MAX_TEXT {
            return Err(OutputError::FormatError(std::fmt::Error));
        }
        Ok(())
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}
