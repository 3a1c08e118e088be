//! What is remembered of releases between two looks at the cluster; it lives in the resource's status.

use jiff::Timestamp;

use crate::{
    crd::{
        self, ChatbotEnvironmentStatus, Colour,
        environment_status::{Candidate, FailedRelease, Outcome, PastRelease, ReleaseStatus, Step},
    },
    resources::Slot,
};

/// How many past releases are remembered.
pub const HISTORY: usize = 10;

/// What is released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Hash of image and variables.
    pub id: String,
    /// Image reference.
    pub image: String,
}

/// A release in its slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The release.
    pub release: Release,
    /// The slot it runs in.
    pub colour: Colour,
    /// Newest schema version that its migration reported.
    pub schema: Option<String>,
}

impl Placed {
    /// The slot as the builders of objects take it.
    #[must_use]
    pub fn slot(&self) -> Slot {
        Slot { colour: self.colour, release: self.release.id.clone(), image: self.release.image.clone() }
    }
}

/// Where a release under way stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The database is backed up, and the backup read back.
    Backup,
    /// The schema is widened; the active release works on.
    Migrate,
    /// The candidate's servers start.
    Start,
    /// The candidate's servers answer for themselves.
    Check,
    /// The candidate waits for a person's word.
    Promote,
    /// The candidate is the active release now; its workers take over.
    Switch,
    /// The new release is watched; the one before stays ready to take the traffic back.
    Bake,
    /// The new release failed in its bake, and a person decides what becomes of it.
    Held,
    /// What only the old release needed is removed.
    Finish,
    /// The release before is the active one again; its workers take over.
    Rollback,
    /// The candidate's pods go, and then what it did to the schema, where that loses nothing.
    Discard,
}

impl Phase {
    /// Every phase; but for the last two in the order in which a release passes them.
    pub const ALL: [Self; 11] = [
        Self::Backup,
        Self::Migrate,
        Self::Start,
        Self::Check,
        Self::Promote,
        Self::Switch,
        Self::Bake,
        Self::Held,
        Self::Finish,
        Self::Rollback,
        Self::Discard,
    ];

    /// The phase as status shows it.
    #[must_use]
    pub fn shown(self) -> crd::Phase {
        match self {
            Self::Backup => crd::Phase::Backup,
            Self::Migrate => crd::Phase::Migrate,
            Self::Start => crd::Phase::Start,
            Self::Check => crd::Phase::Check,
            Self::Promote => crd::Phase::Promote,
            Self::Switch => crd::Phase::Switch,
            Self::Bake => crd::Phase::Bake,
            Self::Held => crd::Phase::Held,
            Self::Finish => crd::Phase::Finish,
            Self::Rollback => crd::Phase::Rollback,
            Self::Discard => crd::Phase::Discard,
        }
    }

    /// Whether the candidate is not active yet, so that it can be discarded without anybody noticing.
    #[must_use]
    pub fn before_switch(self) -> bool {
        match self {
            Self::Backup | Self::Migrate | Self::Start | Self::Check | Self::Promote => true,
            Self::Switch | Self::Bake | Self::Held | Self::Finish | Self::Rollback | Self::Discard => false,
        }
    }

    /// Whether the candidate has the traffic, and the release before may take it back.
    #[must_use]
    pub fn is_watched(self) -> bool {
        matches!(self, Self::Switch | Self::Bake)
    }

    fn read(shown: crd::Phase) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.shown() == shown)
    }
}

/// A release under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The release, and where it is started.
    pub placed: Placed,
    /// Where it stands.
    pub phase: Phase,
    /// When it began.
    pub started_at: Timestamp,
}

/// Everything that is remembered. Log entries are kept in the form in which status shows them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReleaseState {
    /// The release that serves; none before the first.
    pub active: Option<Placed>,
    /// The release that served before, in the other colour, for as long as it could take the traffic back.
    pub previous: Option<Placed>,
    /// The release under way; none between releases. From Switch to Finish it is the active one.
    pub running: Option<Running>,
    /// Log of the release that runs, or ran last.
    pub steps: Vec<Step>,
    /// The release that is asked for, if it failed.
    pub failed: Option<FailedRelease>,
    /// Releases that ended, the newest first; at most [`HISTORY`].
    pub history: Vec<PastRelease>,
    /// Since when the release under way is not advanced; none while it is.
    pub held_since: Option<Timestamp>,
    /// The release that was tried again at a person's wish, for as long as the wish stands written: it counts once.
    pub retried: Option<String>,
    /// The release that was promoted at a person's wish, for as long as the wish stands written: it counts once.
    pub promoted: Option<String>,
    /// The release that was taken back at a person's wish, for as long as the wish stands written: it counts once.
    pub rolled_back: Option<String>,
    /// The release that was returned to at a person's wish, for as long as the wish stands written: it counts once.
    pub returned: Option<String>,
    /// Requests to the release under way that are not judged; none until the first look since it has the traffic.
    pub discounted: Option<Requests>,
}

