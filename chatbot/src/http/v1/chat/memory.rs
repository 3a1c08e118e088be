//! A conversation in PostgreSQL, as `chat` sees it.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use sqlx::PgPool;
use uuid::Uuid;

use crate::chat::Answer;
use crate::chat::ports::{Memory, Speaker, Turn};
use crate::store::StoreError;
use crate::store::messages::{self, Message, NewMessage, Role};

/// Attempts at keeping an answer after the first.
const RETRIES: usize = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// One conversation.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub(super) db: PgPool,
    pub(super) id: Uuid,
}

impl Memory for Conversation {
    type Error = StoreError;

    async fn recall(&self, turns: usize) -> Result<Vec<Turn>, Self::Error> {
        let limit = i64::try_from(turns).unwrap_or(i64::MAX);
        Ok(messages::latest(&self.db, self.id, None, limit).await?.into_iter().map(turn).collect())
    }

    async fn remember_question(&self, text: &str) -> Result<(), Self::Error> {
        let question = NewMessage {
            id: Uuid::now_v7(),
            conversation_id: self.id,
            role: Role::User,
            content: text,
            sources: serde_json::json!([]),
            model: None,
            prompt_tokens: None,
            completion_tokens: None,
            finish_reason: None,
        };
        messages::create(&self.db, &question).await.map(drop)
    }

    async fn remember_answer(&self, answer: &Answer) -> Result<(), Self::Error> {
        let content = printable(&answer.text);
        let message = message(self.id, answer, &content);
        patiently(async || messages::create(&self.db, &message).await.map(drop)).await
    }
}

/// A question that was asked before, and is answered anew.
#[derive(Clone, Debug)]
pub(in crate::http::v1) struct Again {
    pub(in crate::http::v1) db: PgPool,
    pub(in crate::http::v1) question: Message,
}

impl Memory for Again {
    type Error = StoreError;

    async fn recall(&self, turns: usize) -> Result<Vec<Turn>, Self::Error> {
        let limit = i64::try_from(turns).unwrap_or(i64::MAX);
        let Message { conversation_id, .. } = self.question;
        let before = messages::latest(&self.db, conversation_id, Some(self.question.place()), limit).await?;
        Ok(before.into_iter().map(turn).collect())
    }

    /// It is kept already.
    async fn remember_question(&self, _text: &str) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn remember_answer(&self, answer: &Answer) -> Result<(), Self::Error> {
        let content = printable(&answer.text);
        let message = message(self.question.conversation_id, answer, &content);
        patiently(async || {
            let mut connection = self.db.acquire().await?;
            messages::answer_anew(&mut connection, &self.question, &message).await.map(drop)
        })
        .await
    }
}

/// PostgreSQL's texts cannot hold the character of code zero, and no reader misses it.
fn printable(text: &str) -> String {
    text.replace('\0', "")
}

fn message<'a>(conversation_id: Uuid, answer: &'a Answer, content: &'a str) -> NewMessage<'a> {
    let tokens = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    NewMessage {
        id: answer.message_id,
        conversation_id,
        role: Role::Assistant,
        content,
        sources: serde_json::json!(answer.sources),
        model: answer.model.as_deref(),
        prompt_tokens: answer.usage.map(|usage| tokens(usage.prompt_tokens)),
        completion_tokens: answer.usage.map(|usage| tokens(usage.completion_tokens)),
        finish_reason: Some(answer.finish_reason.as_str()),
    }
}

/// The answer was told already: what a moment's trouble takes away cannot be told again. Keeping it twice is once.
async fn patiently<F: Future<Output = Result<(), StoreError>>>(keep: impl FnMut() -> F) -> Result<(), StoreError> {
    let pauses = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).with_max_times(RETRIES).with_jitter();
    keep.retry(pauses).when(StoreError::is_retryable).await
}

fn turn(message: Message) -> Turn {
    let speaker = match message.role {
        Role::User => Speaker::Person,
        Role::Assistant => Speaker::Chatbot,
    };
    Turn { speaker, text: message.content }
}
