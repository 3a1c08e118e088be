//! The chatbot's own answers, from the caller's documents. What was said before comes with the request; nothing is kept.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::Json;
use axum::response::{IntoResponse, Response};
use futures::{Stream, stream};
use uuid::Uuid;

use super::request::{CompletionRequest, Message, Role};
use super::sse;
use super::wire::{Chunk, Completion, Head};
use crate::chat::ports::{Memory, Speaker, Turn};
use crate::chat::{Answer, Event, FinishReason, MAX_QUESTION_CHARS, Question};
use crate::http::extract::Caller;
use crate::http::openai::error::Refusal;
use crate::http::state::Http;
use crate::http::v1::Answering;

pub(super) async fn answer(http: &Http, caller: Caller, request: &CompletionRequest) -> Result<Response, Refusal> {
    plain(request)?;
    let id = Uuid::now_v7();
    let head = Head { id: format!("chatcmpl-{}", id.simple()), created: http.app.clock.now().as_second() };
    let Asked { question, history } = asked(&request.messages)?;
    let question = Question {
        text: question,
        message_id: id,
        wishes: wishes(&request.messages)?,
        max_tokens: Some(request.longest(http.app.llm.max_tokens())),
    };
    let answering = Answering::begin(http, caller.user_id, Given(history), question).await?;
    if request.is_stream() {
        return Ok(sse::response(chunks(answering, head, request.wants_usage())));
    }
    let answer = answered(answering.whole().await?)?;
    Ok(Json(Completion::new(head, answer)).into_response())
}

/// What the chatbot does not do in its own answers.
fn plain(request: &CompletionRequest) -> Result<(), Refusal> {
    let other = "the model `chatbot` does not read it; ask the upstream's model by its name (GET /v1/models)";
    if request.tools.as_ref().is_some_and(|tools| !tools.is_empty()) {
        return Err(Refusal::unsupported("tools", other));
    }
    let format = request.response_format.as_ref().and_then(|format| format.get("type"));
    if format.is_some_and(|kind| kind != "text") {
        return Err(Refusal::unsupported("response_format", other));
    }
    Ok(())
}

/// The question, and what was said before it.
struct Asked {
    question: String,
    history: Vec<Turn>,
}

fn asked(messages: &[Message]) -> Result<Asked, Refusal> {
    let (last, before) = messages.split_last().ok_or_else(|| Refusal::invalid("messages", "send a question"))?;
    if last.role != Role::User {
        return Err(Refusal::invalid("messages", "the last message must be the user's question"));
    }
    let question = words(last)?.trim().to_owned();
    if !(1..=MAX_QUESTION_CHARS).contains(&question.chars().count()) {
        return Err(Refusal::invalid("messages", format!("ask in 1 to {MAX_QUESTION_CHARS} characters")));
    }
    let turns = before.iter().filter_map(turn);
    Ok(Asked { question, history: turns.collect::<Result<_, _>>()? })
}

/// What was said; None of what is a wish.
fn turn(message: &Message) -> Option<Result<Turn, Refusal>> {
    let speaker = match message.role {
        Role::User => Speaker::Person,
        Role::Assistant => Speaker::Chatbot,
        Role::System | Role::Developer => return None,
        Role::Tool => return Some(Err(Refusal::unsupported("messages", "the model `chatbot` calls no tools"))),
    };
    Some(words(message).map(|text| Turn { speaker, text }))
}

/// The system's messages: they come after the chatbot's own rules.
fn wishes(messages: &[Message]) -> Result<Option<String>, Refusal> {
    let system = messages.iter().filter(|message| matches!(message.role, Role::System | Role::Developer));
    let wishes = system.map(words).collect::<Result<Vec<String>, _>>()?.join("\n");
    if wishes.chars().count() > MAX_QUESTION_CHARS {
        let message = format!("the system's messages have more than {MAX_QUESTION_CHARS} characters together");
        return Err(Refusal::invalid("messages", message));
    }
    Ok(Some(wishes).filter(|wishes| !wishes.trim().is_empty()))
}

fn words(message: &Message) -> Result<String, Refusal> {
    let Some(content) = &message.content else { return Ok(String::new()) };
    content.text().ok_or_else(|| Refusal::unsupported("messages", "the model `chatbot` reads texts only"))
}

/// An answer that broke off is no answer to a program, whatever was said instead.
fn answered(answer: Answer) -> Result<Answer, Refusal> {
    match answer.finish_reason {
        FinishReason::Stop | FinishReason::Length | FinishReason::Stopped | FinishReason::Cancelled => Ok(answer),
        FinishReason::Error => Err(Refusal::Unanswered),
    }
}

/// What was said before, as the request tells it.
struct Given(Vec<Turn>);

impl Memory for Given {
    type Error = Infallible;

    async fn recall(&self, turns: usize) -> Result<Vec<Turn>, Self::Error> {
        Ok(self.0[self.0.len().saturating_sub(turns)..].to_vec())
    }

    async fn remember_question(&self, _text: &str) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn remember_answer(&self, _answer: &Answer) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// The chunks of an answer, while it is made.
fn chunks(
    answering: Answering<Infallible>,
    head: Head,
    wants_usage: bool,
) -> impl Stream<Item = Result<Chunk, Refusal>> + Send {
    let state = (Some(answering), VecDeque::new());
    stream::unfold(state, move |(mut answering, mut queue): (Option<Answering<Infallible>>, VecDeque<_>)| {
        let head = head.clone();
        async move {
            while queue.is_empty() {
                let event = answering.as_mut()?.next().await;
                if matches!(event, Some(Event::Done(_)) | None) {
                    answering = None;
                }
                queue.extend(parts(&head, event, wants_usage));
            }
            queue.pop_front().map(|chunk| (chunk, (answering, queue)))
        }
    })
}

fn parts(head: &Head, event: Option<Event>, wants_usage: bool) -> Vec<Result<Chunk, Refusal>> {
    match event {
        Some(Event::Start) => Vec::new(),
        Some(Event::Sources(sources)) => vec![Ok(Chunk::begin(head, sources))],
        Some(Event::Token(text)) => vec![Ok(Chunk::words(head, text))],
        Some(Event::Done(answer)) => match answered(answer) {
            Ok(answer) => {
                let usage = answer.usage.filter(|_| wants_usage).map(|usage| Chunk::usage(head, usage));
                std::iter::once(Chunk::end(head, &answer)).chain(usage).map(Ok).collect()
            }
            Err(refusal) => vec![Err(refusal)],
        },
        None => vec![Err(Refusal::Unanswered)],
    }
}
