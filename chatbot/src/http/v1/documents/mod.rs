//! Documents of the caller: what answers are made from.

mod create;
mod delete;
mod get;
mod list;
mod upload;
mod versions;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::problem::Problem;
use crate::http::state::Http;
use crate::jobs::QueueError;
use crate::store::documents::{Document as Row, Stage as StoredStage, Status as StoredStatus};

pub(super) fn routes() -> OpenApiRouter<Http> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(get::get, delete::delete))
        .routes(routes!(versions::versions))
}

fn not_enqueued(error: &QueueError) -> Problem {
    tracing::error!(%error, "a document's job cannot be enqueued");
    Problem::Unavailable("the job queue is not available")
}

/// A document.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Document {
    id: Uuid,
    /// File name or title, as citations show it.
    title: String,
    /// What it is by its content, such as `text/markdown` or `application/pdf`.
    media_type: String,
    /// Size of the upload.
    bytes: i64,
    /// SHA-256 of the upload, hexadecimal.
    sha256: String,
    status: Status,
    /// What a worker is at, or was at when it failed.
    stage: Stage,
    /// How far that is, of 100.
    progress: i16,
    /// Its number among your documents of this title, from 1.
    version: i32,
    /// A later version took its place: nothing of it is found any more.
    superseded: bool,
    /// Why it failed.
    error: Option<String>,
    /// Parts that can be found and cited.
    chunks: i32,
    #[schema(value_type = String, format = DateTime)]
    created_at: jiff::Timestamp,
}

/// How far a document is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// Waits for a worker.
    Pending,
    /// A worker is at it.
    Processing,
    /// Can be found.
    Ready,
    /// Given up; `error` says why. Uploading it again tries again.
    Failed,
}

/// What a worker does to a document, in this order.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Stage {
    /// It waits.
    Received,
    /// Its text is read.
    Parsing,
    /// The text is cut into passages.
    Chunking,
    /// Passages get their vectors, and go into the index.
    Embedding,
    /// Passages are kept, and earlier versions give way.
    Indexing,
    /// It can be found.
    Ready,
}

/// Stage and progress. A worker of the release before notes neither; its status says enough.
const fn how_far(row: &Row) -> (Stage, i16) {
    match (row.status, row.stage) {
        (StoredStatus::Ready, _) => (Stage::Ready, 100),
        (StoredStatus::Pending, _) | (_, StoredStage::Received) => (Stage::Received, 0),
        (_, StoredStage::Parsing) => (Stage::Parsing, row.progress),
        (_, StoredStage::Chunking) => (Stage::Chunking, row.progress),
        (_, StoredStage::Embedding) => (Stage::Embedding, row.progress),
        (_, StoredStage::Indexing | StoredStage::Ready) => (Stage::Indexing, row.progress),
    }
}

impl From<Row> for Document {
    fn from(row: Row) -> Self {
        let (stage, progress) = how_far(&row);
        let status = match row.status {
            StoredStatus::Pending => Status::Pending,
            StoredStatus::Processing => Status::Processing,
            StoredStatus::Ready => Status::Ready,
            StoredStatus::Failed => Status::Failed,
        };
        Self {
            id: row.id,
            title: row.title,
            media_type: row.media_type,
            bytes: row.bytes,
            sha256: row.sha256,
            status,
            stage,
            progress,
            version: row.version,
            superseded: row.is_superseded,
            error: row.error,
            chunks: row.chunk_count,
            created_at: row.created_at,
        }
    }
}
