//! One task: everything that is known of it, and what can be done.

use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::Value;

use super::frame::{Frame, Place, say};
use super::parts::{ago, button, maybe_ago, plain, progress, state};
use crate::monitor::actions::{self, Verb};
use crate::monitor::api::{find, id};
use crate::monitor::fields::Fields;
use crate::monitor::refusal::Refusal;
use crate::monitor::state::Monitor;
use crate::monitor::tasks::TaskView;
use crate::monitor::visitor::Visitor;

/// One task.
pub(super) async fn show(
    frame: Frame,
    State(monitor): State<Monitor>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let task = find(&monitor, &id).await?;
    let now = monitor.app.clock.now();
    let content = html! {
        div data-task=(task.id) data-state=(task.state) {
            div.title { h1 { (task.kind) " " span.faint { "#" (task.id) } } (state(&task.state)) }
            (trouble(&task))
            @if task.state == "running" { p data-progress { (progress(task.progress, task.stage.as_deref())) } }
            (deeds(&task))
            div.columns {
                section aria-labelledby="facts" { h2 #facts { "Facts" } (facts(&task, now)) }
                section aria-labelledby="arguments" { h2 #arguments { "Arguments" } (json(&task.args)) (output(&task)) }
            }
            (failures(&task, now))
        }
    };
    Ok(frame.page(&format!("{} #{}", task.kind, task.id), Some(Place::Tasks), &content))
}

/// Does something to it.
pub(super) async fn act(
    visitor: Visitor,
    State(monitor): State<Monitor>,
    Path((task, verb)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let person = visitor.acts(fields.get("csrf"))?;
    let verb = Verb::named(&verb).ok_or(Refusal::NoRoute)?;
    let id = id(&task)?;
    Ok(say(&actions::task(&monitor, person, verb, id).await?, &format!("/tasks/{id}")))
}

fn trouble(task: &TaskView) -> Markup {
    html! {
        @if let Some(trouble) = &task.diagnosis {
            div.diagnosis role="note" { strong { (trouble.reason) } span { (trouble.way_out) } }
        }
    }
}

fn deeds(task: &TaskView) -> Markup {
    let to = |verb: Verb| format!("/tasks/{}/{}", task.id, verb.as_str());
    let can_retry = task.state != "running" && task.state != "available";
    html! {
        p.deeds {
            @if can_retry { (button(&to(Verb::Retry), if task.is_over() { "Try again" } else { "Try now" }, "main", None)) }
            @if !task.is_over() { (button(&to(Verb::Cancel), "Cancel", "", Some("Cancel this task?"))) }
            @if task.waits() { (button(&to(Verb::Discard), "Give up", "danger", Some("Give this task up? It goes to the dead letters."))) }
        }
    }
}

fn facts(task: &TaskView, now: Timestamp) -> Markup {
    html! {
        dl.pairs {
            dt { "queue" } dd { a href={ "/tasks?queue=" (task.queue) } { (task.queue) } small { " priority " (task.priority) } }
            dt { "attempts" } dd { (task.attempt) " of " (task.max_attempts) }
            dt { "asked for" } dd { (ago(task.created_at, now)) }
            dt { "due" } dd { (ago(task.scheduled_at, now)) }
            dt { "last attempt" } dd { (maybe_ago(task.attempted_at, now)) }
            @if let Some(at) = task.finalized_at { dt { "over" } dd { (ago(at, now)) } }
            dt { "workers" }
            dd {
                @for worker in task.attempted_by.iter().rev().take(5) { code.block { (worker) } }
                @if task.attempted_by.is_empty() { "none yet" }
            }
        }
    }
}

fn output(task: &TaskView) -> Markup {
    html! { @if let Some(output) = &task.output { h2 { "Output" } (json(output)) } }
}

fn json(value: &Value) -> Markup {
    html! { pre tabindex="0" { code { (serde_json::to_string_pretty(value).unwrap_or_default()) } } }
}

fn failures(task: &TaskView, now: Timestamp) -> Markup {
    html! {
        @if !task.errors.is_empty() {
            section aria-labelledby="failures" {
                h2 #failures { "Failed attempts" }
                ol.failures reversed {
                    @for failure in task.errors.iter().rev() {
                        li {
                            p { strong { "Attempt " (failure.attempt) } " " (ago(failure.at, now)) span.faint { " " (plain(failure.at)) } }
                            pre tabindex="0" { (failure.error) @if !failure.trace.is_empty() { "\n\n" (failure.trace) } }
                        }
                    }
                }
            }
        }
    }
}
