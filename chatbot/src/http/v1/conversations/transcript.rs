//! Conversations written out while they are read, page by page: an export needs the same memory however long it is.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::Instrument;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Conversation;
use crate::http::problem::Problem;
use crate::http::state::Http;
use crate::http::v1::messages::{Message, Row, with_feedback};
use crate::store::StoreError;
use crate::store::conversations::{self, Conversation as Stored};
use crate::store::messages::{self, Role, Wanted};

/// Rows that are read at once.
const PAGE: i64 = 50;
/// Pieces that wait for a slow reader; then the reading waits too.
const PIECES: usize = 4;
/// Longest wait for a reader.
const PATIENCE: Duration = Duration::from_secs(30);

/// How conversations are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    #[default]
    Json,
    Markdown,
}

impl Format {
    /// Media type, and the end of a file's name.
    const fn kind(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("application/json", "json"),
            Self::Markdown => ("text/markdown; charset=utf-8", "md"),
        }
    }
}

/// Why nothing more is written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Torn {
    #[error("nobody reads any more")]
    Unread,
    #[error("{0:?}")]
    Problem(Problem),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// What is written.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A conversation.
    One(Stored),
    /// All of a user's.
    All {
        /// Whose.
        user_id: Uuid,
    },
}

impl What {
    /// Of the file that holds it.
    fn name(&self) -> String {
        match self {
            Self::One(conversation) => format!("conversation-{}", conversation.id),
            Self::All { .. } => "conversations".to_owned(),
        }
    }
}

/// What is written on.
pub(super) struct Paper {
    db: PgPool,
    format: Format,
    pieces: mpsc::Sender<io::Result<String>>,
}

impl Paper {
    /// The answer whose body is written by a task of its own.
    pub(super) fn written(http: &Http, format: Format, what: What) -> Response {
        let (pieces, written) = mpsc::channel(PIECES);
        let paper = Self { db: http.app.db.clone(), format, pieces };
        let name = what.name();
        let writing = async move {
            let whole = match what {
                What::One(conversation) => paper.conversation(conversation).await,
                What::All { user_id } => paper.conversations(user_id).await,
            };
            if let Err(error) = whole {
                tracing::warn!(%error, "an export is torn off");
                // Without it the client would take a part for the whole.
                drop(timeout(PATIENCE, paper.pieces.send(Err(io::Error::other("torn off")))).await);
            }
        };
        http.answers.spawn(writing.in_current_span());
        let body =
            Body::from_stream(stream::unfold(written, async |mut written| Some((written.recv().await?, written))));
        let (media_type, suffix) = format.kind();
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.{suffix}\"")) {
            headers.insert(header::CONTENT_DISPOSITION, disposition);
        }
        response
    }

    /// All conversations of a user, latest first.
    async fn conversations(&self, user_id: Uuid) -> Result<(), Torn> {
        if self.format == Format::Json {
            self.write("{\"conversations\":[").await?;
        }
        let (mut after, mut is_first) = (None, true);
        loop {
            let page = conversations::list(&self.db, user_id, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.place());
            for conversation in page {
                if !is_first {
                    self.between().await?;
                }
                is_first = false;
                self.conversation(conversation).await?;
            }
        }
        if self.format == Format::Json { self.write("]}\n").await } else { Ok(()) }
    }

    /// One conversation with its messages.
    async fn conversation(&self, conversation: Stored) -> Result<(), Torn> {
        let id = conversation.id;
        self.head(conversation).await?;
        let wanted = if self.format == Format::Json { Wanted::All } else { Wanted::Standing };
        let (mut after, mut is_first) = (None, true);
        loop {
            let page = messages::list(&self.db, id, wanted, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.place());
            for row in with_feedback(&self.db, page).await.map_err(Torn::Problem)? {
                self.message(row, is_first).await?;
                is_first = false;
            }
        }
        if self.format == Format::Json { self.write("]}").await } else { Ok(()) }
    }

    async fn head(&self, conversation: Stored) -> Result<(), Torn> {
        let text = match self.format {
            Format::Json => {
                let mut text = serde_json::to_string(&Conversation::from(conversation))?;
                // The messages follow inside of the same object.
                text.pop();
                text + ",\"messages\":["
            }
            Format::Markdown => format!("# {}\n", conversation.title.replace('\n', " ")),
        };
        self.write(&text).await
    }

    async fn message(&self, row: Row, is_first: bool) -> Result<(), Torn> {
        let text = match self.format {
            Format::Json => {
                let comma = if is_first { "" } else { "," };
                format!("{comma}{}", serde_json::to_string(&Message::from(row))?)
            }
            Format::Markdown => markdown(&row.0),
        };
        self.write(&text).await
    }

    async fn between(&self) -> Result<(), Torn> {
        self.write(if self.format == Format::Json { ",\n" } else { "\n---\n\n" }).await
    }

    async fn write(&self, text: &str) -> Result<(), Torn> {
        match timeout(PATIENCE, self.pieces.send(Ok(text.to_owned()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Torn::Unread),
        }
    }
}

/// The title of a source, as far as an export names it.
#[derive(Debug, Serialize, Deserialize)]
struct Named {
    number: u32,
    title: String,
    heading: Option<String>,
}

fn markdown(message: &messages::Message) -> String {
    let speaker = match message.role {
        Role::User => "You",
        Role::Assistant => "Chatbot",
    };
    let at = message.created_at.strftime("%Y-%m-%d %H:%M UTC");
    let sources: Vec<Named> = Deserialize::deserialize(&message.sources).unwrap_or_default();
    let sources: String = sources.iter().map(source).collect();
    let gap = if sources.is_empty() { "" } else { "\n" };
    format!("\n**{speaker}**, {at}\n\n{}\n{gap}{sources}", message.content)
}

fn source(source: &Named) -> String {
    let heading = source.heading.as_deref().map(|heading| format!(", {heading}")).unwrap_or_default();
    format!("- [{}] {}{heading}\n", source.number, source.title)
}
