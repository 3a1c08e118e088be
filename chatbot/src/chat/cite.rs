//! Which sources an answer cites: marks like [1], [1, 2] and [۱] in its text.

use super::Source;

/// A mark holds a few numbers; anything longer in brackets is text.
const MAX_MARK_CHARS: usize = 24;

/// Notes on each source whether the text cites it.
pub(super) fn cite(text: &str, sources: &mut [Source]) {
    let cited = marks(text);
    for source in sources {
        source.cited = cited.contains(&source.number);
    }
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
    use super::marks;

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
