//! A document in pieces: small enough to be cited and to fit a prompt, cut at headings, paragraphs and sentences, and
//! each with the headings above it. A section under a heading of its own is never joined with the next: it is about one
//! thing, and better found and cited alone.

use std::iter::Peekable;
use std::ops::Range;
use std::vec::IntoIter;

use crate::documents::Kind;
use text_splitter::{Characters, ChunkCharIndex, ChunkConfig, ChunkConfigError, MarkdownSplitter, TextSplitter};

/// Characters that a piece should have at least, where the text allows it.
const DESIRED: usize = 800;
/// Characters that a piece never exceeds.
const MAX: usize = 1000;
/// Characters that neighbours may share, so that no sentence is cut from its context.
const OVERLAP: usize = 120;
/// Pieces that one document may have: more would keep a worker busy beyond its deadline.
pub(super) const MAX_PIECES: usize = 20_000;
/// Bytes that are cut at once.
const WINDOW: usize = 32 << 10;
/// Headings below the sixth level do not exist in Markdown.
const LEVELS: usize = 6;
/// What stands between the headings of a path.
const SEPARATOR: &str = " > ";

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Headings, lists, code.
    Markdown,
    /// Paragraphs and sentences.
    Plain,
}

impl Format {
    /// The format of what is left of a document of this media type once it was read: all but plain text is Markdown then.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Self {
        match Kind::of_media_type(media_type) {
            Kind::Text => Self::Plain,
            Kind::Markdown | Kind::Html | Kind::Pdf | Kind::Docx => Self::Markdown,
        }
    }
}

/// One piece of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Headings above it, outermost first, joined by ` > `.
    pub heading: Option<String>,
    /// Exactly what the document says between `start_char` and `end_char`.
    pub text: String,
    /// First character of it in the document.
    pub start_char: usize,
    /// One past its last character.
    pub end_char: usize,
}

/// Cuts a document into pieces, in order and at most `limit`. A blank document has none.
///
/// # Errors
/// Never with the sizes above; the splitter wants it said.
pub fn pieces(text: &str, format: Format, limit: usize) -> Result<Vec<Piece>, ChunkConfigError> {
    let headings = match format {
        Format::Markdown => headings(text),
        Format::Plain => Vec::new(),
    };
    let windows = sections(text, &headings).into_iter().flat_map(|section| windows(text, section));
    let mut headings = Headings::new(headings);
    let (mut pieces, mut first_char) = (Vec::new(), 0);
    for window in windows {
        let part = &text[window.clone()];
        let piece = |cut: ChunkCharIndex<'_>| Piece {
            heading: headings.path(window.start + cut.byte_offset + behind_its_headings(cut.chunk)),
            text: cut.chunk.to_owned(),
            start_char: first_char + cut.char_offset,
            end_char: first_char + cut.char_offset + cut.chunk.chars().count(),
        };
        let (config, room) = (config()?, limit - pieces.len());
        match format {
            Format::Markdown => {
                pieces.extend(MarkdownSplitter::new(config).chunk_char_indices(part).map(piece).take(room));
            }
            Format::Plain => pieces.extend(TextSplitter::new(config).chunk_char_indices(part).map(piece).take(room)),
        }
        if pieces.len() == limit {
            break;
        }
        first_char += part.chars().count();
    }
    Ok(pieces)
}

