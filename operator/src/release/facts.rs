//! What the state machine is told about the cluster, and the policy by which it judges that.

use std::time::Duration;

use jiff::Timestamp;

use super::state::{Release, Requests};
use crate::crd::{OnFailure, OnRollback, Promotion, Strategy};

/// What is seen now. Jobs, pods and checks are those of the release under way, or else of the active one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The release that the resource asks for.
    pub wanted: Release,
    /// What a person asks for.
    pub wishes: Wishes,
    /// Past releases whose variables are kept and whose schema is not outlived, the newest first.
    pub past: Vec<Release>,
    /// The Job that makes a backup.
    pub backup: Job,
    /// Whether a restore has ended well since it asked whether one is meant.
    pub restored: bool,
    /// The Job that widens the schema.
    pub expand: Job,
    /// The Job that removes what only older releases needed.
    pub contract: Job,
    /// The Job that takes back what the release did to the schema.
    pub downgrade: Job,
    /// Why pods of the release cannot even be started: its image cannot be pulled.
    pub cannot_start: Option<String>,
    /// The servers.
    pub app: Rollout,
    /// The workers.
    pub worker: Rollout,
    /// What the servers say about themselves.
    pub check: Check,
    /// How the servers of the release have fared with their users.
    pub watch: Watch,
    /// What the servers that have the traffic have answered since they started; none where one that is up could not be asked.
    pub requests: Option<Requests>,
    /// Whether most of the servers are up that have the traffic.
    pub serving: Rollout,
    /// Whether most of the servers are up of the release before, which stand ready to take the users back.
    pub previous: Rollout,
    /// Servers and workers of the active release, where that is another one than the release under way.
    pub active: Rollout,
    /// Pods of other releases that still exist, draining ones included, and Deployments that may make more of them.
    pub old_pods: usize,
    /// Pods of the release that still exist, draining ones included.
    pub own_pods: usize,
}

/// What a person asks for, each by the id of the release that is meant: a stale one does nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Try a failed release again.
    pub retry: Option<String>,
    /// Let the traffic move to a release, or end its bake.
    pub promote: Option<String>,
    /// Take a release back: the one under way, or the active one.
    pub rollback: Option<String>,
    /// Return to a past release.
    pub rollback_to: Option<String>,
    /// Let a first release begin with an empty database, although there are backups.
    pub start_empty: Option<String>,
}

/// A Job of one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// There is none.
    Absent,
    /// It has not ended.
    Running {
        /// What is wrong with it so far, or an empty text.
        message: String,
    },
    /// It ended well.
    Succeeded(Report),
    /// It gave up.
    Failed {
        /// When.
        at: Timestamp,
        /// Its own last words, or Kubernetes' reason.
        message: String,
    },
}

/// What a Job said about its work as its last words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Newest schema version.
    pub schema: Option<String>,
    /// How many migrations it applied or reverted.
    pub migrations: usize,
    /// Whether it left its work undone, for a reason that its message gives.
    pub skipped: bool,
    /// Whether a person has to say what is meant before anything is written.
    pub question: bool,
    /// Whether its pod was gone before its last words were read: what it did is not known.
    pub lost: bool,
    /// A sentence for people.
    pub message: String,
}

/// A Deployment on its way to one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rollout {
    /// Not every pod is one of this release and available, or an older one is left.
    Pending {
        /// What is missing.
        message: String,
    },
    /// Every pod is of this release and available.
    Complete,
}

/// What the servers of the release answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// Nobody has asked yet.
    Unknown,
    /// At least one is not as it should be.
    Failing {
        /// Which, and how.
        message: String,
    },
    /// Every one answered with this release's id and a fitting schema, and is no worse off than the active release was.
    Passed,
}

/// How the servers of a release have fared with their users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watch {
    /// Nobody could be asked.
    Unknown,
    /// As well as the policy asks, or as the release before.
    Well {
        /// What was measured.
        message: String,
    },
    /// Something is down that both releases need: what happens now speaks against neither.
    Outage {
        /// What is down.
        message: String,
    },
    /// Worse than the policy allows and than the release before.
    Ill {
        /// What was measured.
        message: String,
    },
}

/// Limits of one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Whether a release replaces the pods of the one colour, or stands beside them.
    pub strategy: Strategy,
    /// Who lets a checked release take the traffic, where it stands beside the active one.
    pub promotion: Promotion,
    /// How long the new release is watched while the one before stays ready; zero for not at all.
    pub bake: Duration,
    /// What becomes of a release that fails in its bake.
    pub on_failure: OnFailure,
    /// Whether a release begins with a backup.
    pub backup: Backup,
    /// Whether a release that is undone takes its schema with it.
    pub on_rollback: OnRollback,
    /// From the start of the candidate's servers to their passed check.
    pub check_timeout: Duration,
    /// For the backup, and for each of the migrations, attempts included.
    pub migration_timeout: Duration,
    /// How long workers may take to hand their jobs back.
    pub drain_timeout: Duration,
}

/// Whether a release begins with a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backup {
    /// It does not.
    No,
    /// It does; one that fails is said, and keeps nothing from going on.
    IfPossible,
    /// It does, and without one there is no release.
    Required,
}

/// How the message of a first step begins that waits for what it needs on shared services.
pub const PROVISIONING: &str = "provisioning: ";

/// Pause before a first release that failed is tried again; it doubles with every failure.
pub const FIRST_RELEASE_RETRY: Duration = Duration::from_mins(5);

/// The longest such pause.
pub const FIRST_RELEASE_RETRY_LONGEST: Duration = Duration::from_mins(30);

/// Pause between two Jobs of the same migration: whatever kept the first from succeeding may be mended by then.
pub const JOB_RETRY: Duration = Duration::from_mins(1);
