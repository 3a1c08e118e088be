//! Passages for a question, and what had to be done without.

use super::ports::{Findings, Library, Passage, Speaker, Turn};
use super::{Service, Source};
use crate::retrieval::tokens::tokens;

/// Passages that are offered to the model.
const PASSAGES: usize = 5;
/// A question of so few words leans on the one before ("and on Fridays?").
const FEW_WORDS: usize = 4;

/// What retrieval brought.
#[derive(Debug, Default)]
pub(super) struct Retrieved {
    pub(super) sources: Vec<Source>,
    /// The service that was missing, if any.
    pub(super) missing: Option<Service>,
}

/// Searches; trouble is no reason not to answer.
pub(super) async fn retrieve(library: &impl Library, question: &str, history: &[Turn]) -> Retrieved {
    match library.find(&query(question, history), PASSAGES).await {
        Ok(Findings { passages, words_only }) => {
            Retrieved { sources: numbered(passages), missing: words_only.then_some(Service::Embedding) }
        }
        Err(error) => {
            tracing::warn!(%error, "answering without sources");
            Retrieved { sources: Vec::new(), missing: Some(Service::Qdrant) }
        }
    }
}

/// A short follow-up is searched together with the question that it follows.
fn query(question: &str, history: &[Turn]) -> String {
    let before = history.iter().rev().find(|turn| turn.speaker == Speaker::Person);
    match before {
        Some(turn) if tokens(question).len() < FEW_WORDS => format!("{}\n{question}", turn.text),
        Some(_) | None => question.to_owned(),
    }
}

fn numbered(passages: Vec<Passage>) -> Vec<Source> {
    (1..).zip(passages).map(|(number, passage)| Source::new(number, passage)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Speaker, Turn, query};

    #[test]
    fn only_a_short_question_takes_the_one_before_along() {
        let history = [
            Turn { speaker: Speaker::Person, text: "When does the office open?".to_owned() },
            Turn { speaker: Speaker::Chatbot, text: "At nine.".to_owned() },
        ];
        assert_eq!(query("And on Fridays?", &history), "When does the office open?\nAnd on Fridays?");
        let long = "Where do I find the office on Fridays?";
        assert_eq!(query(long, &history), long);
        assert_eq!(query("And on Fridays?", &[]), "And on Fridays?");
    }
}
