//! A release that ended, as one trace for an OTLP collector: a span for the release, and in it one for each of its steps.
//!
//! Everything is taken from the status, where the steps are kept: a release that outlived three operators is one trace all the
//! same, sent by the one that saw its end. Nothing waits for the collector.

use std::time::{Duration, SystemTime};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use opentelemetry::{
    Context, KeyValue,
    trace::{Span, SpanBuilder, Status, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use url::Url;

use crate::crd::{
    ChatbotEnvironment, ChatbotEnvironmentStatus,
    environment_status::{Outcome, PastRelease, Step},
};

/// Who sends.
const SERVICE: &str = "chatbot-operator";
/// For one attempt to send.
const DEADLINE: Duration = Duration::from_secs(10);

/// For everything that is left when the process ends.
const LAST_WORDS: Duration = Duration::from_secs(8);

/// Where releases are told to; without a collector it takes them and does nothing.
#[derive(Debug, Clone, Default)]
pub struct Traces(Option<SdkTracerProvider>);

/// The collector cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// It is no address.
    #[error(
        "OTEL_EXPORTER_OTLP_ENDPOINT is no http:// or https:// URL: write the collector's address for OTLP over HTTP, such as http://otel:4318"
    )]
    Address,
    /// The exporter.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used: {0}")]
    Exporter(#[from] ExporterBuildError),
}

