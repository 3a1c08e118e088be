//! A question that nobody asked: whether an answer can be made at all, known before a user wants one.

use std::convert::Infallible;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::ports::{Library, Memory, Model, Turn};
use super::{Answer, Audience, Question, answer};

const QUESTION: &str = "Are you there? Answer in one word.";
const EVENTS: usize = 16;

/// Someone who was told nothing and keeps nothing.
struct Nobody;

impl Memory for Nobody {
    type Error = Infallible;

    async fn recall(&self, _turns: usize) -> Result<Vec<Turn>, Self::Error> {
        Ok(Vec::new())
    }

    async fn remember_question(&self, _text: &str) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn remember_answer(&self, _answer: &Answer) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Answers a question from this library by this model, on the way of every answer, and keeps nothing of it.
pub async fn rehearse(library: &impl Library, model: &impl Model) -> Answer {
    let question = Question::new(QUESTION.to_owned(), Uuid::now_v7());
    let (sender, mut events) = mpsc::channel(EVENTS);
    let audience = Audience::new(sender, CancellationToken::new());
    let answering = async {
        let answered = answer(&Nobody, library, model, &question, &audience).await;
        drop(audience);
        answered
    };
    let listening = async { while events.recv().await.is_some() {} };
    let (Ok(answer), ()) = tokio::join!(answering, listening);
    answer
}
