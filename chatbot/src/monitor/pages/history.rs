//! Rates and latencies over time.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use maud::{Markup, html};

use super::charts::{self, Line, moment};
use super::frame::{Frame, Place};
use super::parts::{nothing, number, span};
use crate::monitor::api::query;
use crate::monitor::past::{self, Kind, Past, PastQuery, Span, Step};
use crate::monitor::refusal::Refusal;
use crate::monitor::state::Monitor;

/// What became of tasks over time.
pub(super) async fn show(frame: Frame, State(monitor): State<Monitor>, uri: Uri) -> Result<Response, Refusal> {
    let asked: PastQuery = query(&uri).typed()?;
    let past = past::look(&monitor.app, asked.window).await?;
    let content = html! {
        h1 { "History" }
        nav.tabs aria-label="Window" {
            @for window in Span::ALL {
                a href={ "/history?window=" (window.as_str()) } aria-current=[(window == asked.window).then_some("true")] { (window.as_str()) }
            }
        }
        (charts::rates(&past))
        (charts::times("Time in work", &past, &[
            line("half of them", "running", &past, |step| step.run_p50),
            line("95 of 100", "retryable", &past, |step| step.run_p95),
        ]))
        (charts::times("Time until taken, 95 of 100", &past, &[line("waited", "scheduled", &past, |step| step.wait_p95)]))
        (charts::numbers("Waiting by queue", &past, &charts::depth_lines(&past)))
        h2 { "By kind" }
        (by_kind(&past.kinds))
        (as_table(&past))
    };
    Ok(frame.page("History", Some(Place::History), &content))
}

fn line<'a>(name: &str, class: &'a str, past: &Past, value: impl Fn(&Step) -> Option<f64>) -> Line<'a> {
    Line { name: name.to_owned(), class, values: past.steps.iter().map(value).collect() }
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), span)
}

fn by_kind(kinds: &[Kind]) -> Markup {
    html! {
        @if kinds.is_empty() { (nothing("Nothing ran in this time.")) } @else {
            table.list {
                thead { tr { th { "Kind" } th { "Done" } th { "Failed attempts" } th { "Given up" } th { "Cancelled" } th { "Half in" } th { "95 of 100 in" } } }
                tbody { @for kind in kinds {
                    tr {
                        td data-label="Kind" { a href={ "/tasks?kind=" (kind.name) } { (kind.name) } }
                        td data-label="Done" { (number(kind.completed)) }
                        td data-label="Failed attempts" { (number(kind.failed)) }
                        td data-label="Given up" { (number(kind.discarded)) }
                        td data-label="Cancelled" { (number(kind.cancelled)) }
                        td data-label="Half in" { (seconds(kind.run_p50)) }
                        td data-label="95 of 100 in" { (seconds(kind.run_p95)) }
                    }
                } }
            }
        }
    }
}

/// The charts in words, for those who do not see them.
fn as_table(past: &Past) -> Markup {
    let busy: Vec<&Step> = past.steps.iter().filter(|step| !step.jobs.is_empty()).collect();
    html! {
        details {
            summary { "The same as a table (" (busy.len()) " steps in which something ran)" }
            table.list {
                thead { tr { th { "From (UTC)" } th { "Tasks" } th { "Half in" } th { "95 of 100 in" } th { "Waited" } } }
                tbody { @for step in busy {
                    tr {
                        td data-label="From (UTC)" { (moment(step.at, past.window)) }
                        td data-label="Tasks" { @for (outcome, jobs) in &step.jobs { span.tag { (jobs) " " (outcome) } } }
                        td data-label="Half in" { (seconds(step.run_p50)) }
                        td data-label="95 of 100 in" { (seconds(step.run_p95)) }
                        td data-label="Waited" { (seconds(step.wait_p95)) }
                    }
                } }
            }
        }
    }
}
