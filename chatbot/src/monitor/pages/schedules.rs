//! Schedules: when each ran last, when it is due, and running it now.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::html;

use super::frame::{Frame, Place, say};
use super::sections;
use crate::monitor::actions;
use crate::monitor::fields::Fields;
use crate::monitor::refusal::Refusal;
use crate::monitor::state::Monitor;
use crate::monitor::visitor::Visitor;

/// Schedules.
pub(super) async fn show(frame: Frame, State(monitor): State<Monitor>) -> Result<Response, Refusal> {
    let look = monitor.live.now().await?;
    let content = html! {
        h1 { "Schedules" }
        (sections::live("schedules", &sections::schedules(&look.overview)))
    };
    Ok(frame.page("Schedules", Some(Place::Schedules), &content))
}

/// Runs one now.
pub(super) async fn run(
    visitor: Visitor,
    State(monitor): State<Monitor>,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let person = visitor.acts(fields.get("csrf"))?;
    Ok(say(&actions::run(&monitor, person, &name).await?, "/schedules"))
}
