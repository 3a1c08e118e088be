use std::io;
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;
use axum::routing::get;
use tower::ServiceExt;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

/// What was logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn request(method: &str, path: &str) -> Request {
    Request::builder().method(method).uri(path).header(REQUEST_ID, "given-1").body(Body::empty()).unwrap()
}

#[test]
fn only_a_harmless_request_id_of_the_client_is_kept() {
    let long = "x".repeat(65);
    for (id, expected) in [("abc-1.2_3", true), ("", false), ("a b", false), ("a\"b", false), (long.as_str(), false)] {
        assert_eq!(is_harmless(&HeaderValue::from_str(id).unwrap()), expected, "{id}");
    }
}

#[tokio::test]
async fn an_error_names_its_request_whatever_the_log_level() {
    for level in [LevelFilter::ERROR, LevelFilter::WARN, LevelFilter::INFO] {
        let lines = Lines::default();
        let kept = lines.clone();
        let logs = crate::telemetry::logs(true, level, move || lines.clone());
        let _logging = tracing::subscriber::set_default(tracing_subscriber::registry().with(logs));
        let fails = async || {
            tracing::error!("it failed");
            StatusCode::INTERNAL_SERVER_ERROR
        };
        let router: Router = Router::new().route("/fails", get(fails)).layer(from_fn(trace)).layer(from_fn(identify));
        router.oneshot(request("GET", "/fails")).await.unwrap();
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let line = text.lines().find(|line| line.contains("it failed")).expect("the error is logged");
        assert!(line.contains("\"request_id\":\"given-1\""), "{level}: {line}");
    }
}

#[tokio::test]
async fn neither_a_path_nor_a_method_that_a_client_invents_becomes_a_label() {
    let metrics = Metrics::new();
    let router: Router = Router::new()
        .route("/known", get(async || "known"))
        .fallback(not_found)
        .layer(from_fn_with_state(metrics.clone(), measure));
    for number in 0..3 {
        router.clone().oneshot(request(&format!("M{number}"), &format!("/{number}"))).await.unwrap();
    }
    let labels = RequestLabels { method: OTHER.to_owned(), path: UNMATCHED.to_owned(), status: 404 };
    assert_eq!(metrics.http_requests.get_or_create(&labels).get(), 3);
}

#[tokio::test]
async fn answers_end_their_connection_once_the_process_is_being_stopped() {
    let draining = Draining::default();
    let router: Router = Router::new()
        .route("/known", get(async || "known"))
        .layer(from_fn_with_state(draining.clone(), end_connections));
    let answer = async || router.clone().oneshot(request("GET", "/known")).await.unwrap();
    assert_eq!(answer().await.headers().get("connection"), None);
    draining.begin();
    assert_eq!(answer().await.headers()["connection"], "close");
}
