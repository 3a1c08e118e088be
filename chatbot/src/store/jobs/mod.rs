//! River's tables as a monitor needs them, and what stands beside them.
//!
//! ```text
//! facts      what there is now: queues, workers, jobs in work
//! tasks      single jobs and lists of them
//! history    what became of jobs, minute by minute, kept longer than the jobs themselves
//! schedules  when each schedule ran last, and when it is due
//! ```
//!
//! Rows come as JSON documents of PostgreSQL's making: most columns are optional times, and serde reads those as they are.

pub mod facts;
pub mod history;
pub mod schedules;
pub mod tasks;

use serde::de::DeserializeOwned;
use sqlx::types::Json;

/// Takes rows out of their JSON.
fn unwrapped<T: DeserializeOwned>(rows: Vec<Json<T>>) -> Vec<T> {
    rows.into_iter().map(|Json(row)| row).collect()
}