impl Traces {
    /// Sends to `endpoint`, the base address of a collector that speaks OTLP over HTTP. An empty one is none.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn start(endpoint: Option<&str>) -> Result<Self, TracesError> {
        let Some(endpoint) = endpoint.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(Self(None)) };
        let url = Url::parse(endpoint).map_err(|_| TracesError::Address)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TracesError::Address);
        }
        let address = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let exporter = SpanExporter::builder().with_http().with_endpoint(address).with_timeout(DEADLINE).build()?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name(SERVICE).with_attribute(version).build();
        Ok(Self(Some(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build())))
    }

    /// Tells of the releases that ended between two statuses of an environment.
    pub fn tell(
        &self,
        environment: &ChatbotEnvironment,
        before: &ChatbotEnvironmentStatus,
        after: &ChatbotEnvironmentStatus,
    ) {
        let Some(provider) = &self.0 else { return };
        for past in after.history.iter().filter(|past| !before.history.contains(past)) {
            send(&provider.tracer(SERVICE), &Ended::of(environment, past, after));
        }
    }

    /// Sends what was not sent yet, and blocks meanwhile: with the last notifications it stays within the pod's 15 seconds of grace.
    pub fn end(self) {
        if let Some(Err(error)) = self.0.map(|provider| provider.shutdown_with_timeout(LAST_WORDS)) {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// A release that ended, in the words of a trace.
#[derive(Debug)]
struct Ended {
    release: Part,
    steps: Vec<Part>,
}

/// What becomes one span.
#[derive(Debug)]
struct Part {
    name: String,
    began: SystemTime,
    ended: SystemTime,
    failed: Option<String>,
    attributes: Vec<KeyValue>,
}

impl Ended {
    fn of(environment: &ChatbotEnvironment, past: &PastRelease, after: &ChatbotEnvironmentStatus) -> Self {
        let attributes = vec![
            KeyValue::new("k8s.namespace.name", environment.namespace().unwrap_or_default()),
            KeyValue::new("chatbot.environment", environment.name_any()),
            KeyValue::new("chatbot.tier", environment.spec.tier.to_string()),
            KeyValue::new("chatbot.release.id", past.id.clone()),
            KeyValue::new("chatbot.release.outcome", outcome(past.outcome)),
            KeyValue::new("chatbot.release.schema", past.schema.clone().unwrap_or_default()),
            KeyValue::new("container.image.name", past.image.clone()),
        ];
        let release = Part {
            name: format!("release {}/{}", environment.namespace().unwrap_or_default(), environment.name_any()),
            began: at(&past.started_at),
            ended: at(&past.finished_at),
            failed: failure(past.outcome, &past.message),
            attributes,
        };
        let steps = after.release.iter().flat_map(|release| &release.steps);
        // The log is that of the release that ended last.
        let own =
            steps.filter(|step| step.started_at.0 >= past.started_at.0 && step.started_at.0 <= past.finished_at.0);
        Self { release, steps: own.map(|step| of_step(step, past)).collect() }
    }
}

fn of_step(step: &Step, past: &PastRelease) -> Part {
    let attributes = vec![
        KeyValue::new("chatbot.step.outcome", outcome(step.outcome)),
        KeyValue::new("chatbot.step.message", step.message.clone()),
    ];
    Part {
        name: step.name.to_string(),
        began: at(&step.started_at),
        ended: at(step.finished_at.as_ref().unwrap_or(&past.finished_at)),
        failed: failure(step.outcome, &step.message),
        attributes,
    }
}

fn send(tracer: &impl Tracer, ended: &Ended) {
    let root = tracer.build_with_context(builder(&ended.release), &Context::new());
    let within = Context::new().with_remote_span_context(root.span_context().clone());
    for step in &ended.steps {
        finish(tracer.build_with_context(builder(step), &within), step);
    }
    finish(root, &ended.release);
}

fn builder(part: &Part) -> SpanBuilder {
    SpanBuilder::from_name(part.name.clone()).with_start_time(part.began).with_attributes(part.attributes.clone())
}

fn finish(mut span: impl Span, part: &Part) {
    span.set_status(part.failed.clone().map_or(Status::Ok, Status::error));
    span.end_with_timestamp(part.ended);
}

fn failure(outcome: Outcome, message: &str) -> Option<String> {
    matches!(outcome, Outcome::Failed | Outcome::RolledBack).then(|| message.to_owned())
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Running => "running",
        Outcome::Succeeded => "succeeded",
        Outcome::Skipped => "skipped",
        Outcome::Failed => "failed",
        Outcome::RolledBack => "rolled_back",
        Outcome::Superseded => "superseded",
    }
}

fn at(time: &Time) -> SystemTime {
    time.0.into()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;
    use crate::{controllers::environment::resolve::fixtures, crd::Tier};

    fn taken_back() -> ChatbotEnvironmentStatus {
        serde_json::from_value(json!({
            "release": {
                "phase": "Failed",
                "steps": [
                    {"name": "Migrate", "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:04Z",
                     "outcome": "Succeeded", "message": "schema 20260101000600"},
                    {"name": "Bake", "startedAt": "2026-01-01T00:00:04Z", "finishedAt": "2026-01-01T00:01:04Z",
                     "outcome": "Failed", "message": "9 % of requests failed"},
                ],
            },
            "history": [{"id": "0123456789", "image": "chatbot:2", "startedAt": "2026-01-01T00:00:00Z",
                "finishedAt": "2026-01-01T00:01:06Z", "outcome": "RolledBack", "message": "9 % of requests failed"}],
        }))
        .unwrap()
    }

    fn seconds(part: &Part) -> u64 {
        part.ended.duration_since(part.began).unwrap().as_secs()
    }

    #[test]
    fn a_release_is_a_span_with_its_steps_in_it_as_long_as_they_took() {
        let after = taken_back();
        let ended = Ended::of(&fixtures::minimal(Tier::Dev), &after.history[0], &after);
        let told: Vec<_> = [&ended.release].into_iter().chain(&ended.steps).collect();
        let told: Vec<_> =
            told.into_iter().map(|part| (part.name.as_str(), seconds(part), part.failed.as_deref())).collect();
        let failed = Some("9 % of requests failed");
        assert_eq!(told[1..], [("Migrate", 4, None), ("Bake", 60, failed)]);
        assert!(told[0].0.ends_with("/dev") && told[0].1 == 66 && told[0].2 == failed, "{told:?}");
    }

    /// A collector, and what it was sent.
    async fn collector() -> (String, Arc<Mutex<Vec<u8>>>, tokio::task::JoinSet<()>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let take = move |body: axum::body::Bytes| {
            log.lock().unwrap().extend_from_slice(&body);
            std::future::ready(axum::http::StatusCode::OK)
        };
        let app = axum::Router::new().route("/v1/traces", axum::routing::post(take));
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });
        (url, seen, tasks)
    }

    #[tokio::test]
    async fn a_release_reaches_the_collector_once_and_at_the_latest_when_the_operator_ends() {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let (url, seen, _tasks) = collector().await;
        let (before, after) = (ChatbotEnvironmentStatus::default(), taken_back());
        // The exporter has a thread and a runtime of its own: it is made and ended outside of this one.
        let ended = tokio::task::spawn_blocking(move || {
            let traces = Traces::start(Some(&url)).unwrap();
            let environment = fixtures::minimal(Tier::Dev);
            traces.tell(&environment, &before, &after);
            traces.tell(&environment, &after, &after);
            traces.end();
        });
        ended.await.unwrap();
        let sent = String::from_utf8_lossy(&seen.lock().unwrap()).into_owned();
        for words in [SERVICE, "0123456789", "rolled_back", "Migrate", "Bake", "9 % of requests failed", "chatbot:2"] {
            assert!(sent.contains(words), "{words} is missing in {sent}");
        }
        assert_eq!(sent.matches("0123456789").count(), 1, "{sent}");
    }

    #[test]
    fn what_is_no_address_is_said() {
        for address in ["otel:4318", "otel", "grpc://otel:4317"] {
            assert!(matches!(Traces::start(Some(address)), Err(TracesError::Address)), "{address}");
        }
    }

    #[test]
    fn without_a_collector_nothing_is_sent() {
        let traces = Traces::start(Some("")).unwrap();
        traces.tell(&fixtures::minimal(Tier::Dev), &ChatbotEnvironmentStatus::default(), &taken_back());
        traces.end();
    }
}
