//! BM25 as sparse vectors: the document side carries saturated term frequencies, the query side counts words, and
//! Qdrant multiplies with the inverse document frequency of its collection (modifier `idf`), so that no statistics have
//! to be kept here.

use std::collections::BTreeMap;

use super::tokens::tokens;
use crate::vectors::SparseVector;

/// How quickly repeating a word stops to count.
const K1: f32 = 1.2;
/// How much a long text is held against it.
const B: f32 = 0.75;
/// Words of an ordinary chunk. A constant, because the true average changes with every document, and vectors that are
/// stored cannot follow it.
const AVERAGE_WORDS: f32 = 140.0;

/// The vector of a text to be found.
#[must_use]
pub fn document(text: &str) -> SparseVector {
    let words = tokens(text);
    #[expect(clippy::cast_precision_loss, reason = "a chunk has some hundred words")]
    let length = words.len() as f32;
    let damping = K1 * (1.0 - B + B * length / AVERAGE_WORDS);
    sparse(&words, |count| count * (K1 + 1.0) / (count + damping))
}

/// The vector of a question.
#[must_use]
pub fn query(text: &str) -> SparseVector {
    sparse(&tokens(text), |_| 1.0)
}

/// Two words of the same hash (one in 4 billion pairs) share a dimension, and their counts add up.
fn sparse(words: &[String], weight: impl Fn(f32) -> f32) -> SparseVector {
    let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
    for word in words {
        *counts.entry(hash(word)).or_default() += 1.0;
    }
    let (indices, values) = counts.into_iter().map(|(index, count)| (index, weight(count))).unzip();
    SparseVector { indices, values }
}

/// FNV-1a with murmur3's finish. Stored vectors depend on it: another hash means rebuilding the index.
fn hash(word: &str) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    for byte in word.bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{document, hash, query};

    #[test]
    fn hashes_never_change_because_stored_vectors_depend_on_them() {
        let table = [("", 0xab3e_7c0b), ("hello", 0x888d_766e), ("سلام", 0x863e_c34a)];
        for (word, expected) in table {
            assert_eq!(hash(word), expected, "{word}: {:#x}", hash(word));
        }
    }

    #[test]
    fn repeating_a_word_counts_less_each_time() {
        let weight = |text: &str| document(text).values[0];
        let (once, twice, thrice) = (weight("cat"), weight("cat cat"), weight("cat cat cat"));
        assert!(once < twice && twice < thrice, "{once} {twice} {thrice}");
        assert!(twice - once > thrice - twice, "{once} {twice} {thrice}");
    }

    #[test]
    fn a_word_in_a_long_text_weighs_less_than_in_a_short_one() {
        let long = format!("cat {}", "dog ".repeat(300));
        let index = query("cat").indices[0];
        let vector = document(&long);
        let place = vector.indices.binary_search(&index).unwrap();
        assert!(vector.values[place] < document("cat").values[0]);
    }

    #[test]
    fn question_and_text_share_dimensions_across_spellings() {
        assert_eq!(query("كتابهاي").indices, document("کتاب‌های").indices);
    }

    proptest! {
        #[test]
        fn indices_are_sorted_and_unique_and_weights_positive(text in "\\PC*") {
            let vector = document(&text);
            prop_assert!(vector.indices.is_sorted_by(|a, b| a < b));
            prop_assert_eq!(vector.indices.len(), vector.values.len());
            prop_assert!(vector.values.iter().all(|value| *value > 0.0 && value.is_finite()));
        }
    }
}