/// Requests that servers answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requests {
    /// All of them.
    pub all: u64,
    /// Those that were answered with a status from 500 on.
    pub failed: u64,
    /// Whether some of them fell into an outage, so that slow ones cannot be told from others.
    pub in_outage: bool,
}

impl ReleaseState {
    /// Reads the state from the resource's status.
    #[must_use]
    pub fn read(status: &ChatbotEnvironmentStatus) -> Self {
        let release = status.release.clone().unwrap_or_default();
        Self {
            active: read_active(&release),
            previous: release.previous.clone().map(read_placed),
            running: read_running(&release),
            held_since: release.held_since.as_ref().map(|since| since.0),
            steps: release.steps,
            retried: release.retried,
            promoted: release.promoted,
            rolled_back: release.rolled_back,
            returned: release.returned,
            discounted: release.discounted.map(read_requests),
            failed: status.failed_releases.first().cloned(),
            history: status.history.clone(),
        }
    }

    /// The step under way.
    #[must_use]
    pub fn step(&self) -> Option<&Step> {
        self.steps.last().filter(|step| step.outcome == Outcome::Running)
    }

    /// Seconds from the beginning of the given phase to `now`, without those in which the release was not advanced.
    #[must_use]
    pub fn spent_since(&self, phase: Phase, now: Timestamp) -> Option<i64> {
        let first = self.steps.iter().position(|step| step.name == phase.shown())?;
        let steps = self.steps.get(first..)?;
        let held: i64 = steps.iter().filter_map(|step| step.held_seconds).sum();
        Some(now.as_second().saturating_sub(steps.first()?.started_at.0.as_second()).saturating_sub(held))
    }

    /// The step that a release under way failed in, or in which another took its place; none while nothing is undone.
    #[must_use]
    pub fn cause(&self) -> Option<&Step> {
        self.steps.iter().rfind(|step| matches!(step.outcome, Outcome::Failed | Outcome::Superseded))
    }

    /// Whether the release under way is a past one that a person returns to: what the spec asks for stays marked as failed.
    #[must_use]
    pub fn is_returning(&self) -> bool {
        self.running.is_some() && self.failed.is_some()
    }

    /// Whether the release with this id serves.
    #[must_use]
    pub fn serves(&self, id: &str) -> bool {
        self.active.as_ref().is_some_and(|active| active.release.id == id)
    }

    /// Whether pods of the release with this id may run.
    #[must_use]
    pub fn runs(&self, id: &str) -> bool {
        let running = self.running.as_ref().map(|running| &running.placed);
        [running, self.active.as_ref(), self.previous.as_ref()].into_iter().flatten().any(|it| it.release.id == id)
    }

    /// The release in whose place an environment can be looked after while nobody knows what it asks for: the one that has the
    /// traffic.
    #[must_use]
    pub fn stands_in(&self) -> Option<&Placed> {
        self.active.as_ref()
    }

    /// The release that jobs and servers are watched for: the one under way, else the active one.
    #[must_use]
    pub fn watched(&self) -> Option<&Placed> {
        self.running.as_ref().map(|running| &running.placed).or(self.active.as_ref())
    }
}

fn read_active(release: &ReleaseStatus) -> Option<Placed> {
    let (id, image) = (release.id.clone()?, release.image.clone()?);
    Some(Placed { release: Release { id, image }, colour: release.active?, schema: release.schema.clone() })
}

/// The phase is that of the open step: the phase that status shows may be Suspended or Provision meanwhile.
fn read_running(release: &ReleaseStatus) -> Option<Running> {
    let open = release.steps.last()?;
    Some(Running {
        placed: read_placed(release.candidate.clone()?),
        phase: Phase::read(open.name)?,
        started_at: release.started_at.as_ref()?.0,
    })
}

fn read_requests(shown: crd::environment_status::Discounted) -> Requests {
    Requests { all: shown.requests, failed: shown.failed, in_outage: shown.in_outage }
}

fn read_placed(Candidate { id, colour, image, schema }: Candidate) -> Placed {
    Placed { release: Release { id, image }, colour, schema }
}
