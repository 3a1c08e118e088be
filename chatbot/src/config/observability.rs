//! Logs and traces.
//!
//! | variable | form | default |
//! |---|---|---|
//! | LOG_LEVEL | DEBUG, INFO, WARNING, ERROR or CRITICAL (TRACE and WARN too) | DEBUG in dev, INFO in stage, WARNING in prod |
//! | LOG_FORMAT | json or text | text on a terminal, else json |
//! | OTEL_EXPORTER_OTLP_ENDPOINT | URL of an OTLP/HTTP collector | none: no traces leave the process |

use tracing::level_filters::LevelFilter;
use url::Url;

use super::{
    environment::Tier,
    reader::{Reader, parse},
};

/// How the process reports on itself.
#[derive(Clone, Debug)]
pub struct Observability {
    /// Least severe level that is logged.
    pub log_level: LevelFilter,
    /// JSON lines (true), readable text (false), or by what stderr is (None).
    pub json: Option<bool>,
    /// Collector of traces.
    pub otlp_endpoint: Option<Url>,
}

impl Observability {
    pub(super) fn read(reader: &mut Reader<'_>, tier: Option<Tier>) -> Self {
        let default = match tier {
            Some(Tier::Dev) => LevelFilter::DEBUG,
            Some(Tier::Prod) => LevelFilter::WARN,
            Some(Tier::Stage) | None => LevelFilter::INFO,
        };
        Self {
            log_level: reader.or("LOG_LEVEL", "DEBUG, INFO, WARNING, ERROR or CRITICAL", default, level),
            json: reader.optional("LOG_FORMAT", "json or text", format),
            otlp_endpoint: reader.optional(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "an http or https URL such as http://collector:4318",
                parse::http_url,
            ),
        }
    }
}

/// Python's names and tracing's own.
fn level(text: &str) -> Option<LevelFilter> {
    match text.to_ascii_uppercase().as_str() {
        "TRACE" => Some(LevelFilter::TRACE),
        "DEBUG" => Some(LevelFilter::DEBUG),
        "INFO" => Some(LevelFilter::INFO),
        "WARNING" | "WARN" => Some(LevelFilter::WARN),
        "ERROR" | "CRITICAL" | "FATAL" => Some(LevelFilter::ERROR),
        _ => None,
    }
}

fn format(text: &str) -> Option<bool> {
    match text {
        "json" => Some(true),
        "text" => Some(false),
        _ => None,
    }
}
