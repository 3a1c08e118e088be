//! `DELETE /api/v1/documents/{id}`: upload, chunks and vectors, with those of the versions that it superseded.
//!
//! The row goes with its chunks, so that nothing of it is found from then on, and earlier answers lose the passages that
//! they were made from; a job of the same transaction removes vectors and upload, as soon as index and object store work.

use axum::extract::State;
use axum::http::StatusCode;

use crate::http::extract::{Id, May, WriteDocuments};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::{document_versions, messages};

/// Deletes one of your documents with everything that was made of it, and with the versions that it superseded.
///
/// Passages leave the sources of earlier answers too; what the answers said stays.
#[utoipa::path(delete, path = "/documents/{id}", tag = "documents", security(("apiKey" = ["documents:write"]), ("login" = [])), params(("id" = Uuid, Path)), responses(
    (status = NO_CONTENT),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn delete(
    State(http): State<Http>,
    May { caller, .. }: May<WriteDocuments>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    let app = &http.app;
    let mut tx = app.db.begin().await?;
    let deleted = document_versions::delete(&mut *tx, caller.user_id, id).await?;
    if deleted.is_empty() {
        return Err(Problem::NotFound("document"));
    }
    for document in deleted {
        messages::forget_document(&mut *tx, &document).await?;
        let enqueued = app.queue.enqueue_remove(&mut tx, document.id, document.object_key).await;
        enqueued.map_err(|error| super::not_enqueued(&error))?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
