//! What the state machine is told about the cluster, and the policy by which it judges that.

use std::time::Duration;

use jiff::Timestamp;

use super::state::Release;

/// What is seen now. Jobs, pods and checks are those of the release under way, or else of the active one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The release that the resource asks for.
    pub wanted: Release,
    /// Id of the release that a person asks to try again.
    pub retry: Option<String>,
    /// The Job that widens the schema.
    pub expand: Job,
    /// The Job that removes what only older releases needed.
    pub contract: Job,
    /// The servers.
    pub app: Rollout,
    /// The workers.
    pub worker: Rollout,
    /// What the servers say about themselves.
    pub check: Check,
    /// Pods of other releases that still exist, draining ones included.
    pub old_pods: usize,
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
    Succeeded {
        /// Newest schema version that it reported.
        schema: Option<String>,
    },
    /// It gave up.
    Failed {
        /// When.
        at: Timestamp,
        /// Its own last words, or Kubernetes' reason.
        message: String,
    },
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

/// Limits of one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// From the start of the candidate's servers to their passed check.
    pub check_timeout: Duration,
    /// For each of the two migrations, attempts included.
    pub migration_timeout: Duration,
}

/// How the message of a migration begins that waits for what it needs on shared services.
pub const PROVISIONING: &str = "provisioning: ";

/// Pause before a first release that failed is tried again; it doubles with every failure.
pub const FIRST_RELEASE_RETRY: Duration = Duration::from_mins(5);

/// The longest such pause.
pub const FIRST_RELEASE_RETRY_LONGEST: Duration = Duration::from_mins(30);

/// Pause between two Jobs of the same migration: whatever kept the first from succeeding may be mended by then.
pub const JOB_RETRY: Duration = Duration::from_mins(1);
