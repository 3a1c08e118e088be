//! `POST /api/v1/documents`: upload → object store → row and job in one transaction. A worker makes it findable.
//!
//! The same content twice is one document. The upload lies in the object store before the row exists; when the row then
//! is not there, it is removed again, and at worst an object stays that no row names: never a row without its object.

use axum::Json;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use uuid::Uuid;

use super::Document;
use super::upload::Upload;
use crate::app::App;
use crate::http::extract::Caller;
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::documents::{self, Document as Row, NewDocument, Status};

/// Room for a form's own lines around the file.
const FORM_OVERHEAD: usize = 64 << 10;

/// How a document is called.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct UploadQuery {
    /// Title that citations show; the file's name by default.
    title: Option<String>,
}

/// Uploads a text or Markdown document, as the body or as the field `file` of a form.
///
/// A worker makes it findable; ask for the document to see how far that is. The same content again gives the document
/// that is there; a failed one is tried again.
#[utoipa::path(post, path = "/documents", tag = "documents", params(UploadQuery),
    request_body(content((String = "text/markdown"), (String = "text/plain"), (String = "multipart/form-data"))),
    responses(
        (status = CREATED, body = Document, description = "It is kept, and waits for a worker"),
        (status = OK, body = Document, description = "It was there already"),
        (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn create(
    State(http): State<Http>,
    caller: Caller,
    Query(query): Query<UploadQuery>,
    mut request: Request,
) -> Result<Response, Problem> {
    let app = &http.app;
    DefaultBodyLimit::max(app.config.server.max_upload_bytes.saturating_add(FORM_OVERHEAD)).apply(&mut request);
    let upload = Upload::read(request, query.title).await?;
    let sha256 = hex::encode(Sha256::digest(&upload.content));
    match documents::find_by_sha256(&app.db, caller.user_id, &sha256).await? {
        Some(row) if row.status == Status::Failed => {
            Ok(Json(Document::from(try_again(app, row, upload).await?)).into_response())
        }
        Some(row) => Ok(Json(Document::from(row)).into_response()),
        None => keep(app, caller.user_id, upload, &sha256).await,
    }
}

async fn keep(app: &App, user_id: Uuid, upload: Upload, sha256: &str) -> Result<Response, Problem> {
    let id = Uuid::now_v7();
    let object_key = format!("{}documents/{user_id}/{id}", app.config.environment.resource_prefix);
    let document = NewDocument {
        id,
        user_id,
        title: &upload.title,
        media_type: upload.media_type,
        bytes: i64::try_from(upload.content.len()).unwrap_or(i64::MAX),
        sha256,
        object_key: &object_key,
    };
    app.objects.put(&object_key, upload.content.clone()).await?;
    match insert(app, &document).await {
        Ok(row) => Ok(created(row)),
        Err(problem) => after_failure(app, &document, problem).await,
    }
}

fn created(row: Row) -> Response {
    let location = [(header::LOCATION, format!("/api/v1/documents/{}", row.id))];
    (StatusCode::CREATED, location, Json(Document::from(row))).into_response()
}

/// The connection may have broken after the commit: only the database knows whether the document exists. While it does
/// not answer, the upload stays.
async fn after_failure(app: &App, document: &NewDocument<'_>, problem: Problem) -> Result<Response, Problem> {
    match documents::get(&app.db, document.id).await {
        Ok(Some(row)) => return Ok(created(row)),
        Ok(None) => forget(app, document.object_key).await,
        Err(error) => {
            tracing::warn!(%error, object_key = document.object_key, "an upload stays whose document may not exist");
            return Err(problem);
        }
    }
    // Someone uploaded the same content at the same time: theirs is the document.
    let other = documents::find_by_sha256(&app.db, document.user_id, document.sha256).await?;
    Ok(Json(Document::from(other.ok_or(problem)?)).into_response())
}

async fn insert(app: &App, document: &NewDocument<'_>) -> Result<Row, Problem> {
    let mut tx = app.db.begin().await?;
    let row = documents::create(&mut *tx, document).await?;
    app.queue.enqueue_ingest(&mut tx, document.id).await.map_err(|error| super::not_enqueued(&error))?;
    tx.commit().await?;
    Ok(row)
}

/// The upload is kept again: that it is missing may be why the document failed.
async fn try_again(app: &App, row: Row, upload: Upload) -> Result<Row, Problem> {
    app.objects.put(&row.object_key, upload.content).await?;
    let mut tx = app.db.begin().await?;
    documents::mark_pending(&mut *tx, row.id).await?;
    app.queue.enqueue_ingest(&mut tx, row.id).await.map_err(|error| super::not_enqueued(&error))?;
    tx.commit().await?;
    Ok(Row { status: Status::Pending, error: None, ..row })
}

async fn forget(app: &App, object_key: &str) {
    if let Err(error) = app.objects.delete(object_key).await {
        tracing::warn!(%error, object_key, "an upload without a document stays in the object store");
    }
}
