//! `POST /api/v1/documents`: upload → object store → row and job in one transaction. A worker makes it findable.
//!
//! The same content twice is one document; other content under the same title is its next version. The upload lies in the object store before the row exists; when there certainly
//! is no row it is removed again, and when nobody knows a job looks later. At worst an object stays that no row names:
//! never a row without its object.

use std::time::Duration;

use axum::Json;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use tokio::time::timeout;
use utoipa::IntoParams;
use uuid::Uuid;

use super::Document;
use super::upload::Upload;
use crate::app::App;
use crate::http::extract::{May, Query, WriteDocuments};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::document_versions;
use crate::store::documents::{self, Document as Row, NewDocument, Status};
use crate::vectors::VectorError;

/// Room for a form's own lines around the file.
const FORM_OVERHEAD: usize = 64 << 10;
/// Longest wait for the index when a document is uploaded again.
const INDEX_DEADLINE: Duration = Duration::from_secs(3);

/// How a document is called.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct UploadQuery {
    /// Title that citations show; the file's name by default. Documents of one title are versions of each other.
    title: Option<String>,
}

/// Uploads a document (HTML, PDF, DOCX, Markdown or plain text), as the body or as the field `file` of a form.
///
/// A worker makes it findable; ask for the document to see how far that is. The same content again gives the document
/// that is there; one that failed, or that the index has lost, is tried again. Other content under the same title is a new
/// version: once it is ready it supersedes those before it, which answer until then.
#[utoipa::path(post, path = "/documents", tag = "documents", security(("apiKey" = ["documents:write"]), ("login" = [])), params(UploadQuery),
    request_body(content((String = "text/markdown"), (String = "text/plain"), (String = "text/html"),
        (String = "application/pdf"), (String = "application/octet-stream"),
        (String = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (String = "multipart/form-data"))),
    responses(
        (status = CREATED, body = Document, description = "It is kept, and waits for a worker"),
        (status = OK, body = Document, description = "It was there already"),
        (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn create(
    State(http): State<Http>,
    May { caller, .. }: May<WriteDocuments>,
    Query(query): Query<UploadQuery>,
    mut request: Request,
) -> Result<Response, Problem> {
    let app = &http.app;
    DefaultBodyLimit::max(app.config.server.max_upload_bytes.saturating_add(FORM_OVERHEAD)).apply(&mut request);
    let upload = Upload::read(request, query.title).await?;
    let sha256 = hex::encode(Sha256::digest(&upload.content));
    let known = match documents::find_by_sha256(&app.db, caller.user_id, &sha256).await? {
        Some(row) => known(app, row, &upload).await?,
        None => None,
    };
    match known {
        Some(row) => Ok(Json(Document::from(row)).into_response()),
        None => keep(app, caller.user_id, upload, &sha256).await,
    }
}

/// The document that is there already; one that failed, or that the index has lost, is tried again, and an earlier version
/// becomes the newest one. None when it was deleted meanwhile.
async fn known(app: &App, row: Row, upload: &Upload) -> Result<Option<Row>, Problem> {
    if row.is_superseded || document_versions::is_overtaken(&app.db, &row).await? {
        return renew(app, row, upload).await;
    }
    let again = match row.status {
        Status::Failed => true,
        Status::Ready => !is_indexed(app, &row).await,
        Status::Pending | Status::Processing => false,
    };
    if again { try_again(app, row, upload).await } else { Ok(Some(row)) }
}

/// An index that does not answer says nothing about the document.
async fn is_indexed(app: &App, row: &Row) -> bool {
    match timeout(INDEX_DEADLINE, app.qdrant.count_document(row.id)).await {
        Ok(Ok(points)) => points >= u64::try_from(row.chunk_count).unwrap_or_default(),
        Ok(Err(VectorError::CollectionMissing(_))) => false,
        Ok(Err(_)) | Err(_) => true,
    }
}

async fn keep(app: &App, user_id: Uuid, upload: Upload, sha256: &str) -> Result<Response, Problem> {
    let id = Uuid::now_v7();
    let object_key = format!("{}documents/{user_id}/{id}", app.config.environment.resource_prefix);
    let document = NewDocument {
        id,
        user_id,
        title: &upload.title,
        media_type: &upload.media_type,
        bytes: i64::try_from(upload.content.len()).unwrap_or(i64::MAX),
        sha256,
        object_key: &object_key,
    };
    app.objects.put(&object_key, upload.content.clone()).await?;
    match insert(app, &document).await {
        Ok(row) => Ok(created(row)),
        Err(NotStored::Certainly(problem)) => {
            forget(app, &object_key).await;
            // Someone uploaded the same content at the same time: theirs is the document.
            let other = documents::find_by_sha256(&app.db, user_id, sha256).await?;
            Ok(Json(Document::from(other.ok_or(problem)?)).into_response())
        }
        Err(NotStored::Perhaps(problem)) => after_silence(app, &document, problem).await,
    }
}

fn created(row: Row) -> Response {
    let location = [(header::LOCATION, format!("/api/v1/documents/{}", row.id))];
    (StatusCode::CREATED, location, Json(Document::from(row))).into_response()
}

/// There is no new row, or nobody knows.
enum NotStored {
    /// Nothing was committed.
    Certainly(Problem),
    /// The commit was not answered: the row may be there, or come to be there yet.
    Perhaps(Problem),
}

impl<E: Into<Problem>> From<E> for NotStored {
    fn from(error: E) -> Self {
        Self::Certainly(error.into())
    }
}

async fn insert(app: &App, document: &NewDocument<'_>) -> Result<Row, NotStored> {
    let mut tx = app.db.begin().await?;
    document_versions::lock(&mut tx, document.user_id, document.title).await?;
    let row = documents::create(&mut *tx, document).await?;
    app.queue.enqueue_ingest(&mut tx, document.id).await.map_err(|error| super::not_enqueued(&error))?;
    tx.commit().await.map_err(|error| NotStored::Perhaps(error.into()))?;
    Ok(row)
}

/// The upload stays, because the row may come to be there yet; a job of later looks again.
async fn after_silence(app: &App, document: &NewDocument<'_>, problem: Problem) -> Result<Response, Problem> {
    if let Ok(Some(row)) = documents::get(&app.db, document.id).await {
        return Ok(created(row));
    }
    if let Err(later) = check_later(app, document).await {
        tracing::warn!(?later, document.object_key, "an upload stays whose document may not exist");
    }
    Err(problem)
}

async fn check_later(app: &App, document: &NewDocument<'_>) -> Result<(), Problem> {
    let mut tx = app.db.begin().await?;
    let check = app.queue.enqueue_check(&mut tx, document.id, document.object_key.to_owned(), app.clock.now());
    check.await.map_err(|error| super::not_enqueued(&error))?;
    Ok(tx.commit().await?)
}

/// The upload is kept again: that it is missing may be why the document failed. None when the document was deleted
/// meanwhile.
async fn try_again(app: &App, row: Row, upload: &Upload) -> Result<Option<Row>, Problem> {
    app.objects.put(&row.object_key, upload.content.clone()).await?;
    let mut tx = app.db.begin().await?;
    if !documents::mark_pending(&mut *tx, &row).await? {
        return as_it_is_now(app, &mut tx, &row).await;
    }
    app.queue.enqueue_ingest(&mut tx, row.id).await.map_err(|error| super::not_enqueued(&error))?;
    tx.commit().await?;
    Ok(Some(Row { status: Status::Pending, error: None, ..row }))
}

/// An earlier version is uploaded again: it is wanted in the place of the later ones.
async fn renew(app: &App, row: Row, upload: &Upload) -> Result<Option<Row>, Problem> {
    app.objects.put(&row.object_key, upload.content.clone()).await?;
    let title = if row.is_superseded { upload.title.as_str() } else { row.title.as_str() };
    let mut tx = app.db.begin().await?;
    document_versions::lock(&mut tx, row.user_id, title).await?;
    let Some(renewed) = document_versions::renew(&mut tx, &row, title).await? else {
        return as_it_is_now(app, &mut tx, &row).await;
    };
    app.queue.enqueue_ingest(&mut tx, row.id).await.map_err(|error| super::not_enqueued(&error))?;
    tx.commit().await?;
    Ok(Some(renewed))
}

/// Somebody was faster. What was kept again for a document that is gone by now is removed.
async fn as_it_is_now(app: &App, connection: &mut PgConnection, row: &Row) -> Result<Option<Row>, Problem> {
    let now = documents::get(connection, row.id).await?;
    if now.is_none() {
        forget(app, &row.object_key).await;
    }
    Ok(now)
}

async fn forget(app: &App, object_key: &str) {
    if let Err(error) = app.objects.delete(object_key).await {
        tracing::warn!(%error, object_key, "an upload without a document stays in the object store");
    }
}