/// From heading to heading. One with nothing below it but the next heading belongs to the section of that.
fn sections(text: &str, headings: &[Heading<'_>]) -> Vec<Range<usize>> {
    let (mut sections, mut start) = (Vec::new(), 0);
    for heading in headings {
        let section = &text[start..heading.byte];
        if behind_its_headings(section) < section.len() {
            sections.push(start..heading.byte);
            start = heading.byte;
        }
    }
    sections.push(start..text.len());
    sections
}

/// Parts of a section that are cut one after the other: for each piece the splitter looks at all that is left of its
/// text, so a long one has to come in parts. They end after a paragraph, a line or a letter.
fn windows(text: &str, section: Range<usize>) -> Vec<Range<usize>> {
    let (mut windows, mut start) = (Vec::new(), section.start);
    while section.end - start > WINDOW {
        let end = window_end(text, start);
        windows.push(start..end);
        start = end;
    }
    windows.push(start..section.end);
    windows
}

fn window_end(text: &str, start: usize) -> usize {
    let limit = text.floor_char_boundary(start + WINDOW);
    let after = |separator: &str| text[start..limit].rfind(separator).map(|place| start + place + separator.len());
    let ends = [after("\n\n"), after("\n"), after(" ")];
    ends.into_iter().flatten().find(|end| *end > start + WINDOW / 2).unwrap_or(limit)
}

fn config() -> Result<ChunkConfig<Characters>, ChunkConfigError> {
    ChunkConfig::new(DESIRED..MAX + 1).with_overlap(OVERLAP)
}

/// Where the first line begins that is neither blank nor a heading: a piece stands below the headings that it begins with.
fn behind_its_headings(text: &str) -> usize {
    let is_over = |line: &str| line.trim().is_empty() || heading(0, line.trim()).is_some();
    text.split_inclusive('\n').take_while(|line| is_over(line)).map(str::len).sum()
}

/// A heading and where its line begins.
struct Heading<'a> {
    byte: usize,
    level: usize,
    title: &'a str,
}

/// The headings of a Markdown text that are written with `#`, outside fenced code.
fn headings(text: &str) -> Vec<Heading<'_>> {
    let mut headings = Vec::new();
    let mut fence: Option<&str> = None;
    let mut byte = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        let marker = ["```", "~~~"].into_iter().find(|marker| trimmed.starts_with(marker));
        match (fence, marker) {
            (None, Some(marker)) => fence = Some(marker),
            (Some(open), Some(marker)) if open == marker => fence = None,
            (None, None) => headings.extend(heading(byte, trimmed)),
            (Some(_), Some(_) | None) => {}
        }
        byte += line.len();
    }
    headings
}

fn heading(byte: usize, line: &str) -> Option<Heading<'_>> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let rest = line.get(level..)?;
    let is_heading = (1..=LEVELS).contains(&level) && rest.starts_with([' ', '\t']);
    let title = rest.trim().trim_end_matches('#').trim_end();
    (is_heading && !title.is_empty()).then_some(Heading { byte, level, title })
}

/// Headings on the way through a text, each looked at once.
struct Headings<'a> {
    ahead: Peekable<IntoIter<Heading<'a>>>,
    /// Those in force, outermost first.
    open: Vec<Heading<'a>>,
}

impl<'a> Headings<'a> {
    fn new(headings: Vec<Heading<'a>>) -> Self {
        Self { ahead: headings.into_iter().peekable(), open: Vec::new() }
    }

    /// The headings in force at a place; places must not go back.
    fn path(&mut self, byte: usize) -> Option<String> {
        while let Some(heading) = self.ahead.next_if(|heading| heading.byte < byte) {
            self.open.retain(|outer| outer.level < heading.level);
            self.open.push(heading);
        }
        let titles: Vec<&str> = self.open.iter().map(|heading| heading.title).collect();
        (!titles.is_empty()).then(|| titles.join(SEPARATOR))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Format, MAX, MAX_PIECES, pieces};

    const GUIDE: &str = "# Guide\n\nIntro.\n\n## Backup ##\n\nRun it.\n\n```sh\n# no heading\n```\n\n### Schedule\n\nDaily.\n\n## Restore\n\nAsk first.\n";

    #[test]
    fn every_piece_knows_the_headings_above_it() {
        let filler = "A sentence that fills the space. ".repeat(25);
        let text = GUIDE.replace("Daily.", &filler.repeat(2)).replace("Ask first.", &filler);
        let pieces = pieces(&text, Format::Markdown, MAX_PIECES).unwrap();
        let heading_of = |start: &str| {
            let piece = pieces
                .iter()
                .find(|piece| piece.text.starts_with(start))
                .unwrap_or_else(|| panic!("no {start} in {pieces:#?}"));
            piece.heading.clone().unwrap()
        };
        assert_eq!(heading_of("# Guide"), "Guide");
        assert_eq!(heading_of("## Restore"), "Guide > Restore");
        assert!(
            pieces.iter().any(|piece| piece.heading.as_deref() == Some("Guide > Backup > Schedule")),
            "{pieces:#?}"
        );
    }

