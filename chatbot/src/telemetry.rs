//! Logs on stderr (JSON lines, or text on a terminal), traces to an OTLP collector when one is configured.

use std::{
    io::{IsTerminal, stderr},
    sync::atomic::{AtomicU64, Ordering},
};

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Event, Level, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer, Registry,
    filter::{FilterFn, Targets, filter_fn},
    fmt::MakeWriter,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};
use url::Url;

use crate::config::observability::Observability;

/// Where sqlx reports each statement.
const STATEMENTS: &str = "sqlx::query";

static STATEMENT_COUNT: AtomicU64 = AtomicU64::new(0);

/// Statements sent to PostgreSQL since the start.
#[must_use]
pub fn statements() -> u64 {
    STATEMENT_COUNT.load(Ordering::Relaxed)
}

/// Logs or traces cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The exporter.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// The second call.
    #[error("logging is already set up")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Sends the last traces when dropped.
#[must_use]
pub struct Guard(Option<SdkTracerProvider>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Sets up logs and traces for the whole process; `service` names it to the collector.
///
/// # Errors
/// See [`TelemetryError`].
pub fn init(config: &Observability, service: &'static str, release_id: &str) -> Result<Guard, TelemetryError> {
    let provider = config.otlp_endpoint.as_ref().map(|endpoint| provider(endpoint, service, release_id)).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(service))
            .with_filter(Targets::new().with_target("chatbot", Level::DEBUG))
    });
    let json = config.json.unwrap_or_else(|| !stderr().is_terminal());
    tracing_subscriber::registry()
        .with(logs(json, config.log_level, stderr))
        .with(traces)
        .with(CountStatements.with_filter(only_statements()))
        .try_init()?;
    Ok(Guard(provider))
}

/// Spans are filtered like events: one that its events need must have the level ERROR.
pub(crate) fn logs<W>(json: bool, level: LevelFilter, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let quiet = level.min(LevelFilter::WARN);
    let filter = Targets::new()
        .with_default(quiet)
        .with_target("chatbot", level)
        .with_target("riverqueue", level.min(LevelFilter::INFO));
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    if json {
        layer.json().flatten_event(true).with_current_span(true).with_span_list(false).with_filter(filter).boxed()
    } else {
        layer.with_target(false).with_filter(filter).boxed()
    }
}

fn provider(endpoint: &Url, service: &'static str, release_id: &str) -> Result<SdkTracerProvider, ExporterBuildError> {
    let traces = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
    let exporter = SpanExporter::builder().with_http().with_endpoint(traces).build()?;
    let release = opentelemetry::KeyValue::new("service.version", release_id.to_owned());
    let resource = Resource::builder().with_service_name(service).with_attribute(release).build();
    Ok(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build())
}

/// Counts what sqlx reports, whether it is logged or not.
struct CountStatements;

impl<S: Subscriber> Layer<S> for CountStatements {
    fn on_event(&self, _event: &Event<'_>, _context: Context<'_, S>) {
        STATEMENT_COUNT.fetch_add(1, Ordering::Relaxed);
    }
}

fn only_statements() -> FilterFn {
    filter_fn(|metadata: &Metadata<'_>| metadata.target() == STATEMENTS)
}
