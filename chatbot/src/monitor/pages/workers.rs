//! Workers: how they are, and what they have in hand.

use axum::extract::State;
use axum::response::Response;
use maud::html;

use super::frame::{Frame, Place};
use super::sections;
use crate::monitor::refusal::Refusal;
use crate::monitor::state::Monitor;

/// Workers.
pub(super) async fn show(frame: Frame, State(monitor): State<Monitor>) -> Result<Response, Refusal> {
    let look = monitor.live.now().await?;
    let content = html! {
        h1 { "Workers" }
        (sections::live("workers", &sections::workers(&look.overview)))
        h2 { "In work" }
        (sections::live("running", &sections::running_tasks(&look.overview)))
    };
    Ok(frame.page("Workers", Some(Place::Workers), &content))
}