    #[test]
    fn a_section_is_a_piece_of_its_own_and_a_heading_without_text_belongs_to_the_next() {
        let text = "# Guide\n\n## Backup\n\nDaily.\n\n## Restore\n\nAsk first.\n\n## To be written\n";
        let pieces = pieces(text, Format::Markdown, MAX_PIECES).unwrap();
        let seen: Vec<_> = pieces.iter().map(|piece| (piece.heading.as_deref().unwrap(), piece.text.trim())).collect();
        let expected = [
            ("Guide > Backup", "# Guide\n\n## Backup\n\nDaily."),
            ("Guide > Restore", "## Restore\n\nAsk first."),
            ("Guide > To be written", "## To be written"),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_short_document_is_one_piece_and_a_blank_one_none() {
        assert_eq!(pieces("سلام دنیا", Format::Plain, MAX_PIECES).unwrap().len(), 1);
        assert_eq!(pieces(" \n\t\n", Format::Markdown, MAX_PIECES).unwrap(), []);
    }

    #[test]
    fn an_endless_document_is_cut_off_and_every_piece_before_knows_its_heading() {
        let section = |number: usize| format!("## Section {number}\n\n{}\n\n", "word ".repeat(60));
        let text: String = (0..50).map(section).collect();
        let pieces = pieces(&text, Format::Markdown, 40).unwrap();
        let headings: Vec<_> = pieces.into_iter().map(|piece| piece.heading.unwrap()).collect();
        let expected: Vec<_> = (0..40).map(|number| format!("Section {number}")).collect();
        assert_eq!(headings, expected);
    }

    #[test]
    fn a_long_document_loses_nothing_where_its_windows_meet() {
        let line = |number: usize| format!("Zeile {number}: سلام دنیا ist länger als ein Byte je Zeichen. ");
        for separator in ["\n\n", "\n", "", "\n\n# Kopf\n\n"] {
            let text: String = (0..2000).map(|number| line(number) + separator).collect();
            let letters: Vec<char> = text.chars().collect();
            for format in [Format::Markdown, Format::Plain] {
                let mut covered = 0;
                for piece in pieces(&text, format, MAX_PIECES).unwrap() {
                    let gap: String = letters[covered.min(piece.start_char)..piece.start_char].iter().collect();
                    assert!(gap.trim().is_empty(), "{format:?} {separator:?} lost {gap}");
                    assert_eq!(letters[piece.start_char..piece.end_char].iter().collect::<String>(), piece.text);
                    covered = piece.end_char;
                }
                assert!(covered + 2 + separator.len() >= letters.len());
            }
        }
    }

    #[test]
    fn plain_text_has_no_headings() {
        assert_eq!(pieces("# not a heading\n\ntext", Format::Plain, MAX_PIECES).unwrap()[0].heading, None);
    }

    proptest! {
        #[test]
        fn places_point_to_the_text_and_no_piece_is_too_long(
            paragraphs in proptest::collection::vec("[#\\-* ]{0,3}[a-zسلام可 .،\u{200c}\u{1f642}]{0,400}\n{1,3}", 0..12),
            markdown in any::<bool>(),
        ) {
            let text = paragraphs.concat();
            let letters: Vec<char> = text.chars().collect();
            for piece in pieces(&text, if markdown { Format::Markdown } else { Format::Plain }, MAX_PIECES).unwrap() {
                let there: String = letters[piece.start_char..piece.end_char].iter().collect();
                prop_assert_eq!(&there, &piece.text);
                prop_assert!(piece.text.chars().count() <= MAX);
                prop_assert!(!piece.text.trim().is_empty());
            }
        }
    }
}
