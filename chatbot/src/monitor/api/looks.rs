//! What can be seen.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;

use crate::monitor::fields::Fields;
use crate::monitor::overview::Overview;
use crate::monitor::past::{self, Past, PastQuery};
use crate::monitor::refusal::{ProblemDocument, Refusal};
use crate::monitor::state::Monitor;
use crate::monitor::tasks::{PAGE, TaskPage, TaskQuery, TaskView};
use crate::monitor::visitor::Visitor;
use crate::store::jobs::tasks;

/// Queues, workers, jobs in work, schedules and alarms.
#[utoipa::path(get, path = "/overview", responses(
    (status = OK, body = Overview), (status = UNAUTHORIZED, body = ProblemDocument),
    (status = SERVICE_UNAVAILABLE, body = ProblemDocument)))]
pub(super) async fn overview(_: Visitor, State(monitor): State<Monitor>) -> Result<Json<Overview>, Refusal> {
    Ok(Json(monitor.live.now().await?.overview.clone()))
}

/// Tasks, the newest first, 50 a page.
#[utoipa::path(get, path = "/tasks", params(TaskQuery), responses(
    (status = OK, body = TaskPage), (status = UNAUTHORIZED, body = ProblemDocument),
    (status = UNPROCESSABLE_ENTITY, body = ProblemDocument), (status = SERVICE_UNAVAILABLE, body = ProblemDocument)))]
pub(super) async fn tasks(_: Visitor, State(monitor): State<Monitor>, uri: Uri) -> Result<Json<TaskPage>, Refusal> {
    let query: TaskQuery = query(&uri).typed()?;
    let found = tasks::list(&monitor.app.db, &query.filter()?, PAGE + 1).await?;
    Ok(Json(TaskPage::new(found, &monitor.live.now().await?.overview)))
}

/// One task, with all of its failures and what is the matter with it.
#[utoipa::path(get, path = "/tasks/{id}", params(("id" = i64, Path)), responses(
    (status = OK, body = TaskView), (status = UNAUTHORIZED, body = ProblemDocument),
    (status = NOT_FOUND, body = ProblemDocument), (status = SERVICE_UNAVAILABLE, body = ProblemDocument)))]
pub(super) async fn task(
    _: Visitor,
    State(monitor): State<Monitor>,
    Path(id): Path<String>,
) -> Result<Json<TaskView>, Refusal> {
    Ok(Json(find(&monitor, &id).await?))
}

/// What became of jobs over time: rates, latencies, how full queues were.
#[utoipa::path(get, path = "/history", params(PastQuery), responses(
    (status = OK, body = Past), (status = UNAUTHORIZED, body = ProblemDocument),
    (status = UNPROCESSABLE_ENTITY, body = ProblemDocument), (status = SERVICE_UNAVAILABLE, body = ProblemDocument)))]
pub(super) async fn history(_: Visitor, State(monitor): State<Monitor>, uri: Uri) -> Result<Json<Past>, Refusal> {
    let query: PastQuery = query(&uri).typed()?;
    Ok(Json(past::look(&monitor.app, query.window).await?))
}

/// The fields of an address.
pub(in crate::monitor) fn query(uri: &Uri) -> Fields {
    Fields::parse(uri.query().unwrap_or_default().as_bytes())
}

/// The id of a task in an address; what is no number is no task's.
pub(in crate::monitor) fn id(text: &str) -> Result<i64, Refusal> {
    text.parse().map_err(|_| Refusal::NotFound("task"))
}

/// The task with this id.
pub(in crate::monitor) async fn find(monitor: &Monitor, text: &str) -> Result<TaskView, Refusal> {
    let task = tasks::get(&monitor.app.db, id(text)?).await?.ok_or(Refusal::NotFound("task"))?;
    Ok(TaskView::new(task, &monitor.live.now().await?.overview))
}
