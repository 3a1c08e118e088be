//! A painted line → a line that reads.
//!
//! A PDF says where each letter is painted. Most programs paint Persian, Arabic and Hebrew as they paint everything, from
//! left to right, so that the first letter comes last. Here such lines are turned, with numbers and Latin words in them left
//! as they are: Unicode's rules for both directions, backwards.

use unicode_bidi::{BidiClass, bidi_class};
use unicode_normalization::UnicodeNormalization;

/// Wider than this part of a letter's height is a gap between words.
const GAP: f64 = 0.15;

/// A letter, or several that were painted as one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Glyph {
    /// Its left edge.
    pub(super) left: f64,
    /// Its right edge.
    pub(super) right: f64,
    /// Its height.
    pub(super) size: f64,
    /// What it says, in the order in which it is read.
    pub(super) text: String,
}

/// Which way a glyph goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Persian, Arabic, Hebrew.
    Left,
    /// Latin and most others.
    Right,
    /// Digits, which go right in either script.
    Number,
    /// What belongs to a number that it touches, such as `%`.
    Unit,
    /// What stands inside a number, such as a decimal point.
    Point,
    /// Spaces, brackets and the rest.
    Neutral,
}

/// The text of a line; its glyphs in the order in which they were painted.
pub(super) fn line(mut glyphs: Vec<Glyph>) -> String {
    if glyphs.iter().any(|glyph| way(glyph) == Way::Left) {
        glyphs.sort_by(|one, other| one.left.total_cmp(&other.left));
        glyphs = readable(&with_gaps(glyphs));
    } else {
        glyphs = with_gaps(glyphs);
    }
    let text: String = glyphs.iter().map(|glyph| glyph.text.as_str()).collect();
    tidy(&text)
}

