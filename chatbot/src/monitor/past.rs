//! Rates and latencies over time, out of the durable history.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::latency::quantile;
use super::refusal::Refusal;
use crate::app::App;
use crate::store::jobs::history::{self, Bucket, Count, Depth, OfKind, Window};

/// How far back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub(super) enum Span {
    /// An hour, by the minute.
    #[default]
    #[serde(rename = "1h")]
    Hour,
    /// A day, by the quarter of an hour.
    #[serde(rename = "24h")]
    Day,
    /// A week, by two hours.
    #[serde(rename = "7d")]
    Week,
    /// 90 days, by the day.
    #[serde(rename = "90d")]
    Quarter,
}

impl Span {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Quarter];

    /// Its name in addresses.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Quarter => "90d",
        }
    }

    /// Seconds of a step, and how many steps.
    const fn steps(self) -> (i32, i32) {
        match self {
            Self::Hour => (60, 60),
            Self::Day => (900, 96),
            Self::Week => (7200, 84),
            Self::Quarter => (86400, 90),
        }
    }
}

/// How far back is asked for.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PastQuery {
    /// 1h, 24h, 7d or 90d; 1h by default.
    #[serde(default)]
    #[param(inline)]
    pub(super) window: Span,
}

/// What became of jobs over time.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Past {
    /// How far back.
    pub(super) window: Span,
    /// Width of a step.
    pub(super) step_seconds: i32,
    /// Every step, the oldest first, the empty ones too.
    pub(super) steps: Vec<Step>,
    /// The whole, by kind.
    pub(super) kinds: Vec<Kind>,
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    /// Where it begins.
    #[schema(value_type = String, format = DateTime)]
    pub(super) at: Timestamp,
    /// Jobs by outcome: completed, cancelled, discarded; and failed attempts that were followed by another.
    pub(super) jobs: BTreeMap<String, i64>,
    /// Half of the completed jobs ran no longer, in seconds.
    pub(super) run_p50: Option<f64>,
    /// 95 of 100 completed jobs ran no longer, in seconds.
    pub(super) run_p95: Option<f64>,
    /// 95 of 100 completed jobs waited no longer, in seconds.
    pub(super) wait_p95: Option<f64>,
    /// Jobs that waited at most, by queue.
    pub(super) waiting: BTreeMap<String, i64>,
}

/// One kind over the whole window.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Kind {
    /// The kind's name.
    #[serde(rename = "kind")]
    pub(super) name: String,
    /// Completed jobs.
    pub(super) completed: i64,
    /// Attempts that were followed by another.
    pub(super) failed: i64,
    /// Jobs that were given up.
    pub(super) discarded: i64,
    /// Jobs that were cancelled.
    pub(super) cancelled: i64,
    /// Half of the completed ones ran no longer, in seconds.
    pub(super) run_p50: Option<f64>,
    /// 95 of 100 ran no longer, in seconds.
    pub(super) run_p95: Option<f64>,
}

impl From<OfKind> for Kind {
    fn from(kind: OfKind) -> Self {
        Self {
            run_p50: quantile(&kind.run, 0.5),
            run_p95: quantile(&kind.run, 0.95),
            name: kind.kind,
            completed: kind.completed,
            failed: kind.failed,
            discarded: kind.discarded,
            cancelled: kind.cancelled,
        }
    }
}

/// Looks back.
///
/// # Errors
/// The database's.
pub(super) async fn look(app: &App, span: Span) -> Result<Past, Refusal> {
    let (step, count) = span.steps();
    let window = Window { from: beginning(app.clock.now(), step, count), step };
    let db = &app.db;
    let mut steps = empty_steps(window, count);
    count_jobs(&mut steps, history::counts(db, window).await?);
    time_jobs(&mut steps, &history::latencies(db, window).await?);
    fill_queues(&mut steps, history::depths(db, window).await?);
    let kinds = history::by_kind(db, window.from).await?.into_iter().map(Kind::from).collect();
    Ok(Past { window: span, step_seconds: step, steps: steps.into_values().collect(), kinds })
}

/// The first moment of the first of `count` steps, the last of which holds `now`; steps begin where the day's divide.
fn beginning(now: Timestamp, step: i32, count: i32) -> Timestamp {
    let step = i64::from(step);
    let last = now.as_second().div_euclid(step) * step;
    Timestamp::from_second(last - step * i64::from(count - 1)).unwrap_or(now)
}

fn empty_steps(window: Window, count: i32) -> BTreeMap<Timestamp, Step> {
    let width = SignedDuration::from_secs(i64::from(window.step));
    let times = (0..count).filter_map(|step| window.from.checked_add(width * step).ok());
    times.map(|at| (at, Step { at, ..Step::default() })).collect()
}

fn count_jobs(steps: &mut BTreeMap<Timestamp, Step>, counts: Vec<Count>) {
    for count in counts {
        if let Some(step) = steps.get_mut(&count.at) {
            step.jobs.insert(count.outcome, count.jobs);
        }
    }
}

/// Buckets come sorted by step and bound.
fn time_jobs(steps: &mut BTreeMap<Timestamp, Step>, buckets: &[Bucket]) {
    for of_step in buckets.chunk_by(|one, two| one.at == two.at) {
        let Some(step) = of_step.first().and_then(|bucket| steps.get_mut(&bucket.at)) else { continue };
        let run: Vec<i64> = of_step.iter().map(|bucket| bucket.run).collect();
        let wait: Vec<i64> = of_step.iter().map(|bucket| bucket.wait).collect();
        step.run_p50 = quantile(&run, 0.5);
        step.run_p95 = quantile(&run, 0.95);
        step.wait_p95 = quantile(&wait, 0.95);
    }
}

fn fill_queues(steps: &mut BTreeMap<Timestamp, Step>, depths: Vec<Depth>) {
    for depth in depths {
        if let Some(step) = steps.get_mut(&depth.at) {
            step.waiting.insert(depth.queue, depth.waiting);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_holds_this_moment() {
        for (step, count) in Span::ALL.map(Span::steps) {
            let now: Timestamp = "2026-01-01T12:34:56Z".parse().unwrap();
            let from = beginning(now, step, count);
            let steps = empty_steps(Window { from, step }, count);
            assert_eq!(steps.len(), usize::try_from(count).unwrap());
            let last = *steps.keys().next_back().unwrap();
            assert!(last <= now && now.duration_since(last).as_secs() < i64::from(step), "{last}");
        }
    }
}
