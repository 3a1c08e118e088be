//! Scripts: what the next requests get.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Bodies that are kept; more would let a long test fill the memory.
const KEPT_REQUESTS: usize = 1000;
/// Stands for every model that has no script of its own.
const ANY: &str = "any";

/// What the requests for a model get, in order; the last step repeats.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Script {
    /// The model's name, or `any`.
    #[serde(default = "any")]
    pub model: String,
    /// One step per request.
    pub steps: Vec<Step>,
}

/// What one request gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Step {
    /// These words, one token at a time.
    Answer {
        /// The words.
        text: String,
        /// Milliseconds before each token.
        #[serde(default)]
        token_delay_ms: u64,
    },
    /// The model asks for a function to be called.
    ToolCall {
        /// The function's name.
        name: String,
        /// Its arguments, a JSON text.
        arguments: String,
    },
    /// A status instead of an answer.
    Status {
        /// The HTTP status.
        status: u16,
        /// Words for the error's body.
        #[serde(default)]
        message: String,
        /// Seconds for the header Retry-After.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// The connection breaks in mid-answer.
    Cut {
        /// The words.
        text: String,
        /// Tokens before the break.
        after: usize,
    },
    /// Silence in mid-answer.
    Stall {
        /// The words.
        text: String,
        /// Tokens before the silence.
        after: usize,
    },
    /// No answer at all.
    Hang,
    /// A chunk that is no JSON.
    Malformed {
        /// The words.
        text: String,
        /// Tokens before the chunk.
        after: usize,
    },
    /// An error inside the stream.
    Failure {
        /// The words.
        text: String,
        /// Tokens before the error.
        after: usize,
        /// The error's words.
        message: String,
    },
}

fn any() -> String {
    ANY.to_owned()
}

/// The scripts in force, and what was asked so far.
#[derive(Default)]
pub(crate) struct Stage {
    scripts: Mutex<HashMap<String, Vec<Step>>>,
    requests: Mutex<Vec<Value>>,
}

impl Stage {
    pub(crate) fn set(&self, script: Script) {
        let mut steps = script.steps;
        // Taken from the end.
        steps.reverse();
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner).insert(script.model, steps);
    }

    /// The step for a request for this model; None when no script says anything.
    pub(crate) fn next(&self, model: &str) -> Option<Step> {
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        let model = if scripts.contains_key(model) { model } else { ANY };
        let steps = scripts.get_mut(model)?;
        if steps.len() > 1 { steps.pop() } else { steps.first().cloned() }
    }

    pub(crate) fn record(&self, body: &Value) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() == KEPT_REQUESTS {
            requests.remove(0);
        }
        requests.push(body.clone());
    }

    pub(crate) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn forget(&self) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{Script, Stage, Step};

    #[test]
    fn steps_come_in_order_and_the_last_repeats() {
        let stage = Stage::default();
        let answer = |text: &str| Step::Answer { text: text.to_owned(), token_delay_ms: 0 };
        stage.set(Script { model: "any".to_owned(), steps: vec![Step::Hang, answer("a"), answer("b")] });
        stage.set(Script { model: "other".to_owned(), steps: vec![answer("c")] });
        let told: Vec<Option<Step>> = (0..4).map(|_| stage.next("m")).collect();
        assert_eq!(told, [Some(Step::Hang), Some(answer("a")), Some(answer("b")), Some(answer("b"))]);
        assert_eq!(stage.next("other"), Some(answer("c")));
        stage.set(Script { model: "any".to_owned(), steps: Vec::new() });
        assert_eq!(stage.next("m"), None);
    }
}
