//! Answers in the making, so that any pod can tell a client that comes back how they go on, and can stop them.
//!
//! ```text
//! <prefix>answer:<user>:<message>         a stream of what was told so far; event n has the id 0-n
//! <prefix>answer:<user>:<message>:heard   there while a reader that came back listens
//! <prefix>answer:<user>:<message>:stop    there once the user wants no more
//! ```
//!
//! The user is part of the name: what belongs to somebody else is not found. Everything ends by itself.

use std::time::Duration;

use redis::{Pipeline, pipe};
use uuid::Uuid;

use super::{CacheError, Redis};

/// Longer than any answer takes, with time to come back after it.
const KEPT: Duration = Duration::from_mins(15);
/// A reader says more often than this that it listens.
const HEARD: Duration = Duration::from_secs(10);
/// Events that are read at once.
const PAGE: usize = 256;

/// Which answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerId {
    /// Whose.
    pub user_id: Uuid,
    /// The message that it becomes.
    pub message_id: Uuid,
}

/// An event of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEvent {
    /// Its place, from 1.
    pub number: u64,
    /// Its name.
    pub name: String,
    /// A JSON document.
    pub data: String,
}

/// What is wanted of an answer in the making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// Its end.
    pub stop: bool,
    /// Its continuation: a reader that came back listens.
    pub heard: bool,
}

/// An entry of a stream, as Redis tells it: id, and names and values of its fields in turn.
type Entry = (String, Vec<String>);

impl Redis {
    /// Keeps the next events of an answer.
    ///
    /// # Errors
    /// Redis' own, no answer in time, or one that failed a moment ago.
    pub async fn keep_events(&self, answer: AnswerId, events: &[KeptEvent]) -> Result<(), CacheError> {
        let key = self.answer_key(answer, "");
        let mut commands = pipe();
        for event in events {
            let add = commands.cmd("XADD").arg(&key).arg(format!("0-{}", event.number));
            add.arg("name").arg(&event.name).arg("data").arg(&event.data).ignore();
        }
        commands.cmd("PEXPIRE").arg(&key).arg(KEPT.as_millis()).ignore();
        self.ask_together(&commands).await
    }

    /// Forgets an answer: who comes back must look elsewhere.
    ///
    /// # Errors
    /// As [`Self::keep_events`].
    pub async fn forget_events(&self, answer: AnswerId) -> Result<(), CacheError> {
        self.ask_together(pipe().cmd("DEL").arg(self.answer_key(answer, "")).ignore()).await
    }

    /// The next events of an answer beyond number `after`; None when nothing is known of it.
    ///
    /// # Errors
    /// As [`Self::keep_events`].
    pub async fn events_after(&self, answer: AnswerId, after: u64) -> Result<Option<Vec<KeptEvent>>, CacheError> {
        let key = self.answer_key(answer, "");
        let mut commands = pipe();
        commands.cmd("EXISTS").arg(&key);
        commands.cmd("XRANGE").arg(&key).arg(format!("(0-{after}")).arg("+").arg("COUNT").arg(PAGE);
        let (is_known, entries): (bool, Vec<Entry>) = self.ask_together(&commands).await?;
        Ok(is_known.then(|| entries.into_iter().filter_map(event).collect()))
    }

    /// Says that a reader which came back listens; for ten seconds.
    ///
    /// # Errors
    /// As [`Self::keep_events`].
    pub async fn listen(&self, answer: AnswerId) -> Result<(), CacheError> {
        let mut commands = pipe();
        set(&mut commands, &self.answer_key(answer, ":heard"), HEARD);
        self.ask_together(&commands).await
    }

    /// Asks whichever pod makes the answer to end it; false when nothing is known of it.
    ///
    /// # Errors
    /// As [`Self::keep_events`].
    pub async fn stop_answer(&self, answer: AnswerId) -> Result<bool, CacheError> {
        let (is_known,): (bool,) = self.ask_together(pipe().cmd("EXISTS").arg(self.answer_key(answer, ""))).await?;
        if is_known {
            let mut commands = pipe();
            set(&mut commands, &self.answer_key(answer, ":stop"), KEPT);
            self.ask_together::<()>(&commands).await?;
        }
        Ok(is_known)
    }

    /// What is wanted of an answer in the making.
    ///
    /// # Errors
    /// As [`Self::keep_events`].
    pub async fn wishes(&self, answer: AnswerId) -> Result<Wishes, CacheError> {
        let mut commands = pipe();
        commands.cmd("EXISTS").arg(self.answer_key(answer, ":stop"));
        commands.cmd("EXISTS").arg(self.answer_key(answer, ":heard"));
        let (stop, heard) = self.ask_together(&commands).await?;
        Ok(Wishes { stop, heard })
    }

    fn answer_key(&self, answer: AnswerId, what: &str) -> String {
        let AnswerId { user_id, message_id } = answer;
        format!("{}answer:{user_id}:{message_id}{what}", self.prefix)
    }
}

fn set(commands: &mut Pipeline, key: &str, time: Duration) {
    commands.cmd("SET").arg(key).arg(1).arg("PX").arg(time.as_millis()).ignore();
}

fn event((id, fields): Entry) -> Option<KeptEvent> {
    let number = id.strip_prefix("0-")?.parse().ok()?;
    let [_, name, _, data] = <[String; 4]>::try_from(fields).ok()?;
    Some(KeptEvent { number, name, data })
}
