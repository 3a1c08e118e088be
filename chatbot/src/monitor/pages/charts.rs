//! Charts as SVG, made here. Shapes stretch with the page, words stand beside them in HTML, so that they stay readable; every
//! chart says in words what it shows.

use std::collections::BTreeSet;

use jiff::Timestamp;
use maud::{Markup, html};

use super::parts::{number, span};
use crate::monitor::past::{Past, Span, Step};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 160.0;
/// Outcomes from the bottom up, each with its class.
const OUTCOMES: [(&str, &str); 4] =
    [("completed", "completed"), ("failed", "retryable"), ("cancelled", "cancelled"), ("discarded", "discarded")];

/// A line of a chart.
pub(super) struct Line<'a> {
    pub(super) name: String,
    pub(super) class: &'a str,
    /// One value per step; None interrupts it.
    pub(super) values: Vec<Option<f64>>,
}

/// Jobs by outcome, as stacked bars.
pub(super) fn rates(past: &Past) -> Markup {
    let total = |step: &Step| step.jobs.values().sum::<i64>();
    let most = past.steps.iter().map(total).max().unwrap_or_default();
    let sum = |outcome: &str| past.steps.iter().filter_map(|step| step.jobs.get(outcome)).sum::<i64>();
    let told: Vec<String> = OUTCOMES.iter().map(|(name, _)| format!("{} {name}", number(sum(name)))).collect();
    let bars = html! {
        @for (index, step) in past.steps.iter().enumerate() { (bar(past, index, step, most.max(1))) }
    };
    let legend = html! { @for (name, class) in OUTCOMES { li.(class) { (name) " " b { (number(sum(name))) } } } };
    figure("Tasks by outcome", &told.join(", "), &format!("{most} / {}", step_name(past.window)), past, &bars, &legend)
}

fn bar(past: &Past, index: usize, step: &Step, most: i64) -> Markup {
    let width = WIDTH / float(past.steps.len().max(1));
    let (mut top, x) = (HEIGHT, width.mul_add(float(index), width * 0.1));
    let mut parts = Vec::new();
    for (outcome, class) in OUTCOMES {
        let jobs = step.jobs.get(outcome).copied().unwrap_or_default();
        let height = whole(jobs) / whole(most) * HEIGHT;
        top -= height;
        if jobs > 0 {
            parts.push(
                html! { rect.(class) x=(short(x)) y=(short(top)) width=(short(width * 0.8)) height=(short(height)) {} },
            );
        }
    }
    let told: Vec<String> = step.jobs.iter().map(|(outcome, jobs)| format!("{jobs} {outcome}")).collect();
    html! {
        @if !parts.is_empty() {
            g { title { (moment(step.at, past.window)) ": " (told.join(", ")) } @for part in &parts { (part) } }
        }
    }
}

