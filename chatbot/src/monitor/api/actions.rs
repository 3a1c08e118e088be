//! What can be done. Each of them may be asked for twice: the second time changes nothing, and the answer says so.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;

use super::looks::{id, query};
use crate::monitor::actions::{self, Done, Verb};
use crate::monitor::refusal::{ProblemDocument, Refusal};
use crate::monitor::state::Monitor;
use crate::monitor::tasks::TaskQuery;
use crate::monitor::visitor::Actor;

/// Tries a task again, cancels it, or gives it up.
#[utoipa::path(post, path = "/tasks/{id}/{verb}",
    params(("id" = i64, Path), ("verb" = String, Path, description = "retry, cancel or discard")),
    responses((status = OK, body = Done), (status = UNAUTHORIZED, body = ProblemDocument),
        (status = FORBIDDEN, body = ProblemDocument), (status = NOT_FOUND, body = ProblemDocument),
        (status = SERVICE_UNAVAILABLE, body = ProblemDocument)))]
pub(super) async fn task(
    Actor(person): Actor,
    State(monitor): State<Monitor>,
    Path((task, verb)): Path<(String, String)>,
) -> Result<Json<Done>, Refusal> {
    let verb = Verb::named(&verb).ok_or(Refusal::NoRoute)?;
    Ok(Json(actions::task(&monitor, &person, verb, id(&task)?).await?))
}

/// Tries all tasks again that match, 500 at most.
#[utoipa::path(post, path = "/tasks/retry", params(TaskQuery), responses(
    (status = OK, body = Done), (status = UNAUTHORIZED, body = ProblemDocument),
    (status = FORBIDDEN, body = ProblemDocument), (status = UNPROCESSABLE_ENTITY, body = ProblemDocument),
    (status = SERVICE_UNAVAILABLE, body = ProblemDocument)))]
pub(super) async fn retry_all(
    Actor(person): Actor,
    State(monitor): State<Monitor>,
    uri: Uri,
) -> Result<Json<Done>, Refusal> {
    let query: TaskQuery = query(&uri).typed()?;
    Ok(Json(actions::retry_all(&monitor, &person, &query).await?))
}

/// Runs a schedule now; when it is due next stays as it was.
#[utoipa::path(post, path = "/schedules/{name}/run", params(("name" = String, Path)), responses(
    (status = OK, body = Done), (status = UNAUTHORIZED, body = ProblemDocument),
    (status = FORBIDDEN, body = ProblemDocument), (status = NOT_FOUND, body = ProblemDocument),
    (status = SERVICE_UNAVAILABLE, body = ProblemDocument)))]
pub(super) async fn run(
    Actor(person): Actor,
    State(monitor): State<Monitor>,
    Path(name): Path<String>,
) -> Result<Json<Done>, Refusal> {
    Ok(Json(actions::run(&monitor, &person, &name).await?))
}

/// Pauses a queue, or resumes it.
#[utoipa::path(post, path = "/queues/{name}/{verb}",
    params(("name" = String, Path), ("verb" = String, Path, description = "pause or resume")),
    responses((status = OK, body = Done), (status = UNAUTHORIZED, body = ProblemDocument),
        (status = FORBIDDEN, body = ProblemDocument), (status = NOT_FOUND, body = ProblemDocument),
        (status = SERVICE_UNAVAILABLE, body = ProblemDocument)))]
pub(super) async fn pause(
    Actor(person): Actor,
    State(monitor): State<Monitor>,
    Path((queue, verb)): Path<(String, String)>,
) -> Result<Json<Done>, Refusal> {
    Ok(Json(actions::pause(&monitor, &person, &queue, is_pause(&verb)?).await?))
}

/// pause or resume.
pub(in crate::monitor) fn is_pause(verb: &str) -> Result<bool, Refusal> {
    match verb {
        "pause" => Ok(true),
        "resume" => Ok(false),
        _ => Err(Refusal::NoRoute),
    }
}
