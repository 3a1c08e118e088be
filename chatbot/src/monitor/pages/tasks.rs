//! Tasks: found by state, kind, queue, id, or a text in arguments and errors.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};

use super::frame::{Frame, Place, say};
use super::parts::{ago, button, nothing, progress, state, task_link};
use crate::jobs::QueueName;
use crate::monitor::actions;
use crate::monitor::api::query;
use crate::monitor::fields::Fields;
use crate::monitor::refusal::Refusal;
use crate::monitor::state::Monitor;
use crate::monitor::tasks::{PAGE, STATES, TaskPage, TaskQuery, TaskView};
use crate::monitor::visitor::Visitor;
use crate::store::jobs::tasks;

/// Tasks.
pub(super) async fn show(frame: Frame, State(monitor): State<Monitor>, uri: Uri) -> Result<Response, Refusal> {
    let asked: TaskQuery = query(&uri).typed()?;
    let found = tasks::list(&monitor.app.db, &asked.filter()?, PAGE + 1).await?;
    let look = monitor.live.now().await?;
    let page = TaskPage::new(found, &look.overview);
    let is_dead = asked.state.as_deref() == Some("discarded");
    let (title, place) = if is_dead { ("Dead letters", Place::Dead) } else { ("Tasks", Place::Tasks) };
    let content = html! {
        h1 { (title) }
        @if is_dead { p.faint { "Tasks that were given up. They are kept for a time, and can be tried again once the cause is mended." } }
        (search(&asked))
        (several(&asked, &page))
        @if page.items.is_empty() { (nothing("No task matches.")) } @else { (list(&page, look.overview.at)) }
        @if let Some(next) = &page.next { p.more { a.button href={ "/tasks?" (encoded(&asked, Some(next))) } { "Older tasks" } } }
    };
    Ok(frame.page(title, Some(place), &content))
}

/// Tries all tasks again that match.
pub(super) async fn retry_all(
    visitor: Visitor,
    State(monitor): State<Monitor>,
    uri: Uri,
    fields: Fields,
) -> Result<Response, Refusal> {
    let person = visitor.acts(fields.get("csrf"))?;
    let asked: TaskQuery = query(&uri).typed()?;
    let done = actions::retry_all(&monitor, person, &asked).await?;
    Ok(say(&done, &format!("/tasks?{}", encoded(&asked, None))))
}

/// The question as an address, from another place on.
fn encoded(asked: &TaskQuery, before: Option<&str>) -> String {
    let fields = [("state", &asked.state), ("kind", &asked.kind), ("queue", &asked.queue), ("q", &asked.q)];
    let mut address = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        address.extend_pairs(value.as_deref().map(|value| (name, value)));
    }
    address.extend_pairs(before.map(|before| ("before", before)));
    address.finish()
}

fn search(asked: &TaskQuery) -> Markup {
    let is = |field: &Option<String>, value: &str| field.as_deref() == Some(value);
    html! {
        form.search method="get" action="/tasks" role="search" {
            label { span { "Search" } input #search type="search" name="q" value=[asked.q.as_deref()] placeholder="id, or text in arguments and errors" maxlength="200"; }
            label { span { "State" } select name="state" {
                option value="" { "any" }
                @for state in STATES { option value=(state) selected[is(&asked.state, state)] { (state) } }
            } }
            label { span { "Queue" } select name="queue" {
                option value="" { "any" }
                @for queue in QueueName::ALL.map(QueueName::as_str) { option value=(queue) selected[is(&asked.queue, queue)] { (queue) } }
            } }
            label { span { "Kind" } input name="kind" value=[asked.kind.as_deref()] maxlength="127" placeholder="any"; }
            button.main type="submit" { "Find" }
        }
    }
}

/// What can be done with all that match.
fn several(asked: &TaskQuery, page: &TaskPage) -> Markup {
    let can_retry = matches!(asked.state.as_deref(), Some("discarded" | "cancelled" | "retryable"));
    html! {
        @if can_retry && !page.items.is_empty() {
            p.several {
                (button(&format!("/tasks/retry?{}", encoded(asked, None)), "Try all of these again", "",
                    Some("Try all tasks again that match, up to 500?")))
            }
        }
    }
}

fn list(page: &TaskPage, now: Timestamp) -> Markup {
    html! {
        table.list {
            thead { tr { th { "Task" } th { "State" } th { "Kind" } th { "Queue" } th { "Attempts" } th { "When" } th { "Last words" } } }
            tbody { @for task in &page.items { (row(task, now)) } }
        }
    }
}

fn row(task: &TaskView, now: Timestamp) -> Markup {
    html! {
        tr {
            td data-label="Task" { (task_link(task.id)) }
            td data-label="State" { (state(&task.state)) }
            td data-label="Kind" { (task.kind) }
            td data-label="Queue" { (task.queue) }
            td data-label="Attempts" { (task.attempt) small { " / " (task.max_attempts) } }
            td data-label="When" { (ago(task.finalized_at.or(task.attempted_at).unwrap_or(task.scheduled_at), now)) }
            td.long data-label="Last words" { (last_words(task)) }
        }
    }
}

fn last_words(task: &TaskView) -> Markup {
    html! {
        @if task.state == "running" { (progress(task.progress, task.stage.as_deref())) }
        @else if let Some(trouble) = &task.diagnosis { (trouble.reason) }
        @else if let Some(failure) = task.errors.last() { span.faint { (failure.error) } }
    }
}
