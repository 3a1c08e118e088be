//! Asks every service for a sign of life, all at once, each within a deadline.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use tokio::time::timeout;

use super::outage::{Classified, EMBEDDING, LLM, OBJECTS, POSTGRESQL, QDRANT, REDIS, Subject};
use super::{Report, Required, Schema, Service};
use crate::{
    app::App,
    error::{CheckError, Outage},
    llm::Listed,
    migrate::{self, Compatibility},
    store::{self, StoreError, document_index, schema::Recorded},
    vectors::VectorError,
};

const UNLISTED: &str = "ok; the upstream's list of models does not name LLM_MODEL: correct it, unless it is an alias";
/// Longest wait for one service.
const DEADLINE: Duration = Duration::from_secs(3);

pub(super) async fn run(app: &App) -> Report {
    let (required, redis, qdrant, objects, llm, embedding) = tokio::join!(
        required(app),
        check(app, &REDIS, app.redis.ping()),
        check(app, &QDRANT, qdrant(app)),
        objects(app),
        llm(app),
        check(app, &EMBEDDING, app.embedder.ping()),
    );
    Report::new(app.config.environment.release_id.clone(), required, vec![redis, qdrant, objects, llm, embedding])
}

/// PostgreSQL's health and the schema come out of the same question.
pub(super) async fn required(app: &App) -> Required {
    let mut applied = Vec::new();
    let service = check(app, &POSTGRESQL, async {
        applied = store::schema::recorded(&app.db_checks).await?;
        Ok::<(), StoreError>(())
    })
    .await;
    let (schema, schema_message) = judge(&applied, service.healthy);
    Required { postgresql: Service { required: true, ..service }, schema, schema_message }
}

async fn check<E: Display + Classified>(
    app: &App,
    subject: &Subject,
    ask: impl Future<Output = Result<(), E>>,
) -> Service {
    let started = Instant::now();
    let trouble = match timeout(DEADLINE, ask).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some((error.outage(), error.to_string())),
        Err(_elapsed) => Some((Outage::TimedOut, format!("no answer within {} seconds", DEADLINE.as_secs()))),
    };
    let message = trouble.as_ref().map_or_else(|| "ok".to_owned(), |(outage, _)| subject.words(*outage));
    let detail = trouble.map(|(_, detail)| detail);
    app.health.troubles.note(subject.name, detail.as_deref());
    let (name, healthy) = (subject.name, detail.is_none());
    Service { name, healthy, required: false, message, detail, latency_ms: milliseconds(started) }
}

fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 10_000.0).round() / 10.0
}

/// An index that is not there, or empty, is a lost one as soon as there are documents that were in it.
async fn qdrant(app: &App) -> Result<(), VectorError> {
    let holds_something = app.qdrant.ping().await?.is_some_and(|layout| layout.points != Some(0));
    // A database that does not answer has a check of its own.
    if holds_something || !document_index::any_indexed(&app.db_checks).await.unwrap_or(false) {
        return Ok(());
    }
    Err(VectorError::Lost(app.qdrant.collection().to_owned()))
}

/// A model that the list does not name may be an alias: that is told, and is no outage.
async fn llm(app: &App) -> Service {
    let mut listed = Listed::Unknown;
    let service = check(app, &LLM, async {
        listed = app.llm.ping().await?;
        Ok::<(), CheckError>(())
    })
    .await;
    let message = if service.healthy && listed == Listed::No { UNLISTED.to_owned() } else { service.message };
    Service { message, ..service }
}

/// No store configured is a choice, not an outage.
async fn objects(app: &App) -> Service {
    if app.objects.is_configured() {
        return check(app, &OBJECTS, app.objects.ping()).await;
    }
    let message = "not configured: documents cannot be uploaded (set MINIO_URL)".to_owned();
    Service { name: OBJECTS.name, healthy: true, required: false, message, detail: None, latency_ms: 0.0 }
}

fn judge(applied: &[Recorded], reachable: bool) -> (Schema, String) {
    match migrate::embedded() {
        Ok(migrations) => {
            let verdict = Compatibility::new(&migrations, applied);
            let message = verdict.message();
            let compatible = reachable && verdict.is_compatible();
            (Schema { current: verdict.current, required: verdict.required, compatible }, message)
        }
        Err(error) => (Schema::default(), error.to_string()),
    }
}
