//! The first page: how everything is.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::html;

use super::frame::{Frame, Place, say};
use super::sections;
use crate::monitor::actions;
use crate::monitor::api::is_pause;
use crate::monitor::fields::Fields;
use crate::monitor::refusal::Refusal;
use crate::monitor::state::Monitor;
use crate::monitor::visitor::Visitor;

/// How everything is.
pub(super) async fn show(frame: Frame, State(monitor): State<Monitor>) -> Result<Response, Refusal> {
    let look = monitor.live.now().await?;
    let content = html! {
        h1.unseen { "Overview" }
        section aria-label="Alarms" { (sections::live("alarms", &sections::alarms(&look.overview))) }
        section aria-label="Figures" { (sections::live("figures", &sections::figures(&look.overview, &look.past))) }
        section aria-labelledby="queues" {
            h2 #queues { "Queues" }
            (sections::live("queues", &sections::queues(&look.overview)))
        }
        section aria-labelledby="rates" {
            h2 #rates { "Last hour" }
            (sections::live("rates", &sections::rates(&look.past)))
        }
        section aria-labelledby="running" {
            h2 #running { "In work" }
            (sections::live("running", &sections::running_tasks(&look.overview)))
        }
    };
    Ok(frame.page("Overview", Some(Place::Overview), &content))
}

/// Pauses a queue, or resumes it.
pub(super) async fn pause(
    visitor: Visitor,
    State(monitor): State<Monitor>,
    Path((queue, verb)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let person = visitor.acts(fields.get("csrf"))?;
    Ok(say(&actions::pause(&monitor, person, &queue, is_pause(&verb)?).await?, "/"))
}
