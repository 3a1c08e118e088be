//! What changes by itself: sections with a name each, made for a page or for all who watch.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::charts;
use super::parts::{ago, button, maybe_ago, nothing, number, progress, span, state, task_link};
use crate::monitor::alarms::Alarm;
use crate::monitor::live::Look;
use crate::monitor::overview::{Life, Overview, Queue, Running, Worker};
use crate::monitor::past::Past;

/// A section of this name, which the script replaces.
pub(super) fn live(name: &str, content: &Markup) -> Markup {
    html! { div data-live=(name) { (content) } }
}

/// What those who watch are sent: every section, how many alarms, and how far tasks are.
pub(in crate::monitor) fn event(look: &Look) -> String {
    let overview = &look.overview;
    let progress = |task: &Running| (task.id.to_string(), json!([task.progress, task.stage]));
    let running: serde_json::Map<String, Value> = overview.running.iter().map(progress).collect();
    let sections = json!({
        "alarms": alarms(overview).into_string(),
        "figures": figures(overview, &look.past).into_string(),
        "queues": queues(overview).into_string(),
        "rates": rates(&look.past).into_string(),
        "running": running_tasks(overview).into_string(),
        "workers": workers(overview).into_string(),
        "schedules": schedules(overview).into_string(),
    });
    json!({ "sections": sections, "alarms": overview.alarms.len(), "running": running }).to_string()
}

/// What needs somebody.
pub(super) fn alarms(overview: &Overview) -> Markup {
    html! {
        @if overview.alarms.is_empty() {
            p.calm { "All is well: every job that waits has a worker that takes it." }
        } @else {
            ul.alarms { @for alarm in &overview.alarms { (one_alarm(alarm)) } }
        }
    }
}

fn one_alarm(alarm: &Alarm) -> Markup {
    html! { li { strong { (alarm.reason) } span { (alarm.way_out) } } }
}

/// The numbers at the top.
pub(super) fn figures(overview: &Overview, past: &Past) -> Markup {
    let waiting: i64 = overview.queues.iter().map(|queue| queue.waiting).sum();
    let running: i64 = overview.queues.iter().map(|queue| queue.running).sum();
    let working = overview.workers.iter().filter(|worker| worker.life == Life::Working).count();
    let of_hour = |outcome: &str| past.steps.iter().filter_map(|step| step.jobs.get(outcome)).sum::<i64>();
    html! {
        dl.figures {
            (figure("Waiting", &number(waiting), "/tasks?state=available", ""))
            (figure("In work", &number(running), "/tasks?state=running", ""))
            (figure("Done in 1 h", &number(of_hour("completed")), "/history", ""))
            (figure("Failed in 1 h", &number(of_hour("failed")), "/tasks?state=retryable", warn(of_hour("failed"))))
            (figure("Dead letters", &number(overview.dead_letters()), "/tasks?state=discarded", warn(overview.dead_letters())))
            (figure("Workers", &working.to_string(), "/workers", ""))
        }
    }
}

const fn warn(number: i64) -> &'static str {
    if number > 0 { "warn" } else { "" }
}

fn figure(name: &str, value: &str, link: &str, class: &str) -> Markup {
    html! { div.(class) { dt { (name) } dd { a href=(link) aria-label={ (name) ": " (value) } { (value) } } } }
}

/// Queues as cards.
pub(super) fn queues(overview: &Overview) -> Markup {
    html! { ul.cards { @for queue in &overview.queues { (one_queue(queue)) } } }
}

fn one_queue(queue: &Queue) -> Markup {
    let (verb, label) = if queue.is_paused { ("resume", "Resume") } else { ("pause", "Pause") };
    let is_unserved = queue.workers == 0 && queue.waiting > 0;
    html! {
        li.card.alarmed[is_unserved] {
            h3 {
                a href={ "/tasks?queue=" (queue.name) } { (queue.name) }
                @if queue.is_paused { span.badge.paused { "paused" } }
                @if is_unserved { span.badge.discarded { "nobody serves it" } }
            }
            dl.row {
                div { dt { "waiting" } dd { (number(queue.waiting)) } }
                div { dt { "in work" } dd { (number(queue.running)) @if queue.slots > 0 { small { " / " (queue.slots) } } } }
                div { dt { "later" } dd { (number(queue.later)) } }
                div { dt { "oldest" } dd { @if queue.waiting > 0 { (span(queue.oldest_seconds)) } @else { "–" } } }
            }
            @if queue.slots > 0 {
                meter min="0" max=(queue.slots) value=(queue.running) aria-label={ "Slots of " (queue.name) " in use" } {}
            }
            p.foot {
                span { (queue.workers) @if queue.workers == 1 { " worker" } @else { " workers" } }
                (button(&format!("/queues/{}/{verb}", queue.name), label, "quiet", None))
            }
        }
    }
}

