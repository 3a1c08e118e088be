//! A document in pieces: small enough to be cited and to fit a prompt, cut at headings, paragraphs and sentences, and
//! each with the headings above it.

use text_splitter::{Characters, ChunkConfig, ChunkConfigError, MarkdownSplitter, TextSplitter};

/// Characters that a piece of plain text should have at least, where the text allows it.
const DESIRED: usize = 800;
/// The same for Markdown: a section under its own heading is about one thing, and better found and cited alone.
const DESIRED_SECTION: usize = 200;
/// Characters that a piece never exceeds.
const MAX: usize = 1000;
/// Characters that neighbours may share, so that no sentence is cut from its context.
const OVERLAP: usize = 120;
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
    /// The format of a media type; anything but Markdown is read as plain text.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Self {
        if media_type.starts_with("text/markdown") { Self::Markdown } else { Self::Plain }
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

/// Cuts a document into pieces, in order. A blank document has none.
///
/// # Errors
/// Never with the sizes above; the splitter wants it said.
pub fn pieces(text: &str, format: Format) -> Result<Vec<Piece>, ChunkConfigError> {
    let (headings, desired) = match format {
        Format::Markdown => (headings(text), DESIRED_SECTION),
        Format::Plain => (Vec::new(), DESIRED),
    };
    let config = config(desired)?;
    let piece = |cut: text_splitter::ChunkCharIndex<'_>| Piece {
        heading: path(&headings, cut.byte_offset + first_line_end(cut.chunk)),
        text: cut.chunk.to_owned(),
        start_char: cut.char_offset,
        end_char: cut.char_offset + cut.chunk.chars().count(),
    };
    Ok(match format {
        Format::Markdown => MarkdownSplitter::new(config).chunk_char_indices(text).map(piece).collect(),
        Format::Plain => TextSplitter::new(config).chunk_char_indices(text).map(piece).collect(),
    })
}

fn config(desired: usize) -> Result<ChunkConfig<Characters>, ChunkConfigError> {
    ChunkConfig::new(desired..MAX + 1).with_overlap(OVERLAP)
}

/// A piece that begins with its own heading stands below that heading.
fn first_line_end(chunk: &str) -> usize {
    chunk.find('\n').unwrap_or(chunk.len())
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

/// The headings in force at a place, outermost first.
fn path(headings: &[Heading<'_>], byte: usize) -> Option<String> {
    let mut path: Vec<&Heading<'_>> = Vec::new();
    for heading in headings.iter().take_while(|heading| heading.byte < byte) {
        path.retain(|outer| outer.level < heading.level);
        path.push(heading);
    }
    let titles: Vec<&str> = path.iter().map(|heading| heading.title).collect();
    (!titles.is_empty()).then(|| titles.join(SEPARATOR))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Format, MAX, pieces};

    const GUIDE: &str = "# Guide\n\nIntro.\n\n## Backup ##\n\nRun it.\n\n```sh\n# no heading\n```\n\n### Schedule\n\nDaily.\n\n## Restore\n\nAsk first.\n";

    #[test]
    fn every_piece_knows_the_headings_above_it() {
        let filler = "A sentence that fills the space. ".repeat(25);
        let text = GUIDE.replace("Daily.", &filler.repeat(2)).replace("Ask first.", &filler);
        let pieces = pieces(&text, Format::Markdown).unwrap();
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
    fn a_short_document_is_one_piece_and_a_blank_one_none() {
        assert_eq!(pieces("سلام دنیا", Format::Plain).unwrap().len(), 1);
        assert_eq!(pieces(" \n\t\n", Format::Markdown).unwrap(), []);
    }

    #[test]
    fn plain_text_has_no_headings() {
        assert_eq!(pieces("# not a heading\n\ntext", Format::Plain).unwrap()[0].heading, None);
    }

    proptest! {
        #[test]
        fn places_point_to_the_text_and_no_piece_is_too_long(
            paragraphs in proptest::collection::vec("[#\\-* ]{0,3}[a-zسلام可 .،\u{200c}\u{1f642}]{0,400}\n{1,3}", 0..12),
            markdown in any::<bool>(),
        ) {
            let text = paragraphs.concat();
            let letters: Vec<char> = text.chars().collect();
            for piece in pieces(&text, if markdown { Format::Markdown } else { Format::Plain }).unwrap() {
                let there: String = letters[piece.start_char..piece.end_char].iter().collect();
                prop_assert_eq!(&there, &piece.text);
                prop_assert!(piece.text.chars().count() <= MAX);
                prop_assert!(!piece.text.trim().is_empty());
            }
        }
    }
}
