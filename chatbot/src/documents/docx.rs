//! DOCX: a ZIP archive with a text in XML. Read as a stream, with what unpacks counted: a small archive can hold gigabytes.

use std::{
    collections::HashMap,
    io::{self, BufReader, Cursor, Read},
};

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use zip::ZipArchive;

use super::parse::{MAX_TEXT, ParseError};

/// Bytes of one part that are unpacked.
const MAX_UNPACKED: u64 = 96 << 20;
/// Headings below the sixth level do not exist in Markdown.
const LEVELS: usize = 6;

/// The text with headings, lists and tables as Markdown.
pub(super) fn text(content: &[u8]) -> Result<String, ParseError> {
    let mut archive = ZipArchive::new(Cursor::new(content)).map_err(|_error| ParseError::Broken)?;
    let levels = levels(&mut archive)?;
    let mut body = Body { levels, ..Body::default() };
    let is_there = read(&mut archive, "word/document.xml", |event| body.take(event))?;
    if is_there { Ok(body.text) } else { Err(ParseError::Broken) }
}

/// Which styles are headings, and of which level. Their ids differ by the language of the program that wrote them.
fn levels(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Result<HashMap<String, usize>, ParseError> {
    let (mut levels, mut id) = (HashMap::new(), String::new());
    read(archive, "word/styles.xml", |event| {
        if let Event::Start(tag) | Event::Empty(tag) = event {
            match tag.local_name().as_ref() {
                b"style" => id = attribute(tag, b"styleId"),
                b"name" => {
                    if let Some(level) = level(&attribute(tag, b"val")) {
                        levels.insert(std::mem::take(&mut id), level);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    })?;
    Ok(levels)
}

/// The level of a style by its name, which is English in every document.
fn level(name: &str) -> Option<usize> {
    let name = name.to_ascii_lowercase();
    if name == "title" {
        return Some(1);
    }
    let level = name.strip_prefix("heading")?.trim().parse().ok()?;
    (1..=LEVELS).contains(&level).then_some(level)
}

/// Reads one part of the archive; false when it is not there.
fn read(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    part: &str,
    mut take: impl FnMut(&Event<'_>) -> Result<(), ParseError>,
) -> Result<bool, ParseError> {
    let Ok(file) = archive.by_name(part) else { return Ok(false) };
    let mut reader = Reader::from_reader(BufReader::new(Counted { inner: file, left: MAX_UNPACKED }));
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => return Ok(true),
            Ok(event) => take(&event)?,
            Err(quick_xml::Error::Io(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
                return Err(ParseError::Unpacked);
            }
            Err(_) => return Err(ParseError::Broken),
        }
        buffer.clear();
    }
}

/// A reader that refuses to go on after so many bytes.
struct Counted<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let left = self.left.checked_sub(u64::try_from(count).unwrap_or(u64::MAX));
        self.left = left.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok(count)
    }
}

/// The body of a document, as far as it was read.
#[derive(Default)]
struct Body {
    text: String,
    levels: HashMap<String, usize>,
    paragraph: String,
    level: Option<usize>,
    is_item: bool,
    /// Cells of the open row; None outside of tables.
    row: Option<Vec<String>>,
    /// Inside an element whose text counts.
    is_text: bool,
    /// The run is not shown to readers.
    is_hidden: bool,
    /// Open elements that repeat what is said elsewhere.
    repeats: usize,
}

impl Body {
    fn take(&mut self, event: &Event<'_>) -> Result<(), ParseError> {
        match event {
            Event::Start(tag) => self.open(tag),
            Event::Empty(tag) => {
                self.open(tag);
                self.close(tag.local_name().as_ref());
            }
            Event::End(tag) => self.close(tag.local_name().as_ref()),
            Event::Text(text) => self.say(&text.decode().map_err(|_error| ParseError::Broken)?),
            Event::CData(text) => self.say(&text.decode().map_err(|_error| ParseError::Broken)?),
            Event::GeneralRef(name) => {
                let letter = name.resolve_char_ref().map_err(|_error| ParseError::Broken)?;
                // Entities that a document defines for itself are never unfolded.
                let name = name.decode().map_err(|_error| ParseError::Broken)?;
                let known = quick_xml::escape::resolve_predefined_entity(&name).unwrap_or_default();
                self.say(&letter.map_or_else(|| known.to_owned(), String::from));
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Eof => {}
        }
        if self.text.len() + self.paragraph.len() > MAX_TEXT { Err(ParseError::TooMuchText) } else { Ok(()) }
    }

    fn open(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            b"p" => {
                self.level = None;
                self.is_item = false;
            }
            b"pStyle" => self.level = self.level_of(&attribute(tag, b"val")),
            b"outlineLvl" => self.level = attribute(tag, b"val").parse().ok().map(|level: usize| level + 1),
            b"numPr" => self.is_item = true,
            b"r" => self.is_hidden = false,
            b"vanish" => self.is_hidden = !matches!(attribute(tag, b"val").as_str(), "0" | "false"),
            b"t" => self.is_text = true,
            b"tab" => self.white(' '),
            b"br" | b"cr" => self.white('\n'),
            b"tr" => self.row = Some(Vec::new()),
            b"Fallback" => self.repeats += 1,
            _ => {}
        }
    }

    fn close(&mut self, name: &[u8]) {
        match name {
            b"t" => self.is_text = false,
            b"p" => self.end_paragraph(),
            b"tc" => {
                let cell = std::mem::take(&mut self.paragraph);
                if let Some(row) = &mut self.row {
                    row.push(cell.trim().to_owned());
                }
            }
            b"tr" => {
                let row = self.row.take().unwrap_or_default();
                self.text.push_str(&row.join(" | "));
                self.text.push('\n');
            }
            b"tbl" => self.text.push('\n'),
            b"Fallback" => self.repeats = self.repeats.saturating_sub(1),
            _ => {}
        }
    }

    fn level_of(&self, style: &str) -> Option<usize> {
        self.levels.get(style).copied().or_else(|| level(style))
    }

    fn say(&mut self, text: &str) {
        if self.is_text && !self.is_hidden && self.repeats == 0 {
            self.paragraph.push_str(text);
        }
    }

    fn white(&mut self, letter: char) {
        if !self.is_hidden && self.repeats == 0 {
            self.paragraph.push(letter);
        }
    }

    fn end_paragraph(&mut self) {
        if self.row.is_some() {
            // A cell may have several.
            self.paragraph.push(' ');
            return;
        }
        let paragraph = std::mem::take(&mut self.paragraph);
        let paragraph = paragraph.trim();
        if paragraph.is_empty() {
            return;
        }
        let start = match self.level {
            Some(level @ 1..=LEVELS) => format!("{} ", "#".repeat(level)),
            Some(_) | None => if self.is_item { "- " } else { "" }.to_owned(),
        };
        let end = if self.is_item { "\n" } else { "\n\n" };
        self.text.extend([&start, paragraph, end]);
    }
}

/// An attribute of this local name; empty when there is none.
fn attribute(tag: &BytesStart<'_>, name: &[u8]) -> String {
    let mut attributes = tag.attributes();
    let found = attributes.with_checks(false).flatten().find(|attribute| attribute.key.local_name().as_ref() == name);
    found.map(|attribute| String::from_utf8_lossy(&attribute.value).into_owned()).unwrap_or_default()
}
