//! Answers from fakes: what is told, in which order, and what is kept, whatever is missing.

use std::sync::Mutex;

use futures::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::ports::{Findings, Library, Memory, Model, Passage, Speaker, Turn};
use super::{Answer, Audience, Event, FinishReason, Question, Service, answer};
use crate::llm::{Delta, Deltas, End, LlmError, Request, Usage};

/// Keeps everything; fails when told to.
#[derive(Default)]
struct Notebook {
    history: Vec<Turn>,
    questions: Mutex<Vec<String>>,
    answers: Mutex<Vec<Answer>>,
    torn: bool,
}

impl Memory for Notebook {
    type Error = &'static str;

    async fn recall(&self, turns: usize) -> Result<Vec<Turn>, Self::Error> {
        Ok(self.history.iter().rev().take(turns).rev().cloned().collect())
    }

    async fn remember_question(&self, text: &str) -> Result<(), Self::Error> {
        if self.torn {
            return Err("the notebook is torn");
        }
        self.questions.lock().unwrap().push(text.to_owned());
        Ok(())
    }

    async fn remember_answer(&self, answer: &Answer) -> Result<(), Self::Error> {
        self.answers.lock().unwrap().push(answer.clone());
        Ok(())
    }
}

/// Finds what it was given, or is closed.
#[derive(Clone)]
struct Shelf(Result<Findings, &'static str>);

impl Library for Shelf {
    type Error = &'static str;

    async fn find(&self, _question: &str, limit: usize) -> Result<Findings, Self::Error> {
        let mut findings = self.0.clone()?;
        findings.passages.truncate(limit);
        Ok(findings)
    }
}

/// Notes what it is asked, and says nothing.
#[derive(Default)]
struct Listener(Mutex<Vec<Request>>);

impl Model for Listener {
    fn name(&self) -> &'static str {
        "listener"
    }

    async fn ask(&self, request: &Request) -> Result<Deltas, LlmError> {
        self.0.lock().unwrap().push(request.clone());
        Err(LlmError::Interrupted)
    }
}

/// Says its lines, then ends as told.
#[derive(Clone, Copy)]
enum Parrot {
    Says(&'static [&'static str]),
    Dumb,
    FallsSilentAfter(&'static [&'static str]),
    NeverEnds(&'static [&'static str]),
}

impl Model for Parrot {
    fn name(&self) -> &'static str {
        "parrot"
    }

    async fn ask(&self, _request: &Request) -> Result<Deltas, LlmError> {
        let text =
            |words: &'static [&'static str]| stream::iter(words.iter().map(|word| Ok(Delta::Text((*word).to_owned()))));
        let usage = Some(Usage { prompt_tokens: 20, completion_tokens: 3 });
        let end = Delta::End(End { finish_reason: "stop".to_owned(), usage, model: None });
        match *self {
            Self::Says(words) => Ok(Box::pin(text(words).chain(stream::iter([Ok(end)])))),
            Self::Dumb => Err(LlmError::Unauthorized),
            Self::FallsSilentAfter(words) => {
                Ok(Box::pin(text(words).chain(stream::iter([Err(LlmError::Interrupted)]))))
            }
            Self::NeverEnds(words) => Ok(Box::pin(text(words).chain(stream::pending()))),
        }
    }
}

/// Can read so many characters, and notes what it is asked.
struct Narrow(usize, Mutex<Vec<Request>>);

impl Model for Narrow {
    fn name(&self) -> &'static str {
        "narrow"
    }

    async fn ask(&self, request: &Request) -> Result<Deltas, LlmError> {
        self.1.lock().unwrap().push(request.clone());
        if request.messages.iter().map(|message| message.content.len()).sum::<usize>() > self.0 {
            return Err(LlmError::PromptTooLong("the context is full".to_owned()));
        }
        Parrot::Says(&["At nine [1]."]).ask(request).await
    }
}

fn passage(number: u8, title: &str, text: &str) -> Passage {
    Passage {
        chunk_id: Uuid::from_bytes([number; 16]),
        document_id: Uuid::from_bytes([0xd0 + number; 16]),
        title: title.to_owned(),
        heading: Some("Hours".to_owned()),
        text: text.to_owned(),
        start_char: 10,
        end_char: 40,
    }
}

fn shelf() -> Shelf {
    let passages =
        vec![passage(1, "guide.md", "The office opens at nine."), passage(2, "faq.md", "The office closes at five.")];
    Shelf(Ok(Findings { passages, words_only: false }))
}

fn empty() -> Shelf {
    Shelf(Ok(Findings::default()))
}

fn closed() -> Shelf {
    Shelf(Err("the library is closed"))
}

fn question(text: &str) -> Question {
    Question::new(text.to_owned(), Uuid::from_bytes([0xee; 16]))
}

/// An audience that only listens.
fn listening(sender: mpsc::Sender<Event>) -> Audience {
    Audience::new(sender, CancellationToken::new())
}

