//! Which of the community's languages a text is in, as far as the chatbot's own sentences need to know.

/// A language that the chatbot's own sentences exist in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Persian.
    Persian,
    /// Arabic.
    Arabic,
    /// English, and every language that there are no sentences for.
    English,
}

const PERSIAN_WORDS: [&str; 14] =
    ["است", "را", "که", "از", "به", "در", "چه", "چرا", "کی", "چیست", "این", "آن", "برای", "چگونه"];
const ARABIC_WORDS: [&str; 14] =
    ["في", "من", "ما", "ماذا", "هل", "هو", "هي", "على", "إلى", "كيف", "متى", "أين", "هذا", "التي"];

impl Language {
    /// The language of a text: by its script first, then by letters that only one of the two has, then by common words.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let arabic_script = text.chars().filter(|letter| matches!(letter, '\u{0620}'..='\u{06D3}')).count();
        let latin = text.chars().filter(char::is_ascii_alphabetic).count();
        if arabic_script == 0 || latin > 2 * arabic_script {
            return Self::English;
        }
        if letters_and_words(text, is_persian_letter, &PERSIAN_WORDS)
            >= letters_and_words(text, is_arabic_letter, &ARABIC_WORDS)
        {
            Self::Persian
        } else {
            Self::Arabic
        }
    }
}

fn letters_and_words(text: &str, is_letter: impl Fn(char) -> bool, words: &[&str]) -> usize {
    let letters = text.chars().filter(|letter| is_letter(*letter)).count();
    let words = text.split(|letter: char| !letter.is_alphabetic()).filter(|word| words.contains(word)).count();
    // A word says more than a letter, which may come from a foreign keyboard.
    letters + 3 * words
}

const fn is_persian_letter(letter: char) -> bool {
    matches!(letter, 'پ' | 'چ' | 'ژ' | 'گ' | 'ک' | 'ی' | '\u{200c}' | '۰'..='۹')
}

const fn is_arabic_letter(letter: char) -> bool {
    matches!(letter, 'ة' | 'ى' | 'ي' | 'ك' | 'إ' | 'أ' | '\u{064B}'..='\u{0652}' | '٠'..='٩')
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn each_language_is_known_by_a_plain_question() {
        let table = [
            ("How do I restore a backup?", Language::English),
            ("Wie stelle ich das her?", Language::English),
            ("چگونه نسخهٔ پشتیبان را بازگردانم؟", Language::Persian),
            ("ساعت کار دفتر چیست", Language::Persian),
            ("سلام", Language::Persian),
            ("كتاب را از كجا بخرم", Language::Persian),
            ("كيف أستعيد النسخة الاحتياطية؟", Language::Arabic),
            ("ما هي ساعات العمل", Language::Arabic),
            ("متى يفتح المكتب", Language::Arabic),
            ("API key را چگونه بسازم؟", Language::Persian),
            ("Translate سلام into English, please", Language::English),
            ("", Language::English),
        ];
        for (text, expected) in table {
            assert_eq!(Language::of(text), expected, "{text}");
        }
    }
}
