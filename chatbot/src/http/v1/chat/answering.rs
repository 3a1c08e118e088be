//! An answer in the making, in a task of its own: a client that goes away ends it, and does not lose it.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::model::Measured;
use crate::chat::ports::Memory;
use crate::chat::{self, Answer, Audience, Event, FinishReason, Question};
use crate::http::problem::Problem;
use crate::http::state::Http;
use crate::http::v1::library::UserLibrary;
use crate::metrics::{ChatLabels, Metrics};

/// Events that wait for a slow reader; then the model waits too.
const EVENTS: usize = 64;

/// An answer in the making. Dropping it ends the answer.
#[derive(Debug)]
pub(in crate::http) struct Answering<E> {
    pub(in crate::http) message_id: Uuid,
    pub(in crate::http) stop: CancellationToken,
    events: mpsc::Receiver<Event>,
    task: JoinHandle<Result<Answer, E>>,
}

impl<E: Into<Problem> + Send + 'static> Answering<E> {
    /// Begins to answer; the question is kept when this returns, so that what fails before can be told with a status.
    pub(in crate::http) async fn begin<M>(
        http: &Http,
        user_id: Uuid,
        memory: M,
        question: Question,
    ) -> Result<Self, Problem>
    where
        M: Memory<Error = E> + 'static,
    {
        let (message_id, stop) = (question.message_id, CancellationToken::new());
        let entry = http.live.enter(user_id, message_id, stop.clone());
        let library = UserLibrary::new(http, user_id);
        let metrics = http.app.metrics.clone();
        let model = Measured { client: http.app.llm.clone(), metrics: metrics.clone() };
        let (sender, events) = mpsc::channel(EVENTS);
        let audience = Audience::new(sender, stop.clone());
        let answering = async move {
            let (started, _entry) = (Instant::now(), entry);
            let answer = chat::answer(&memory, &library, &model, &question, &audience).await;
            measure(&metrics, &answer, started.elapsed());
            answer
        };
        let task = http.answers.spawn(answering.in_current_span());
        let mut answering = Self { message_id, stop, events, task };
        match answering.events.recv().await {
            Some(_start) => Ok(answering),
            None => Err(answering.failure().await),
        }
    }

    /// What happens next; None when the answer ended without its last event.
    pub(in crate::http) async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// The whole answer.
    pub(in crate::http) async fn whole(mut self) -> Result<Answer, Problem> {
        while let Some(event) = self.next().await {
            if let Event::Done(answer) = event {
                return Ok(answer);
            }
        }
        Err(self.failure().await)
    }

    /// Why an answer ended without its last event.
    pub(in crate::http) async fn failure(&mut self) -> Problem {
        match (&mut self.task).await {
            Ok(Err(error)) => error.into(),
            Ok(Ok(_)) => Problem::Internal,
            Err(error) => {
                tracing::error!(%error, "an answer panicked");
                Problem::Internal
            }
        }
    }
}

fn measure<E>(metrics: &Metrics, answer: &Result<Answer, E>, duration: Duration) {
    let labels = ChatLabels { outcome: outcome(answer).to_owned() };
    metrics.chat_answers.get_or_create(&labels).inc();
    metrics.chat_duration.get_or_create(&labels).observe(duration.as_secs_f64());
    if let Some(usage) = answer.as_ref().ok().and_then(|answer| answer.usage) {
        metrics.count_tokens(usage);
    }
}

fn outcome<E>(answer: &Result<Answer, E>) -> &'static str {
    match answer {
        Err(_) => "error",
        Ok(answer) => match answer.finish_reason {
            FinishReason::Cancelled => "cancelled",
            FinishReason::Stopped => "stopped",
            FinishReason::Error => "unavailable",
            FinishReason::Stop | FinishReason::Length if answer.missing.is_empty() => "ok",
            FinishReason::Stop | FinishReason::Length => "degraded",
        },
    }
}
