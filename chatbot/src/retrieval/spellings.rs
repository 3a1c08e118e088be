//! The inverse of [`normalise`](super::normalise): a pattern that finds a word in texts as they were written, whatever
//! keyboard wrote either.
//!
//! Conversations are searched in their own words, so that nothing has to be kept beside them, and what an earlier release
//! wrote is found too. Letters that become several (ß, ligatures) are found as they are typed only.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::normalise::normalise;

/// Where letters are that have several spellings: Latin, Greek, Cyrillic, Arabic and their presentation forms.
const BLOCKS: [std::ops::RangeInclusive<char>; 5] = [
    '!'..='\u{06FF}',
    '\u{1E00}'..='\u{1FFF}',
    // Marks that join letters, or keep them apart, and that nobody sees.
    '\u{200B}'..='\u{200F}',
    '\u{FB50}'..='\u{FEFF}',
    '\u{FF01}'..='\u{FF5E}',
];

/// Letters that become one, by what they become; and those that become nothing.
static SPELLINGS: LazyLock<(BTreeMap<char, String>, String)> = LazyLock::new(|| {
    let (mut letters, mut dropped) = (BTreeMap::<char, String>::new(), String::new());
    for letter in BLOCKS.into_iter().flatten() {
        let normalised = normalise(&letter.to_string());
        let mut rest = normalised.chars();
        match (rest.next(), rest.next()) {
            (None, _) => dropped.push(letter),
            (Some(normal), None) if normal != letter => letters.entry(normal).or_default().push(letter),
            (Some(_), _) => {}
        }
    }
    (letters, dropped)
});

/// A regular expression of PostgreSQL for a word in all its spellings, anywhere in a text; None for a word of which nothing
/// is left in the one spelling.
#[must_use]
pub fn pattern(word: &str) -> Option<String> {
    let (letters, dropped) = &*SPELLINGS;
    let one = |letter: char| match letters.get(&letter) {
        Some(others) => format!("[{}{others}]", escaped(letter)),
        None => escaped(letter),
    };
    let word: Vec<String> = normalise(word).chars().filter(|letter| !letter.is_control()).map(one).collect();
    (!word.is_empty()).then(|| word.join(&format!("[{dropped}]*")))
}

/// Letters and digits stand for themselves, and everything else too behind a backslash.
fn escaped(letter: char) -> String {
    if letter.is_alphanumeric() || !letter.is_ascii() { letter.to_string() } else { format!("\\{letter}") }
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn what_has_a_meaning_in_patterns_stands_for_itself() {
        let pattern = pattern("a.*(b").unwrap();
        for escaped in ["\\.", "\\*", "\\("] {
            assert!(pattern.contains(escaped), "{pattern}");
        }
    }

    #[test]
    fn a_letter_stands_for_all_its_spellings() {
        let yeh = pattern("ي").unwrap();
        assert!(['ی', 'ي', 'ى', 'ئ'].into_iter().all(|letter| yeh.contains(letter)), "{yeh}");
        assert_eq!(pattern("\u{200c}\u{064e}"), None, "nothing is left of marks alone");
    }
}