/// Everything that is told, and what is kept.
async fn ask(notebook: &Notebook, shelf: &Shelf, parrot: Parrot, text: &str) -> Vec<Event> {
    let (sender, mut receiver) = mpsc::channel(64);
    answer(notebook, shelf, &parrot, &question(text), &listening(sender)).await.unwrap();
    let mut told = Vec::new();
    while let Some(event) = receiver.recv().await {
        told.push(event);
    }
    told
}

fn done(told: &[Event]) -> &Answer {
    let Some(Event::Done(answer)) = told.last() else { panic!("no done in {told:?}") };
    answer
}

fn tokens(told: &[Event]) -> String {
    told.iter().filter_map(|event| if let Event::Token(text) = event { Some(text.as_str()) } else { None }).collect()
}

#[tokio::test]
async fn an_answer_begins_names_its_sources_speaks_and_ends() {
    let notebook = Notebook::default();
    let told = ask(&notebook, &shelf(), Parrot::Says(&["At ", "nine ", "[1]."]), "When does it open?").await;
    insta::assert_debug_snapshot!(told);
    assert_eq!(*notebook.questions.lock().unwrap(), ["When does it open?"]);
    assert_eq!(*notebook.answers.lock().unwrap(), [done(&told).clone()]);
}

#[tokio::test]
async fn what_is_told_word_by_word_is_what_is_kept() {
    let parrots = [
        Parrot::Says(&["At ", "nine [1]."]),
        Parrot::Dumb,
        Parrot::FallsSilentAfter(&["At "]),
        Parrot::FallsSilentAfter(&[]),
        Parrot::Says(&[]),
    ];
    for parrot in parrots {
        for shelf in [shelf(), empty(), closed()] {
            let notebook = Notebook::default();
            let told = ask(&notebook, &shelf, parrot, "ساعت کار چیست؟").await;
            let kept = notebook.answers.lock().unwrap();
            assert_eq!(tokens(&told), kept[0].text);
            assert_eq!(*done(&told), kept[0]);
            assert!(!kept[0].text.trim().is_empty());
        }
    }
}

#[tokio::test]
async fn without_the_model_the_best_passages_are_read_out_in_the_language_of_the_question() {
    let mut spoken = Vec::new();
    for text in ["When does the office open?", "دفتر کی باز می‌شود؟", "متى يفتح المكتب؟"]
    {
        for shelf in [shelf(), empty(), closed()] {
            let told = ask(&Notebook::default(), &shelf, Parrot::Dumb, text).await;
            let answer = done(&told).clone();
            assert_eq!(answer.finish_reason, FinishReason::Error);
            assert!(answer.missing.contains(&Service::Llm));
            spoken.push(answer.text);
        }
    }
    insta::assert_yaml_snapshot!(spoken);
}

