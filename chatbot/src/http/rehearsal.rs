//! `POST /health/question`: the operator has a question answered before it sends users to a release.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::{Problem, ProblemDocument};
use super::state::Http;
use super::v1::{Measured, UserLibrary};
use crate::chat::{self, FinishReason, Service};
use crate::check_token;
use crate::metrics::Metrics;

/// A model that needs longer for one word is of no use to a person who waits.
const DEADLINE: Duration = Duration::from_secs(20);

/// An answer was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rehearsal {
    /// How long it took.
    milliseconds: u64,
    /// Services that it had to do without.
    missing: Vec<Service>,
}

/// Whether a question can be answered.
///
/// A short question takes the way of every question, from the search to the model's last word, and nothing of it is kept. For
/// the operator: the token is made from SECRET_KEY and RELEASE_ID.
#[utoipa::path(post, path = "/health/question", tag = "operations", security(()), responses(
    (status = OK, body = Rehearsal, description = "It was answered"),
    (status = UNAUTHORIZED, body = ProblemDocument, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = ProblemDocument, content_type = "application/problem+json"),
    (status = GATEWAY_TIMEOUT, body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn question(State(http): State<Http>, headers: HeaderMap) -> Result<Json<Rehearsal>, Problem> {
    let config = &http.app.config;
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let is_known = |given| check_token::is_token(given, &config.secret_key, &config.environment.release_id);
    bearer.filter(|given| is_known(given)).ok_or(Problem::Unauthorized)?;

    let started = Instant::now();
    let library = UserLibrary::new(&http, Uuid::nil());
    // It is nobody's question, so it counts in nobody's figures.
    let model = Measured { client: http.app.llm.clone(), metrics: Metrics::new() };
    let answer = timeout(DEADLINE, chat::rehearse(&library, &model)).await.map_err(|_| Problem::Timeout)?;
    match answer.finish_reason {
        FinishReason::Stop | FinishReason::Length => {
            let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            Ok(Json(Rehearsal { milliseconds, missing: answer.missing }))
        }
        FinishReason::Cancelled | FinishReason::Stopped | FinishReason::Error => {
            Err(Problem::Unavailable("the model gave no answer"))
        }
    }
}
