//! Passes an answer on as it is made: to the client, and to Redis, from where a client that comes back is told the rest.
//!
//! ```text
//! answer ──▶ relay ──▶ client
//!              └─────▶ Redis ──▶ whoever comes back, on any pod
//! ```
//!
//! The answer never waits for Redis. Without a client it goes on for [`GRACE`], or as long as somebody who came back
//! listens; without Redis nobody could come back, and it ends with its client.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tracing::Instrument;
use uuid::Uuid;

use super::answering::Answering;
use super::copy::Copy;
use super::events::{Start, Told};
use crate::app::Draining;
use crate::cache::{AnswerId, Redis, Wishes};
use crate::chat::Event;
use crate::http::problem::Problem;
use crate::http::state::Http;

/// Events that wait for a slow client; then the answer waits too.
const EVENTS: usize = 64;
/// Longest wait for a client that has fallen behind; then it is taken for gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long an answer goes on for nobody: a page is loaded anew, a phone changes its network.
const GRACE: Duration = Duration::from_secs(15);
/// How often it is looked whether anybody listens, or wants the end.
const LOOK: Duration = Duration::from_millis(500);

struct Relay<E> {
    answering: Answering<E>,
    answer: AnswerId,
    client: mpsc::Sender<Told>,
    copy: Copy,
    redis: Redis,
    draining: Draining,
    /// Events told so far.
    count: u64,
    /// When somebody was last known to listen.
    heard: Instant,
}

/// Begins to pass an answer on, in a task of its own. What comes out goes to the client.
pub(super) fn begin<E: Into<Problem> + Send + 'static>(
    http: &Http,
    user_id: Uuid,
    conversation_id: Uuid,
    answering: Answering<E>,
) -> mpsc::Receiver<Told> {
    let (client, events) = mpsc::channel(EVENTS);
    let answer = AnswerId { user_id, message_id: answering.message_id };
    let relay = Relay {
        answer,
        client,
        copy: Copy::begin(http, answer),
        redis: http.app.redis.clone(),
        draining: http.app.draining.clone(),
        count: 0,
        heard: Instant::now(),
        answering,
    };
    let start = Start { conversation_id, message_id: answer.message_id };
    http.answers.spawn(relay.run(start).in_current_span());
    events
}

impl<E: Into<Problem> + Send + 'static> Relay<E> {
    /// Until the last event, or until nobody wants more: dropping the answer ends it.
    async fn run(mut self, start: Start) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let start = Told::new(self.next_number(), "start", &start);
        self.tell(start).await;
        loop {
            let event = tokio::select! {
                event = self.answering.next() => event,
                _ = looks.tick() => {
                    if !self.is_wanted().await {
                        return;
                    }
                    continue;
                }
            };
            if self.pass(event).await {
                return;
            }
        }
    }

    /// Passes an event on; true when it was the last.
    async fn pass(&mut self, event: Option<Event>) -> bool {
        let told = match event {
            Some(event) => Told::of(self.count + 1, event),
            None => Some(Told::problem(self.count + 1, &self.answering.failure().await)),
        };
        let Some(told) = told else { return false };
        self.count += 1;
        let is_last = told.is_last();
        self.tell(told).await;
        is_last
    }

    const fn next_number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    async fn tell(&mut self, told: Told) {
        self.copy.add(told.clone());
        if !self.client.is_closed() && !matches!(timeout(PATIENCE, self.client.send(told)).await, Ok(Ok(()))) {
            // Who does not read is told the rest when it comes back.
            self.client = mpsc::channel(1).0;
        }
    }

    /// Whether the answer should go on. A wish to end it is passed on, and the answer ends itself.
    async fn is_wanted(&mut self) -> bool {
        let is_kept = self.copy.is_kept();
        let wishes = if is_kept { self.redis.wishes(self.answer).await.ok() } else { None };
        if let Some(Wishes { stop: true, .. }) = wishes {
            self.answering.stop.cancel();
        }
        let is_heard = wishes.is_some_and(|wishes| wishes.heard);
        if is_heard || !self.client.is_closed() {
            self.heard = Instant::now();
        }
        let grace = if is_kept && !self.draining.has_begun() { GRACE } else { Duration::ZERO };
        !self.client.is_closed() || is_heard || self.heard.elapsed() < grace
    }
}
