//! How a release stands: the part of an environment's status that the state machine writes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of the two slots of app and worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(transform = super::without_description)]
pub enum Colour {
    /// The slot of the first release.
    #[default]
    Blue,
    /// The other slot.
    Green,
}

impl Colour {
    /// The name as written in labels and object names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }

    /// The other slot.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }
}

/// Where a release stands. It runs from Backup to Finish in this order, through Promote, Bake and Held where there is a reason;
/// these, Discard and Rollback are also the names of steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// Nothing has been released yet: something that the release needs is missing.
    #[default]
    Pending,
    /// Database, bucket and collections are made on shared services.
    Provision,
    /// A backup is made and verified.
    Backup,
    /// The schema is expanded.
    Migrate,
    /// The candidate's pods are started.
    Start,
    /// The candidate answers for itself.
    Check,
    /// The candidate waits for a person.
    Promote,
    /// The traffic moves to the candidate.
    Switch,
    /// The new colour is watched, the old one stays ready.
    Bake,
    /// The old colour is taken down, and the schema contracted.
    Finish,
    /// The candidate is taken down, and the schema taken back where that loses nothing.
    Discard,
    /// The traffic goes back to the old colour.
    Rollback,
    /// No release is on its way.
    Stable,
    /// A release failed; the active colour goes on.
    Failed,
    /// A release failed in its bake and waits for a person.
    Held,
    /// The environment is scaled to zero.
    Suspended,
}

impl Phase {
    /// The name as written in status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Provision => "Provision",
            Self::Backup => "Backup",
            Self::Migrate => "Migrate",
            Self::Start => "Start",
            Self::Check => "Check",
            Self::Promote => "Promote",
            Self::Switch => "Switch",
            Self::Bake => "Bake",
            Self::Finish => "Finish",
            Self::Discard => "Discard",
            Self::Rollback => "Rollback",
            Self::Stable => "Stable",
            Self::Failed => "Failed",
            Self::Held => "Held",
            Self::Suspended => "Suspended",
        }
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

/// The active release, and the one on its way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReleaseStatus {
    /// The colour that gets the traffic; absent before the first release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<Colour>,

    /// Id of the active release: a hash of its image and variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,

    /// Image of the active release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,

    /// Tag of that image (for a digest its first digits), for the printer column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_tag: Option<String>,

    /// Newest migration that is applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,

    /// Where the release stands.
    pub phase: Phase,

    /// The release on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,

    /// The release that served before, for as long as its pods stay ready to take the traffic back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Candidate>,

    /// When the release on its way, else the last one, began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,

    /// When the bake ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bake_until: Option<Time>,

    /// Since when the release on its way is not advanced, because the environment is suspended, paused or lacks something; its
    /// deadlines stand still meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_since: Option<Time>,

    /// Id of the release that was last tried again because the annotation chatbot.platform/retry names it. The wish counts
    /// once: take the annotation away and set it again to ask for another try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retried: Option<String>,

    /// Id of the release that was last promoted because the annotation chatbot.platform/promote names it. The wish counts once:
    /// in its bake the release is promoted again only when the annotation is taken away and set again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promoted: Option<String>,

    /// Id of the release that was last taken back because the annotation chatbot.platform/rollback names it. The wish counts
    /// once: a release that is tried again is not taken back by a wish that was fulfilled before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<String>,

    /// Id of the release that was last returned to because the annotation chatbot.platform/rollback-to names it. The wish
    /// counts once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returned: Option<String>,

    /// Requests to the new colour that are not judged: those of its preview, from before it had the traffic, and those that fell
    /// into an outage that both colours saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discounted: Option<Discounted>,

    /// What was done for the release on its way, else for the last one, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub steps: Vec<Step>,
}

/// Requests that are not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Discounted {
    /// How many were answered.
    pub requests: u64,
    /// How many of them with a server error.
    pub failed: u64,
    /// Whether some of them fell into an outage: then slow answers are not judged any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_outage: bool,
}

/// A release in its slot: the one on its way, or the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// The slot it runs in.
    pub colour: Colour,
    /// Its image.
    pub image: String,
    /// Newest migration that it brings, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
}

/// One step of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The phase that the step belongs to.
    pub name: Phase,
    /// When it began.
    pub started_at: Time,
    /// When it ended; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Seconds for which it was not advanced; they count for no deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_seconds: Option<i64>,
    /// How it ended.
    pub outcome: Outcome,
    /// What a person should know about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How a step, or a whole release, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Outcome {
    /// It has not ended.
    Running,
    /// It did what it should.
    Succeeded,
    /// There was nothing to do.
    Skipped,
    /// It did not.
    Failed,
    /// It was taken back after it had the traffic.
    RolledBack,
    /// A newer spec took its place.
    Superseded,
}

/// A release that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PastRelease {
    /// Its id.
    pub id: String,
    /// Its image.
    pub image: String,
    /// Newest migration it had applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Whether it removed from the schema what only older releases needed: one of them cannot be returned to any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contracted: bool,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub finished_at: Time,
    /// How it ended.
    pub outcome: Outcome,
    /// What a person should know about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// A release that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedRelease {
    /// Its id.
    pub id: String,
    /// When it failed.
    pub at: Time,
    /// In which phase.
    pub phase: Phase,
    /// Short, stable word for the cause.
    pub reason: String,
    /// What happened, and what to do next.
    pub message: String,
}