/// One space between words, and letters in their plain forms.
fn tidy(text: &str) -> String {
    let plain: String = text.chars().flat_map(plain).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Shapes of letters (ligatures, and forms for the middle of a word) are the letters themselves; anything else stays.
fn plain(letter: char) -> Vec<char> {
    match letter {
        '\u{FB00}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' => std::iter::once(letter).nfkc().collect(),
        _ => vec![letter],
    }
}

/// A gap between two glyphs is a space, whether or not one was painted.
fn with_gaps(glyphs: Vec<Glyph>) -> Vec<Glyph> {
    let mut spaced: Vec<Glyph> = Vec::with_capacity(glyphs.len());
    for glyph in glyphs {
        if let Some(last) = spaced.last()
            && glyph.left - last.right > glyph.size * GAP
        {
            let (left, right) = (last.right, glyph.left);
            spaced.push(Glyph { left, right, size: glyph.size, text: " ".to_owned() });
        }
        spaced.push(glyph);
    }
    spaced
}

/// From the order of the eye to the order of reading.
fn readable(glyphs: &[Glyph]) -> Vec<Glyph> {
    if goes_left(glyphs) {
        return turned(glyphs);
    }
    let ways: Vec<Way> = glyphs.iter().map(way).collect();
    let (mut read, mut at) = (Vec::with_capacity(glyphs.len()), 0);
    while at < glyphs.len() {
        let end = if ways[at] == Way::Left { at + turned_run(&ways[at..]) } else { at + 1 };
        let run = &glyphs[at..end];
        read.extend(if ways[at] == Way::Left { turned(run) } else { run.to_vec() });
        at = end;
    }
    read
}

/// Whether a line as a whole goes left: by the letters at both its ends, or else by what it has more of.
fn goes_left(glyphs: &[Glyph]) -> bool {
    let letters: Vec<Way> = glyphs.iter().map(way).filter(|way| matches!(way, Way::Left | Way::Right)).collect();
    let left = letters.iter().filter(|way| **way == Way::Left).count();
    match (letters.first(), letters.last()) {
        (Some(first), Some(last)) if first == last => *first == Way::Left,
        _ => left * 2 >= letters.len(),
    }
}

/// As far as glyphs go left, with what stands between them.
fn turned_run(ways: &[Way]) -> usize {
    let end = ways.iter().position(|way| *way == Way::Right).unwrap_or(ways.len());
    ways[..end].iter().rposition(|way| *way == Way::Left).map_or(1, |last| last + 1)
}

/// The other way round, but for numbers and for words that go right. Brackets were painted as they look.
fn turned(glyphs: &[Glyph]) -> Vec<Glyph> {
    let mut read = Vec::with_capacity(glyphs.len());
    let mut end = glyphs.len();
    while end > 0 {
        let start = end - kept_run(&glyphs[..end]);
        let run = &glyphs[start..end];
        read.extend(run.iter().map(|glyph| if run.len() == 1 { mirrored(glyph) } else { glyph.clone() }));
        end = start;
    }
    read
}

/// How many of the last glyphs keep their order: words that go right with the numbers behind them, a number, or one glyph.
fn kept_run(glyphs: &[Glyph]) -> usize {
    let ways: Vec<Way> = glyphs.iter().rev().map(way).take_while(|way| *way != Way::Left).collect();
    let is_kept = match ways.as_slice() {
        [Way::Right | Way::Number, ..] | [Way::Unit, Way::Number, ..] => true,
        [Way::Left | Way::Unit | Way::Point | Way::Neutral, ..] | [] => false,
    };
    if !is_kept {
        return 1;
    }
    let words = ways.iter().rposition(|way| *way == Way::Right).map(|last| last + 1);
    words.unwrap_or_else(|| number_run(&ways))
}

/// A number with its points and units; a point before its first digit is none of it.
fn number_run(ways: &[Way]) -> usize {
    let inside = ways.iter().take_while(|way| matches!(way, Way::Number | Way::Unit | Way::Point)).count();
    ways[..inside].iter().rposition(|way| *way != Way::Point).map_or(1, |last| last + 1)
}

fn mirrored(glyph: &Glyph) -> Glyph {
    const PAIRS: [(&str, &str); 5] = [("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ("«", "»")];
    let other = PAIRS.iter().find_map(|(open, close)| match glyph.text.as_str() {
        text if text == *open => Some(*close),
        text if text == *close => Some(*open),
        _ => None,
    });
    other.map_or_else(|| glyph.clone(), |other| Glyph { text: other.to_owned(), ..glyph.clone() })
}

fn way(glyph: &Glyph) -> Way {
    let class = glyph.text.chars().next().map_or(BidiClass::WS, bidi_class);
    let ways: [(&[BidiClass], Way); 5] = [
        (&[BidiClass::R, BidiClass::AL], Way::Left),
        (&[BidiClass::L], Way::Right),
        (&[BidiClass::EN, BidiClass::AN], Way::Number),
        (&[BidiClass::ET], Way::Unit),
        (&[BidiClass::CS, BidiClass::ES], Way::Point),
    ];
    ways.iter().find(|(classes, _)| classes.contains(&class)).map_or(Way::Neutral, |(_, way)| *way)
}

#[cfg(test)]
mod tests {
    use super::{Glyph, line};

    /// A line as it is painted: each letter one wide, from left to right.
    fn painted(text: &str) -> Vec<Glyph> {
        let glyph = |(place, letter): (u32, char)| {
            let left = f64::from(place);
            Glyph { left, right: left + 1.0, size: 1.0, text: letter.to_string() }
        };
        (0..).zip(text.chars()).map(glyph).collect()
    }

    #[test]
    fn a_painted_line_reads_as_it_was_written() {
        let table = [
            ("The office opens at 9:30.", "The office opens at 9:30."),
            ("ﻪﻧﺎﺨﺑﺎﺘﮐ رﺎﮐ ﺖﻋﺎﺳ", "ساعت کار کتابخانه"),
            (".ﺖﺳا زﺎﺑ ۱۶ ﺎﺗ ۸:۳۰ ﺖﻋﺎﺳ", "ساعت ۸:۳۰ تا ۱۶ باز است."),
            ("ﺪﯿﻨﮐ ﺮﭘ ار (۱۲ هرﺎﻤﺷ) مﺮﻓ", "فرم (شماره ۱۲) را پر کنید"),
            ("ﺖﺳا Open API v2.1 ﺎﻣ", "ما Open API v2.1 است"),
            ("۲۰٪ ﻒﯿﻔﺨﺗ", "تخفیف ۲۰٪"),
            ("The word مﻼﺳ means peace", "The word سلام means peace"),
            ("oﬃce", "office"),
            ("", ""),
        ];
        for (eye, read) in table {
            assert_eq!(line(painted(eye)), read, "{eye}");
        }
    }

    #[test]
    fn a_line_that_is_painted_from_right_to_left_reads_the_same() {
        let mut glyphs = painted("رﺎﮐ ﺖﻋﺎﺳ");
        glyphs.reverse();
        assert_eq!(line(glyphs), "ساعت کار");
    }

    #[test]
    fn words_that_are_only_apart_are_two_words() {
        let mut glyphs = painted("onetwo");
        for glyph in glyphs.iter_mut().skip(3) {
            glyph.left += 0.5;
            glyph.right += 0.5;
        }
        assert_eq!(line(glyphs), "one two");
    }
}
