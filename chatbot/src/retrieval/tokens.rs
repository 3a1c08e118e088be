//! Words of a text, normalised and lightly stemmed, the same at index and query time.
//!
//! The stemming is small on purpose: it joins what Persian writes apart or together at will, and strips plurals and
//! articles that would keep a question from its answer. It errs alike on both sides, so an odd stem still matches
//! itself.

use unicode_segmentation::UnicodeSegmentation;

use super::normalise::normalise;

/// Longer words are keys or noise; their beginning tells them apart well enough.
const MAX_LETTERS: usize = 40;
/// A stem shorter than this says too little.
const MIN_STEM: usize = 3;
/// Verb prefixes that are written joined, with a ZWNJ, or apart.
const PREFIXES: [&str; 2] = ["می", "نمی"];
/// Plural and comparative endings that are written joined, with a ZWNJ, or apart.
const DETACHED_ENDINGS: [&str; 8] = ["ها", "های", "هایی", "هایم", "هایت", "هایش", "تر", "ترین"];
const PERSIAN_PLURALS: [&str; 6] = ["هایی", "هایم", "هایت", "هایش", "های", "ها"];
const ARABIC_ARTICLES: [&str; 5] = ["وال", "بال", "کال", "فال", "ال"];

/// The words of `text` in order, ready for hashing.
#[must_use]
pub fn tokens(text: &str) -> Vec<String> {
    let normalised = normalise(text);
    join_detached(normalised.unicode_words()).into_iter().map(|word| stem(&word)).collect()
}

/// «می روم» and «کتاب ها» become one word each, as they are with a ZWNJ.
fn join_detached<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    let mut prefix = None;
    for word in words {
        if let Some(prefix) = prefix.take() {
            joined.push(format!("{prefix}{word}"));
        } else if PREFIXES.contains(&word) {
            prefix = Some(word);
        } else if DETACHED_ENDINGS.contains(&word)
            && let Some(last) = joined.last_mut()
        {
            last.push_str(word);
        } else {
            joined.push(word.to_owned());
        }
    }
    joined.extend(prefix.map(str::to_owned));
    joined
}

fn stem(word: &str) -> String {
    let word: String = word.chars().take(MAX_LETTERS).collect();
    match word.chars().next() {
        Some('\u{0600}'..='\u{06FF}') => stem_arabic_script(&word).to_owned(),
        Some(_) if word.is_ascii() => stem_english(word),
        Some(_) | None => word,
    }
}

/// Strips one article in front and one plural ending behind.
fn stem_arabic_script(word: &str) -> &str {
    let bare = ARABIC_ARTICLES.iter().find_map(|article| word.strip_prefix(article)).filter(|rest| is_stem(rest));
    let word = bare.unwrap_or(word);
    let singular = PERSIAN_PLURALS.iter().find_map(|plural| word.strip_suffix(plural)).filter(|rest| is_stem(rest));
    singular.unwrap_or(word)
}

/// Strips a plural s and a possessive; nothing else, so that names survive.
fn stem_english(mut word: String) -> String {
    if let Some(owner) = word.strip_suffix("'s") {
        return owner.to_owned();
    }
    if let Some(root) = word.strip_suffix("ies").filter(|root| is_stem(root)) {
        return format!("{root}y");
    }
    let is_plural = word.ends_with('s') && !["ss", "us", "is"].iter().any(|ending| word.ends_with(ending));
    if is_plural && is_stem(&word[..word.len() - 1]) {
        word.pop();
    }
    word
}

fn is_stem(text: &str) -> bool {
    text.chars().count() >= MIN_STEM
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[test]
    fn a_question_meets_its_answer_whatever_way_both_are_written() {
        let table = [
            ("می\u{200c}روم", "می روم"),
            ("نمي‌خواهم", "نمیخواهم"),
            ("کتاب‌های", "كتاب ها"),
            ("کتابها", "کتاب"),
            ("الكتاب", "كتاب"),
            ("والمدرسة", "مدرسه"),
            ("بزرگ‌ترین", "بزرگترین"),
            ("documents", "Document"),
            ("policies", "policy"),
            ("Hafez's", "hafez"),
            ("سال ۱۴۰۳", "سال 1403"),
        ];
        for (one, other) in table {
            assert_eq!(tokens(one), tokens(other), "{one} and {other}");
        }
    }

    #[test]
    fn words_that_only_look_like_plurals_or_articles_stay_whole() {
        for word in ["class", "status", "analysis", "bus", "الگو", "آنها"] {
            assert_eq!(tokens(word), [super::normalise(word)], "{word}");
        }
    }

    #[test]
    fn punctuation_is_no_word_and_endless_words_are_cut() {
        assert_eq!(tokens("سلام، دنیا! (hello)"), ["سلام", "دنیا", "hello"]);
        assert_eq!(tokens("…؟!"), Vec::<String>::new());
        assert_eq!(tokens(&"x".repeat(500)), ["x".repeat(super::MAX_LETTERS)]);
    }

    #[test]
    fn a_prefix_at_the_end_of_a_text_is_kept() {
        assert_eq!(tokens("او می"), ["او", "می"]);
    }
}