/// What became of jobs in the last hour.
pub(super) fn rates(past: &Past) -> Markup {
    charts::rates(past)
}

/// Jobs in work.
pub(super) fn running_tasks(overview: &Overview) -> Markup {
    html! {
        @if overview.running.is_empty() { (nothing("No task is in work.")) } @else {
            table.list {
                thead { tr { th { "Task" } th { "Kind" } th { "Queue" } th { "Since" } th { "Progress" } th { "Worker" } } }
                tbody { @for task in &overview.running { (running_row(task)) } }
            }
        }
    }
}

fn running_row(task: &Running) -> Markup {
    html! {
        tr {
            td data-label="Task" { (task_link(task.id)) }
            td data-label="Kind" { (task.kind) @if task.attempt > 1 { small { " attempt " (task.attempt) } } }
            td data-label="Queue" { (task.queue) }
            td data-label="Since" { (span(task.seconds)) }
            td data-label="Progress" {
                (progress(task.progress, task.stage.as_deref()))
                @if task.is_being_cancelled { span.badge.cancelled { "stopping" } }
            }
            td.long data-label="Worker" { @if let Some(worker) = &task.worker { code { (worker) } } }
        }
    }
}

/// Workers.
pub(super) fn workers(overview: &Overview) -> Markup {
    html! {
        @if overview.workers.is_empty() { (nothing("No worker has ever started, or all have left.")) } @else {
            ul.cards.wide { @for worker in &overview.workers { (one_worker(worker, overview)) } }
        }
    }
}

const fn life(life: Life) -> (&'static str, &'static str) {
    match life {
        Life::Working => ("completed", "working"),
        Life::Leaving => ("scheduled", "leaving"),
        Life::Silent => ("retryable", "silent"),
        Life::Dead => ("discarded", "dead"),
    }
}

fn one_worker(worker: &Worker, overview: &Overview) -> Markup {
    let (class, word) = life(worker.life);
    html! {
        li.card.alarmed[worker.life == Life::Silent] {
            h3 { code.long { (worker.id) } span.badge.(class) { (word) } }
            dl.pairs {
                dt { "sign of life" } dd { (span(worker.silent_seconds)) " ago" }
                dt { "started" } dd { (ago(worker.started_at, overview.at)) }
                dt { "release" } dd { code { (worker.release_id) } }
                @if !worker.queues.is_empty() {
                    dt { "queues" }
                    dd { @for (queue, slots) in &worker.queues { span.tag { (queue) " × " (slots) } } }
                }
                dt { "kinds" } dd { @for kind in &worker.kinds { span.tag { (kind) } } @if worker.kinds.is_empty() { "none any more" } }
                dt { "in hand" }
                dd { @for id in &worker.running { (task_link(*id)) " " } @if worker.running.is_empty() { "nothing" } }
            }
        }
    }
}

/// Schedules.
pub(super) fn schedules(overview: &Overview) -> Markup {
    html! {
        @if overview.schedules.is_empty() { (nothing("No worker has made a schedule known yet.")) } @else {
            table.list {
                thead { tr { th { "Schedule" } th { "When (UTC)" } th { "Next run" } th { "Last run" } th { "Last task" } th { span.unseen { "Do" } } } }
                tbody { @for schedule in &overview.schedules {
                    tr {
                        td data-label="Schedule" { strong { (schedule.name) } small { " " (schedule.kind) " in " (schedule.queue) } }
                        td data-label="When (UTC)" { code { (schedule.cron) } }
                        td data-label="Next run" { (ago(schedule.next_run_at, overview.at)) }
                        td data-label="Last run" { (maybe_ago(schedule.last_run_at, overview.at)) }
                        td data-label="Last task" {
                            @if let Some(id) = schedule.last_job_id { (task_link(id)) " " }
                            @if let Some(last) = &schedule.last_state { (state(last)) }
                        }
                        td { (button(&format!("/schedules/{}/run", schedule.name), "Run now", "", None)) }
                    }
                } }
            }
        }
    }
}
