//! Tasks as the monitor shows them, and which of them are asked for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::diagnosis::{self, Diagnosis};
use super::overview::{Overview, percent};
use super::redact::redacted;
use super::refusal::Refusal;
use crate::store::jobs::tasks::{Failure, Filter, Task};

/// Tasks of one page.
pub(super) const PAGE: i64 = 50;

/// River's states, in the order of a job's life.
pub(super) const STATES: [&str; 8] =
    ["available", "scheduled", "pending", "running", "retryable", "completed", "cancelled", "discarded"];

/// Which tasks are asked for.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TaskQuery {
    /// available, scheduled, pending, running, retryable, completed, cancelled or discarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<String>,
    /// The kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    /// The queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) queue: Option<String>,
    /// An id, or a text in arguments or errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) q: Option<String>,
    /// Older than the task with this id: the `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<String>,
}

impl TaskQuery {
    /// What the database is asked.
    ///
    /// # Errors
    /// `Invalid`.
    pub(super) fn filter(&self) -> Result<Filter, Refusal> {
        if self.state.as_deref().is_some_and(|state| !STATES.contains(&state)) {
            return Err(Refusal::Invalid(format!("state: write one of {}", STATES.join(", "))));
        }
        let parsed = self.before.as_deref().map(str::parse).transpose();
        let before = parsed.map_err(|_| Refusal::Invalid("before: send the `next` of the page before".to_owned()))?;
        let [state, kind, queue, text] =
            [&self.state, &self.kind, &self.queue, &self.q].map(|field| asked(field.as_deref()));
        Ok(Filter { state, kind, queue, text, before })
    }
}

/// Of an empty field nothing is asked.
fn asked(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A task.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskView {
    /// Identity.
    pub(super) id: i64,
    /// What is to be done.
    pub(super) kind: String,
    /// Where it waits.
    pub(super) queue: String,
    /// River's word for where it stands.
    pub(super) state: String,
    /// 1 is first.
    pub(super) priority: i16,
    /// Attempts so far.
    pub(super) attempt: i16,
    /// After so many it is given up.
    pub(super) max_attempts: i16,
    /// How far it is, 0 to 100, where it says so.
    pub(super) progress: Option<u8>,
    /// What it is doing, where it says so.
    pub(super) stage: Option<String>,
    /// With what; what looks like a secret is hidden.
    pub(super) args: Value,
    /// What it left behind, likewise.
    pub(super) output: Option<Value>,
    /// Failed attempts, the first one first.
    pub(super) errors: Vec<FailureView>,
    /// Who had it, the last one last.
    pub(super) attempted_by: Vec<String>,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub(super) created_at: Timestamp,
    /// When it is, or was, due.
    #[schema(value_type = String, format = DateTime)]
    pub(super) scheduled_at: Timestamp,
    /// When the last attempt began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) attempted_at: Option<Timestamp>,
    /// When it was over.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) finalized_at: Option<Timestamp>,
    /// What is the matter with it.
    pub(super) diagnosis: Option<Diagnosis>,
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct FailureView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub(super) at: Timestamp,
    /// Which attempt.
    pub(super) attempt: i32,
    /// What it said.
    pub(super) error: String,
    /// Where in the program; empty for most.
    pub(super) trace: String,
}

impl From<Failure> for FailureView {
    fn from(failure: Failure) -> Self {
        Self { at: failure.at, attempt: failure.attempt, error: failure.error, trace: failure.trace }
    }
}

impl TaskView {
    pub(super) fn new(task: Task, overview: &Overview) -> Self {
        let diagnosis = diagnosis::of(&task, overview);
        let is_done = task.state == "completed";
        let stage = task.metadata.get("stage").and_then(Value::as_str).map(str::to_owned);
        Self {
            id: task.id,
            priority: task.priority,
            attempt: task.attempt,
            max_attempts: task.max_attempts,
            progress: if is_done { Some(100) } else { task.metadata.get("progress").and_then(percent) },
            stage: stage.filter(|_| !is_done),
            args: redacted(&task.args),
            output: task.metadata.get("output").map(redacted),
            errors: task.errors.unwrap_or_default().into_iter().map(FailureView::from).collect(),
            attempted_by: task.attempted_by.unwrap_or_default(),
            created_at: task.created_at,
            scheduled_at: task.scheduled_at,
            attempted_at: task.attempted_at,
            finalized_at: task.finalized_at,
            diagnosis,
            kind: task.kind,
            queue: task.queue,
            state: task.state,
        }
    }

    /// Whether it will not run again by itself.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "completed" | "cancelled" | "discarded")
    }

    /// Whether it waits.
    pub(super) fn waits(&self) -> bool {
        !self.is_over() && self.state != "running"
    }
}

/// Some tasks.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct TaskPage {
    /// The tasks, the newest first.
    pub(super) items: Vec<TaskView>,
    /// What to ask for as `before` to get the next page; null on the last.
    pub(super) next: Option<String>,
}

impl TaskPage {
    /// The page of `tasks`, of which one more than it shows was asked for.
    pub(super) fn new(mut tasks: Vec<Task>, overview: &Overview) -> Self {
        let shown = usize::try_from(PAGE).unwrap_or_default();
        let has_more = tasks.len() > shown;
        tasks.truncate(shown);
        let next = tasks.last().filter(|_| has_more).map(|task| task.id.to_string());
        Self { items: tasks.into_iter().map(|task| TaskView::new(task, overview)).collect(), next }
    }
}
