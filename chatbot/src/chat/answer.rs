//! The main path of an answer.

use uuid::Uuid;

use super::audience::Audience;
use super::generate::{Ending, Spoken, generate};
use super::language::Language;
use super::ports::{Library, Memory, Model, Turn};
use super::retrieve::{Retrieved, retrieve};
use super::{Answer, Event, FinishReason, Service, Source, apology, cite, prompt, recall};

/// Sources that a model is offered for which all of them are too long.
const FEW: usize = 2;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The words.
    pub text: String,
    /// Identity that the answer's message will have.
    pub message_id: Uuid,
    /// What whoever asks wishes of every answer, such as a tone; the chatbot's own rules come first.
    pub wishes: Option<String>,
    /// Longest answer, in tokens; never more than the configuration allows.
    pub max_tokens: Option<u32>,
}

impl Question {
    /// A question without wishes.
    #[must_use]
    pub const fn new(text: String, message_id: Uuid) -> Self {
        Self { text, message_id, wishes: None, max_tokens: None }
    }
}

/// Answers a question, telling the audience as it goes. When nobody listens any more, or somebody asks it to, it stops,
/// and keeps what was said until then.
///
/// # Errors
/// The memory's: a question that cannot be kept is not answered.
pub async fn answer<M: Memory>(
    memory: &M,
    library: &impl Library,
    model: &impl Model,
    question: &Question,
    audience: &Audience,
) -> Result<Answer, M::Error> {
    let history = recall::fitting(memory.recall(recall::TURNS).await?);
    memory.remember_question(&question.text).await?;
    audience.tell(Event::Start).await;
    let retrieved = retrieve(library, &question.text, &history).await;
    audience.tell(Event::Sources(retrieved.sources.clone())).await;
    let preface = preface(question, &retrieved);
    if !preface.is_empty() {
        audience.tell(Event::Token(preface.to_owned())).await;
    }
    let spoken = speak(model, question, &history, &retrieved.sources, audience).await;
    let addition = addition(question, &retrieved, &spoken);
    if !addition.is_empty() {
        audience.tell(Event::Token(addition.clone())).await;
    }
    let text = format!("{preface}{}{addition}", spoken.text);
    let answer = conclude(question, retrieved, text, spoken, model.name());
    if !answer.text.trim().is_empty() {
        memory.remember_answer(&answer).await?;
    }
    audience.tell(Event::Done(answer.clone())).await;
    Ok(answer)
}

/// The model's words. When the whole prompt is too long for the model it is asked once more, with what matters most.
async fn speak(
    model: &impl Model,
    question: &Question,
    history: &[Turn],
    sources: &[Source],
    audience: &Audience,
) -> Spoken {
    let spoken = generate(model, &prompt::prompt(question, history, sources), audience).await;
    let best = &sources[..sources.len().min(FEW)];
    if spoken.ending != Ending::TooLong || (history.is_empty() && best.len() == sources.len()) {
        return spoken;
    }
    generate(model, &prompt::prompt(question, &[], best), audience).await
}

/// What the chatbot itself says before the model's words.
fn preface(question: &Question, retrieved: &Retrieved) -> &'static str {
    match retrieved.missing {
        Some(Service::Qdrant) => apology::without_sources(Language::of(&question.text)),
        Some(Service::Embedding | Service::Llm) | None => "",
    }
}

/// What the chatbot itself says after the model's words, or in their place.
fn addition(question: &Question, retrieved: &Retrieved, spoken: &Spoken) -> String {
    let language = Language::of(&question.text);
    match spoken.ending {
        Ending::Failed if spoken.is_silent() => apology::instead_of_an_answer(language, &retrieved.sources),
        Ending::Failed => apology::cut_off(language).to_owned(),
        Ending::TooLong => apology::too_long(language).to_owned(),
        Ending::Complete { .. } | Ending::Cancelled | Ending::Stopped => String::new(),
    }
}

fn conclude(question: &Question, retrieved: Retrieved, text: String, spoken: Spoken, model_name: &str) -> Answer {
    let Retrieved { mut sources, missing } = retrieved;
    cite::cite(&text, &mut sources);
    let asked = (!spoken.is_silent()).then(|| model_name.to_owned());
    // A model that reads no more than it can is not missing.
    let silent_model = (spoken.ending == Ending::Failed).then_some(Service::Llm);
    let (finish_reason, usage, model) = match spoken.ending {
        Ending::Complete { reason, usage, model } => (reason, usage, model.or(asked)),
        Ending::Failed | Ending::TooLong => (FinishReason::Error, None, asked),
        Ending::Cancelled => (FinishReason::Cancelled, None, asked),
        Ending::Stopped => (FinishReason::Stopped, None, asked),
    };
    let missing = missing.into_iter().chain(silent_model).collect();
    Answer { message_id: question.message_id, text, sources, finish_reason, usage, model, missing }
}
