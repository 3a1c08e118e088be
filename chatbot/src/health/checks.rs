//! Asks every service for a sign of life, all at once, each within a deadline.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use tokio::time::timeout;

use super::{Report, Required, Schema, Service};
use crate::{
    app::App,
    migrate::{self, Compatibility},
    store::{self, StoreError},
};

/// Longest wait for one service.
const DEADLINE: Duration = Duration::from_secs(3);

pub(super) async fn run(app: &App) -> Report {
    let (required, redis, qdrant, objects, llm, embedding) = tokio::join!(
        required(app),
        check("redis", app.redis.ping()),
        check("qdrant", app.qdrant.ping()),
        objects(app),
        check("llm", app.llm.ping()),
        check("embedding", app.embedder.ping()),
    );
    Report::new(app.config.environment.release_id.clone(), required, vec![redis, qdrant, objects, llm, embedding])
}

/// PostgreSQL's health and the schema come out of the same question.
pub(super) async fn required(app: &App) -> Required {
    let mut applied = Vec::new();
    let service = check("postgresql", async {
        applied = store::schema::applied(&app.db).await?;
        Ok::<(), StoreError>(())
    })
    .await;
    let (schema, schema_message) = judge(&applied, service.healthy);
    Required { postgresql: Service { required: true, ..service }, schema, schema_message }
}

async fn check<E: Display>(name: &'static str, ask: impl Future<Output = Result<(), E>>) -> Service {
    let started = Instant::now();
    let answer = timeout(DEADLINE, ask).await;
    let (healthy, message) = match answer {
        Ok(Ok(())) => (true, "ok".to_owned()),
        Ok(Err(error)) => (false, error.to_string()),
        Err(_elapsed) => (false, format!("no answer within {} seconds", DEADLINE.as_secs())),
    };
    Service { name, healthy, required: false, message, latency_ms: milliseconds(started) }
}

fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 10_000.0).round() / 10.0
}

/// No store configured is a choice, not an outage.
async fn objects(app: &App) -> Service {
    if app.objects.is_configured() {
        return check("objects", app.objects.ping()).await;
    }
    let message = "not configured: documents cannot be uploaded (set MINIO_URL)".to_owned();
    Service { name: "objects", healthy: true, required: false, message, latency_ms: 0.0 }
}

fn judge(applied: &[i64], reachable: bool) -> (Schema, String) {
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
