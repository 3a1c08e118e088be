//! Which sources an answer rests on: those of its marks, like [1], [1, 2] and [۱]; and for sentences without a mark,
//! which models forget, the source that says the same in its own words.

use std::collections::BTreeSet;

use unicode_segmentation::UnicodeSegmentation;

use super::Source;
use crate::retrieval::tokens::tokens;

/// A mark holds a few numbers; anything longer in brackets is text.
const MAX_MARK_CHARS: usize = 24;
/// Shorter words stand in every text; numbers say something however short.
const MIN_LETTERS: usize = 4;
/// A sentence of fewer words may come from anywhere.
const MIN_WORDS: usize = 3;

/// Notes on each source whether the text rests on it.
pub(super) fn cite(text: &str, sources: &mut [Source]) {
    let unmarked = text.unicode_sentences().filter(|sentence| marks(sentence).is_empty());
    let echoed: Vec<u32> = unmarked.filter_map(|sentence| echoed(sentence, sources)).collect();
    let marked = marks(text);
    for source in sources {
        source.cited = marked.contains(&source.number) || echoed.contains(&source.number);
    }
}

/// The source that holds most of a sentence's words, and at least three quarters of them.
fn echoed(sentence: &str, sources: &[Source]) -> Option<u32> {
    let words = words(sentence);
    let shared = |source: &Source| {
        let heading = source.heading.as_deref().unwrap_or_default();
        words.intersection(&self::words(&format!("{heading}\n{}", source.text))).count()
    };
    let counted = sources.iter().map(|source| (shared(source), source.number));
    // Of equals the first: it was found to fit the question better.
    let (count, number) = counted.rev().max_by_key(|(count, _)| *count)?;
    (words.len() >= MIN_WORDS && count * 4 >= words.len() * 3).then_some(number)
}

fn words(text: &str) -> BTreeSet<String> {
    let says_something = |word: &String| word.chars().count() >= MIN_LETTERS || word.chars().any(char::is_numeric);
    tokens(text).into_iter().filter(says_something).collect()
}

/// The numbers in the marks of a text, in order of appearance.
fn marks(text: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    for part in text.split('[').skip(1) {
        let Some((mark, _)) = part.split_once(']') else { continue };
        if mark.chars().count() <= MAX_MARK_CHARS {
            numbers.extend(mark_numbers(mark).unwrap_or_default());
        }
    }
    numbers
}

/// The numbers of one mark; None when it holds anything else.
fn mark_numbers(mark: &str) -> Option<Vec<u32>> {
    let ascii = crate::retrieval::normalise::normalise(mark);
    ascii.split([',', '،', ';', ' ']).filter(|part| !part.is_empty()).map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::{Source, ports::Passage};
    use super::{cite, marks};

    fn source(number: u32, heading: &str, text: &str) -> Source {
        let (chunk_id, title) = (Uuid::nil(), "backups.md".to_owned());
        let (heading, text) = (Some(heading.to_owned()), text.to_owned());
        Source::new(
            number,
            Passage { chunk_id, document_id: chunk_id, title, heading, text, start_char: 0, end_char: 1 },
        )
    }

    #[test]
    fn a_source_is_cited_by_its_mark_or_by_a_sentence_that_says_the_same() {
        let sources = [
            source(1, "How long", "In production, backups are kept for 30 days. Staging keeps them for 7 days."),
            source(2, "Who may read a backup", "Only the on-call engineer holds the key."),
        ];
        let table: [(&str, &[u32]); 9] = [
            ("For 30 days [1].", &[1]),
            ("Backups are kept for 30 days in production.", &[1]),
            ("Backups are kept for 30 days.", &[1]),
            ("The on-call engineer may read a backup.", &[2]),
            ("Backups are kept in production. The on-call engineer holds the key.", &[1, 2]),
            ("The on-call engineer may read a backup [1].", &[1]),
            ("Backups in production are compressed, encrypted and copied elsewhere.", &[]),
            ("Thirty days.", &[]),
            ("I do not know.", &[]),
        ];
        for (text, expected) in table {
            let mut sources = sources.clone();
            cite(text, &mut sources);
            let cited: Vec<u32> = sources.iter().filter(|source| source.cited).map(|source| source.number).collect();
            assert_eq!(cited, expected, "{text}");
        }
    }

    #[test]
    fn marks_are_read_in_every_form_that_models_write() {
        let table: [(&str, &[u32]); 9] = [
            ("At nine [1].", &[1]),
            ("Both [1][3] say so.", &[1, 3]),
            ("Both [1, 2] say so.", &[1, 2]),
            ("ساعت نه [۱، ۲].", &[1, 2]),
            ("الساعة [٣].", &[3]),
            ("No mark, [see above] or [link](x).", &[]),
            ("Unclosed [1", &[]),
            ("Nested [[2]]", &[2]),
            ("Too large [99999999999999]", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(marks(text), expected, "{text}");
        }
    }
}