/// Lines in seconds.
pub(super) fn times(title: &str, past: &Past, lines: &[Line<'_>]) -> Markup {
    let most = highest(lines);
    line_chart(title, &most.map_or_else(|| "no task".to_owned(), span), past, lines, most)
}

/// Lines of numbers.
pub(super) fn numbers(title: &str, past: &Past, lines: &[Line<'_>]) -> Markup {
    let most = highest(lines);
    line_chart(title, &most.map_or_else(|| "none".to_owned(), |most| format!("{most:.0}")), past, lines, most)
}

/// One line per queue that ever had something to wait.
pub(super) fn depth_lines(past: &Past) -> Vec<Line<'static>> {
    const CLASSES: [&str; 3] = ["running", "retryable", "scheduled"];
    let queues: BTreeSet<&String> = past.steps.iter().flat_map(|step| step.waiting.keys()).collect();
    let line = |(index, queue): (usize, &String)| Line {
        name: queue.clone(),
        class: CLASSES.get(index % CLASSES.len()).copied().unwrap_or("running"),
        values: past.steps.iter().enumerate().map(|(at, step)| waiting(past, at, step, queue)).collect(),
    };
    queues.into_iter().enumerate().map(line).collect()
}

/// An empty queue has no row; nor has the last step, until its minute is written.
fn waiting(past: &Past, index: usize, step: &Step, queue: &str) -> Option<f64> {
    let is_written = index + 1 < past.steps.len() || !step.waiting.is_empty();
    is_written.then(|| whole(step.waiting.get(queue).copied().unwrap_or_default()))
}

fn highest(lines: &[Line<'_>]) -> Option<f64> {
    lines.iter().flat_map(|line| &line.values).filter_map(|value| *value).max_by(f64::total_cmp)
}

fn line_chart(title: &str, top: &str, past: &Past, lines: &[Line<'_>], most: Option<f64>) -> Markup {
    let most = most.filter(|most| *most > 0.0).unwrap_or(1.0);
    let shapes = html! { @for line in lines { @for run in runs(line, most) { (run) } } };
    let legend = html! { @for line in lines { li.(line.class) { (line.name) } } };
    figure(title, &format!("highest: {top}"), top, past, &shapes, &legend)
}

/// The unbroken parts of a line; a single value is a dot.
fn runs(line: &Line<'_>, most: f64) -> Vec<Markup> {
    let step = WIDTH / float(line.values.len().max(1));
    let point = |(index, value): (usize, &Option<f64>)| {
        value.map(|value| {
            (step.mul_add(float(index), step / 2.0), (HEIGHT - 4.0).mul_add(-(value / most), HEIGHT - 2.0))
        })
    };
    let points: Vec<Option<(f64, f64)>> = line.values.iter().enumerate().map(point).collect();
    let parts = points.split(Option::is_none).map(|part| part.iter().flatten().copied().collect::<Vec<_>>());
    parts.filter(|part| !part.is_empty()).map(|part| drawn(&part, line.class)).collect()
}

fn drawn(points: &[(f64, f64)], class: &str) -> Markup {
    if let [(x, y)] = points {
        return html! { circle.(class) cx=(short(*x)) cy=(short(*y)) r="3" {} };
    }
    let text: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", short(*x), short(*y))).collect();
    html! { polyline.(class) points=(text.join(" ")) {} }
}

fn figure(title: &str, told: &str, top: &str, past: &Past, shapes: &Markup, legend: &Markup) -> Markup {
    let ends = (past.steps.first(), past.steps.last());
    html! {
        figure.chart {
            figcaption { strong { (title) } ul.legend { (legend) } }
            div.plot {
                span.top { (top) }
                svg role="img" aria-label={ (title) ": " (told) } preserveAspectRatio="none" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } {
                    line.grid x1="0" x2=(WIDTH) y1="1" y2="1" {}
                    line.grid x1="0" x2=(WIDTH) y1=(HEIGHT / 2.0) y2=(HEIGHT / 2.0) {}
                    line.grid x1="0" x2=(WIDTH) y1=(HEIGHT - 1.0) y2=(HEIGHT - 1.0) {}
                    (shapes)
                }
            }
            @if let (Some(first), Some(last)) = ends {
                p.axis { span { (moment(first.at, past.window)) } span { (moment(last.at, past.window)) " UTC" } }
            }
        }
    }
}

/// A step's beginning, as fine as the window needs it.
pub(super) fn moment(at: Timestamp, window: Span) -> String {
    let form = match window {
        Span::Hour | Span::Day => "%H:%M",
        Span::Week => "%d %b %H:%M",
        Span::Quarter => "%d %b",
    };
    at.strftime(form).to_string()
}

const fn step_name(window: Span) -> &'static str {
    match window {
        Span::Hour => "min",
        Span::Day => "15 min",
        Span::Week => "2 h",
        Span::Quarter => "day",
    }
}

/// No finer than a pixel's tenth.
fn short(value: f64) -> String {
    format!("{value:.1}")
}

#[expect(clippy::cast_precision_loss, reason = "a chart has fewer steps than 2^52")]
const fn float(value: usize) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "beyond 2^52 jobs a bar may be off by less than a pixel")]
const fn whole(value: i64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[Option<f64>]) -> Line<'static> {
        Line { name: "p95".to_owned(), class: "running", values: values.to_vec() }
    }

    #[test]
    fn a_line_is_interrupted_where_nothing_ran() {
        let told: Vec<String> = runs(&line(&[Some(1.0), Some(2.0), None, Some(1.0)]), 2.0)
            .into_iter()
            .map(maud::PreEscaped::into_string)
            .collect();
        assert_eq!(
            told,
            [
                r#"<polyline class="running" points="90.0,80.0 270.0,2.0"></polyline>"#,
                r#"<circle class="running" cx="630.0" cy="80.0" r="3"></circle>"#,
            ]
        );
    }
}
