//! One answer: recall → retrieve → prompt → generate → cite → remember.
//!
//! Nothing here knows HTTP or SQL: what it needs from outside are the three [`ports`]. What is missing of them is made
//! up for as far as possible: without the index an answer comes without sources and says so; without the model it is
//! the best passages in plain words.

mod answer;
mod apology;
mod audience;
mod cite;
mod event;
mod generate;
pub mod language;
pub mod ports;
mod prompt;
mod recall;
mod rehearse;
mod retrieve;
#[cfg(test)]
mod tests;

pub use answer::{Question, answer};
pub use audience::Audience;
pub use event::{Answer, Event, FinishReason, Service, Source};
pub use prompt::MAX_QUESTION_CHARS;
pub use rehearse::rehearse;
