//! `DELETE /api/v1/documents/{id}`: upload, chunks and vectors.
//!
//! The upload goes first: once the row is gone nobody knows the upload's key. Vectors may stay behind while the index
//! is down: a point without its chunk is never shown, and a rebuilt index does not have it.

use axum::extract::State;
use axum::http::StatusCode;

use crate::http::extract::{Caller, Id};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::documents;

/// Deletes one of your documents with everything that was made of it.
#[utoipa::path(delete, path = "/documents/{id}", tag = "documents", params(("id" = Uuid, Path)), responses(
    (status = NO_CONTENT),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn delete(State(http): State<Http>, caller: Caller, Id(id): Id) -> Result<StatusCode, Problem> {
    let app = &http.app;
    let document = documents::find(&app.db, caller.user_id, id).await?.ok_or(Problem::NotFound("document"))?;
    app.objects.delete(&document.object_key).await?;
    documents::delete(&app.db, caller.user_id, id).await?;
    if let Err(error) = app.qdrant.delete_document(id, &[]).await {
        tracing::warn!(%error, document_id = %id, "the document's vectors stay in the index until it is rebuilt");
    }
    Ok(StatusCode::NO_CONTENT)
}
