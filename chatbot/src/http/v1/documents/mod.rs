//! Documents of the caller: what answers are made from.

mod create;
mod delete;
mod get;
mod list;
mod upload;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::problem::Problem;
use crate::http::state::Http;
use crate::jobs::QueueError;
use crate::store::documents::{Document as Row, Status as StoredStatus};

pub(super) fn routes() -> OpenApiRouter<Http> {
    OpenApiRouter::new().routes(routes!(list::list, create::create)).routes(routes!(get::get, delete::delete))
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
    /// `text/plain` or `text/markdown`.
    media_type: String,
    /// Size of the upload.
    bytes: i64,
    /// SHA-256 of the upload, hexadecimal.
    sha256: String,
    status: Status,
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

impl From<Row> for Document {
    fn from(row: Row) -> Self {
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
            error: row.error,
            chunks: row.chunk_count,
            created_at: row.created_at,
        }
    }
}