#[tokio::test]
async fn without_the_index_the_answer_says_that_it_has_no_sources() {
    let mut spoken = Vec::new();
    for text in ["When does the office open?", "دفتر کی باز می‌شود؟", "متى يفتح المكتب؟"]
    {
        let told = ask(&Notebook::default(), &closed(), Parrot::Says(&["..."]), text).await;
        let answer = done(&told).clone();
        assert_eq!((answer.missing.as_slice(), answer.finish_reason), (&[Service::Qdrant][..], FinishReason::Stop));
        assert_eq!(answer.sources, []);
        spoken.push(answer.text);
    }
    insta::assert_yaml_snapshot!(spoken);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_kept_and_says_so() {
    let told = ask(&Notebook::default(), &shelf(), Parrot::FallsSilentAfter(&["At nine [1], "]), "When?").await;
    let answer = done(&told);
    assert_eq!(answer.text, "At nine [1], \n\n(The answer was cut off. Please ask again.)");
    assert_eq!((answer.finish_reason, answer.missing.as_slice()), (FinishReason::Error, &[Service::Llm][..]));
    assert!(answer.sources[0].cited && !answer.sources[1].cited);
}

#[tokio::test]
async fn a_search_by_words_alone_is_a_degraded_answer() {
    let Shelf(Ok(findings)) = shelf() else { panic!() };
    let shelf = Shelf(Ok(Findings { words_only: true, ..findings }));
    let told = ask(&Notebook::default(), &shelf, Parrot::Says(&["At nine."]), "When?").await;
    assert_eq!((done(&told).missing.as_slice(), done(&told).text.as_str()), (&[Service::Embedding][..], "At nine."));
}

#[tokio::test]
async fn when_nobody_listens_any_more_the_answer_ends_and_what_was_said_is_kept() {
    let notebook = Notebook::default();
    let (sender, mut receiver) = mpsc::channel(64);
    let asked = question("When?");
    let shelf = shelf();
    let audience = listening(sender);
    let answering = answer(&notebook, &shelf, &Parrot::NeverEnds(&["At ", "nine"]), &asked, &audience);
    let leaving = async {
        while let Some(event) = receiver.recv().await {
            if event == Event::Token("nine".to_owned()) {
                break;
            }
        }
        drop(receiver);
    };
    let (answer, ()) = tokio::join!(answering, leaving);
    let answer = answer.unwrap();
    assert_eq!((answer.finish_reason, answer.text.as_str()), (FinishReason::Cancelled, "At nine"));
    assert_eq!(*notebook.answers.lock().unwrap(), [answer]);
}

#[tokio::test]
async fn an_answer_that_is_stopped_ends_and_what_was_said_is_kept_and_told() {
    let notebook = Notebook::default();
    let (sender, mut receiver) = mpsc::channel(64);
    let stop = CancellationToken::new();
    let (audience, asked, shelf) = (Audience::new(sender, stop.clone()), question("When?"), shelf());
    let answering = answer(&notebook, &shelf, &Parrot::NeverEnds(&["At ", "nine"]), &asked, &audience);
    let stopping = async {
        while let Some(event) = receiver.recv().await {
            match event {
                Event::Token(word) if word == "nine" => stop.cancel(),
                Event::Done(answer) => return Some(answer),
                Event::Start | Event::Sources(_) | Event::Token(_) => {}
            }
        }
        None
    };
    let (answer, told) = tokio::join!(answering, stopping);
    let answer = answer.unwrap();
    assert_eq!((answer.finish_reason, answer.text.as_str()), (FinishReason::Stopped, "At nine"));
    assert_eq!((told.as_ref(), &*notebook.answers.lock().unwrap()), (Some(&answer), &vec![answer.clone()]));
}

#[tokio::test]
async fn an_answer_of_which_no_word_was_said_is_not_kept() {
    let notebook = Notebook::default();
    let (sender, receiver) = mpsc::channel(64);
    drop(receiver);
    answer(&notebook, &empty(), &Parrot::NeverEnds(&[]), &question("When?"), &listening(sender)).await.unwrap();
    assert_eq!(*notebook.answers.lock().unwrap(), []);
}

#[tokio::test]
async fn a_question_that_cannot_be_kept_is_not_answered() {
    let notebook = Notebook { torn: true, ..Notebook::default() };
    let (sender, mut receiver) = mpsc::channel(64);
    let error =
        answer(&notebook, &shelf(), &Parrot::Says(&["x"]), &question("When?"), &listening(sender)).await.unwrap_err();
    assert_eq!((error, receiver.recv().await), ("the notebook is torn", None));
}

#[tokio::test]
async fn what_was_said_before_is_part_of_the_prompt() {
    let turn = |speaker, text: &str| Turn { speaker, text: text.to_owned() };
    let notebook = Notebook {
        history: vec![turn(Speaker::Person, "I am Sara."), turn(Speaker::Chatbot, "Hello Sara.")],
        ..Notebook::default()
    };
    let (sender, _receiver) = mpsc::channel(64);
    let listener = Listener::default();
    answer(&notebook, &empty(), &listener, &question("Who am I?"), &listening(sender)).await.unwrap();
    let requests = listener.0.lock().unwrap();
    let said: Vec<&str> = requests[0].messages.iter().skip(1).map(|message| message.content.as_str()).collect();
    assert_eq!(said, ["I am Sara.", "Hello Sara.", "Who am I?"]);
}

/// An answer of a model that can read so many characters, and how often it was asked.
async fn ask_narrow(characters: usize, text: &str, history: Vec<Turn>) -> (Answer, usize) {
    let passages = (1..6).map(|number| passage(number, "guide.md", &"long ".repeat(400))).collect();
    let shelf = Shelf(Ok(Findings { passages, words_only: false }));
    let notebook = Notebook { history, ..Notebook::default() };
    let (sender, _receiver) = mpsc::channel(64);
    let model = Narrow(characters, Mutex::default());
    let answer = answer(&notebook, &shelf, &model, &question(text), &listening(sender)).await.unwrap();
    let asked = model.1.lock().unwrap().len();
    (answer, asked)
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_tried_again_with_the_best_passages_alone() {
    let history = vec![Turn { speaker: Speaker::Person, text: "x".repeat(900) }];
    let (answer, asked) = ask_narrow(7000, "When?", history).await;
    assert_eq!((answer.text.as_str(), answer.finish_reason, asked), ("At nine [1].", FinishReason::Stop, 2));
    assert_eq!(answer.missing, []);
}

#[tokio::test]
async fn what_is_too_long_even_then_is_said_and_is_no_outage() {
    let mut spoken = Vec::new();
    for text in ["When does the office open?", "دفتر کی باز می‌شود؟", "متى يفتح المكتب؟"]
    {
        let (answer, asked) = ask_narrow(100, text, Vec::new()).await;
        assert_eq!((answer.finish_reason, asked), (FinishReason::Error, 2));
        assert_eq!(answer.missing, [], "the model is there");
        spoken.push(answer.text);
    }
    assert!(spoken[0].contains("too long for the language model"), "{spoken:?}");
    assert!(spoken[1].contains("مدل زبانی") && spoken[2].contains("النموذج اللغوي"), "{spoken:?}");
}
