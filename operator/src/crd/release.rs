//! How a new image, new settings or new migrations reach the users.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, duration, is_default};

/// How a release is rolled out, watched and, if need be, taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReleaseSpec {
    /// Rolling: pods of the one colour are replaced in place. BlueGreen: the candidate is started beside the active
    /// colour, checked, and takes the traffic at once. Default: Rolling in dev, BlueGreen in stage and prod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,

    /// Automatic: a checked candidate takes the traffic by itself. Manual: it waits for the annotation
    /// `chatbot.platform/promote` with its release id. Default: Automatic.
    pub promotion: Promotion,

    /// How long the candidate's pods may take to become ready and pass the checks, 1s to 24h. Default: 10m.
    #[schemars(schema_with = "duration::timeout")]
    pub check_timeout: Duration,

    /// How long the new colour is watched while the old one stays ready to take the traffic back; `0s` for not at all.
    /// Default: 10m in stage, 1h in prod; dev has no bake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bake: Option<Duration>,

    /// What is measured during the bake, and what counts as bad.
    #[serde(skip_serializing_if = "is_default")]
    pub analysis: Analysis,

    /// Rollback: a release that fails after the switch is taken back. Hold: it stays, and the operator waits for a person
    /// (annotation `chatbot.platform/rollback` or `/promote`). Default: Rollback.
    pub on_failure: OnFailure,
}

impl Default for ReleaseSpec {
    fn default() -> Self {
        Self {
            strategy: None,
            promotion: Promotion::Automatic,
            check_timeout: Duration::from_minutes(10),
            bake: None,
            analysis: Analysis::default(),
            on_failure: OnFailure::Rollback,
        }
    }
}

/// How a release replaces the running one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = super::without_description)]
pub enum Strategy {
    /// Pods of the one colour are replaced in place.
    Rolling,
    /// The candidate is started beside the active colour, and the traffic moves at once.
    BlueGreen,
}

/// Who lets a checked candidate take the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = super::without_description)]
pub enum Promotion {
    /// The operator, as soon as the checks pass.
    Automatic,
    /// A person, by annotation.
    Manual,
}

/// What happens to a release that fails in its bake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = super::without_description)]
pub enum OnFailure {
    /// The traffic goes back to the old colour.
    Rollback,
    /// Nothing, until a person decides.
    Hold,
}

/// What is measured while a release bakes, and what counts as bad.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Analysis {
    /// Time between two measurements, 1s to 24h; at rest everything is looked at every 30s, so a longer time has no effect.
    /// Default: 30s.
    #[schemars(schema_with = "duration::timeout")]
    pub interval: Duration,

    /// Requests that must have been answered before ratio and latency are judged, 1 to 1000000; below that only the
    /// pods' health decides. Default: 100.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub min_requests: u32,

    /// Largest share of requests answered with a server error, 0 to 1. Default: 0.05.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_error_ratio: f64,

    /// Largest time within which 95 of 100 requests are answered, 1ms to 10m, such as `2s`. Default: not judged.
    #[serde(rename = "maxP95", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "duration::latency")]
    pub max_p95: Option<Duration>,
}

impl Default for Analysis {
    fn default() -> Self {
        Self { interval: Duration::from_secs(30), min_requests: 100, max_error_ratio: 0.05, max_p95: None }
    }
}
