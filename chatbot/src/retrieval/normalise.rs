//! One spelling for what people type in several ways, so that a search finds a text whatever keyboard wrote either of
//! them.
//!
//! | difference | becomes |
//! |---|---|
//! | compatibility and presentation forms (ﻻ, ｶ, ﬁ) | the plain letters (NFKD, composed again at the end) |
//! | case, ß, final sigma | lower case, ss, σ |
//! | Arabic yeh ي, alef maksura ى, yeh with hamza ئ | Persian yeh ی |
//! | Arabic kaf ك, swash kaf ڪ | Persian keheh ک |
//! | alef with madda, hamza or wasla (آ أ إ ٱ), waw with hamza ؤ | the bare letter |
//! | teh marbuta ة, heh with yeh above ۀ, ae ە, heh goal ہ | heh ه |
//! | Persian and Arabic-Indic digits, separators ٫ ٬ | ASCII |
//! | typographic apostrophes ’ ʼ | ' |
//! | short vowels, tatweel, accents | nothing |
//! | ZWNJ and other invisible characters, so that می‌روم is میروم | nothing |
//!
//! The result is for matching only; people are always shown the text as it was written.

use unicode_normalization::UnicodeNormalization;

/// The text in its one spelling. Doing it twice changes nothing.
#[must_use]
pub fn normalise(text: &str) -> String {
    let mut normalised = String::with_capacity(text.len());
    let letters = text.nfkd().flat_map(char::to_lowercase).nfkd().filter(|letter| !is_dropped(*letter));
    for letter in letters {
        match letter {
            'ß' => normalised.push_str("ss"),
            letter => normalised.push(fold(letter)),
        }
    }
    normalised.nfc().collect()
}

/// Letters that are told apart by keyboards, not by people.
const fn fold(letter: char) -> char {
    match letter {
        'ς' => 'σ',
        'ي' | 'ى' | 'ے' => 'ی',
        'ك' | 'ڪ' => 'ک',
        'ٱ' => 'ا',
        'ة' | 'ە' | 'ہ' | 'ۃ' | 'ھ' => 'ه',
        '\u{2019}' | '\u{02BC}' => '\'',
        '٫' => '.',
        '٬' => ',',
        letter => digit(letter),
    }
}

/// Arabic-Indic and Persian digits in ASCII.
const fn digit(letter: char) -> char {
    let code = letter as u32;
    let ascii = match code {
        0x0660..=0x0669 => code - 0x0660 + 0x30,
        0x06F0..=0x06F9 => code - 0x06F0 + 0x30,
        other => other,
    };
    match char::from_u32(ascii) {
        Some(letter) => letter,
        None => letter,
    }
}

/// Marks that may or may not be written, and characters that nobody sees.
const fn is_dropped(letter: char) -> bool {
    matches!(letter,
        // Accents (after decomposition), of Latin, Greek and Cyrillic.
        '\u{0300}'..='\u{036F}'
        // Arabic: signs above, short vowels and hamza marks, superscript alef, Quranic marks, tatweel.
        | '\u{0610}'..='\u{061A}' | '\u{064B}'..='\u{065F}' | '\u{0670}'
        | '\u{06D6}'..='\u{06DC}' | '\u{06DF}'..='\u{06E4}' | '\u{06E7}' | '\u{06E8}' | '\u{06EA}'..='\u{06ED}'
        | '\u{0640}'
        // Soft hyphen, Arabic letter mark, zero-width characters, direction marks, joiners, byte order mark.
        | '\u{00AD}' | '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::normalise;

    #[test]
    fn spellings_that_people_do_not_tell_apart_become_one() {
        let table = [
            ("Persian yeh and kaf", "كتابي", "کتابی"),
            ("alef maksura", "موسى", "موسی"),
            ("ZWNJ", "می\u{200c}روم", "میروم"),
            ("plural with ZWNJ", "کتاب\u{200c}ها", "کتابها"),
            ("alef with hamza and madda", "أحمد إلى آب ٱلله", "احمد الی اب الله"),
            ("waw and yeh with hamza", "مؤسسة مسئول", "موسسه مسیول"),
            ("heh with yeh above, both encodings", "خانۀ خانه\u{0654}", "خانه خانه"),
            ("teh marbuta", "مدرسة", "مدرسه"),
            ("short vowels", "مُحَمَّدٌ", "محمد"),
            ("tatweel", "ســـلام", "سلام"),
            ("Persian digits", "۱۴۰۳", "1403"),
            ("Arabic-Indic digits", "١٤٠٣", "1403"),
            ("Persian decimal separator", "۳٫۱۴", "3.14"),
            ("presentation forms", "ﻻ ﺳﻼﻡ", "لا سلام"),
            ("direction marks", "\u{200f}سلام\u{202c}", "سلام"),
            ("case and accents", "CAFÉ Straße ΟΔΟΣ", "cafe strasse οδοσ"),
            ("typographic apostrophe", "Hafez’s", "hafez's"),
            ("full width", "ＡＢＣ１２", "abc12"),
            ("ligature", "ﬁle", "file"),
            ("Turkish capital", "İzmir", "izmir"),
            ("Korean is composed again", "한국", "한국"),
            ("Hindi keeps its vowel signs", "हिन्दी", "हिन्दी"),
        ];
        for (what, written, expected) in table {
            assert_eq!(normalise(written), expected, "{what}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC*") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once);
        }

        #[test]
        fn any_mix_of_arabic_letters_and_marks_is_stable(text in "[\u{0600}-\u{06FF}\u{200B}-\u{200F}\u{FB50}-\u{FDFF}\u{FE70}-\u{FEFF}a-zA-Z ]*") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once);
        }
    }
}
