//! Reasons that conditions and events give: short, stable words for programs; the message beside them is for people.

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $constant:ident = $text:literal;)+) => {
        $($(#[doc = $doc])+ pub const $constant: &str = $text;)+

        /// Every reason with its meaning, for the documentation.
        pub const ALL: &[(&str, &str)] = &[$(($text, concat!($($doc),+))),+];
    };
}

/// Reasons for which the variables of the spec cannot be used.
pub const OF_THE_SECRET: [&str; 3] = [SECRET_NOT_FOUND, SECRET_KEYS_MISSING, SECRET_VALUE_INVALID];

/// Reasons for which an environment cannot be resolved: what runs goes on, and nothing is started or stopped.
pub const BLOCKING: [&str; 6] = [
    SECRET_NOT_FOUND,
    SECRET_KEYS_MISSING,
    SECRET_VALUE_INVALID,
    ADMIN_SECRET_NOT_READY,
    DATABASE_SHARED,
    DATABASE_TLS_REQUIRED,
];

reasons! {
    /// The release that the spec asks for is active and healthy.
    RELEASE_ACTIVE = "ReleaseActive";
    /// A release is on its way; the phase says how far.
    RELEASE_IN_PROGRESS = "ReleaseInProgress";
    /// A release failed and was discarded; the release before it goes on serving.
    RELEASE_FAILED = "ReleaseFailed";
    /// A release waits for the annotation chatbot.platform/promote.
    AWAITING_PROMOTION = "AwaitingPromotion";
    /// A release failed in its bake and waits for a person, because onFailure is Hold.
    RELEASE_HELD = "ReleaseHeld";
    /// A release was taken back.
    ROLLED_BACK = "RolledBack";
    /// The annotation chatbot.platform/pause keeps the operator from acting.
    PAUSED = "Paused";
    /// The environment is scaled to zero because spec.suspend is true.
    SUSPENDED = "Suspended";
    /// The Secret named in the spec does not exist.
    SECRET_NOT_FOUND = "SecretNotFound";
    /// The Secret lacks keys that the chatbot needs.
    SECRET_KEYS_MISSING = "SecretKeysMissing";
    /// A value in the Secret cannot be used.
    SECRET_VALUE_INVALID = "SecretValueInvalid";
    /// The administrator's Secret of spec.provision does not exist or lacks keys.
    ADMIN_SECRET_NOT_READY = "AdminSecretNotReady";
    /// Another environment uses the same database.
    DATABASE_SHARED = "DatabaseShared";
    /// The database's connection is not encrypted, which prod needs.
    DATABASE_TLS_REQUIRED = "DatabaseTlsRequired";
    /// Database, bucket or collections are being made on the shared services.
    PROVISIONING = "Provisioning";
    /// Database, bucket or collections could not be made.
    PROVISION_FAILED = "ProvisionFailed";
    /// The migrations are running.
    MIGRATING = "Migrating";
    /// A migration failed.
    MIGRATION_FAILED = "MigrationFailed";
    /// The migrations did not end within migrations.timeout.
    MIGRATION_TIMED_OUT = "MigrationTimedOut";
    /// A backup failed: the one before a release, one that a schedule or a person asked for, or the newest of all.
    BACKUP_FAILED = "BackupFailed";
    /// A backup is being made, or waits for its turn.
    BACKUP_IN_PROGRESS = "BackupInProgress";
    /// A backup was made, and read back.
    BACKUP_MADE = "BackupMade";
    /// The newest backup is good, but its copy failed, or the repository is damaged elsewhere.
    BACKUP_DOUBTFUL = "BackupDoubtful";
    /// No backup has been made yet.
    NO_BACKUP_YET = "NoBackupYet";
    /// The database is empty and there are backups of it: a person says whether it is restored or begins with nothing.
    RESTORE_OR_START_EMPTY = "RestoreOrStartEmpty";
    /// A restore is under way.
    RESTORING = "Restoring";
    /// A restore ended well: the backup is what is served.
    RESTORED = "Restored";
    /// A restore failed; what ran before it goes on, unless its message says otherwise.
    RESTORE_FAILED = "RestoreFailed";
    /// A restore was taken back.
    RESTORE_UNDONE = "RestoreUndone";
    /// The image cannot be pulled.
    IMAGE_PULL_FAILED = "ImagePullFailed";
    /// A container ends again and again.
    CRASH_LOOP = "CrashLoop";
    /// A container was killed because it used more memory than its limit.
    OUT_OF_MEMORY = "OutOfMemory";
    /// Pods do not become ready.
    PODS_NOT_READY = "PodsNotReady";
    /// No node has room for a pod.
    UNSCHEDULABLE = "Unschedulable";
    /// A ResourceQuota or LimitRange of the namespace refuses pods.
    QUOTA_EXCEEDED = "QuotaExceeded";
    /// The API server or an admission policy refused an object.
    APPLY_REFUSED = "ApplyRefused";
    /// The checks did not pass within release.checkTimeout.
    CHECK_TIMED_OUT = "CheckTimedOut";
    /// The candidate finds a service unhealthy that the active colour finds healthy.
    CHECK_FAILED = "CheckFailed";
    /// Every service answers.
    ALL_SERVICES_HEALTHY = "AllServicesHealthy";
    /// A service does not answer; the chatbot works with less.
    SERVICE_UNHEALTHY = "ServiceUnhealthy";
    /// No pod could be asked yet.
    NOT_OBSERVED = "NotObserved";
    /// Backups are not made for this environment.
    BACKUPS_OFF = "BackupsOff";
    /// The newest good backup is young enough.
    BACKUP_RECENT = "BackupRecent";
    /// The newest good backup is older than backups.rpo.
    BACKUP_TOO_OLD = "BackupTooOld";
    /// The last drill worked in time.
    DRILL_PASSED = "DrillPassed";
    /// The last drill failed or took longer than backups.rto.
    DRILL_FAILED = "DrillFailed";
    /// No restore has been rehearsed yet.
    NEVER_DRILLED = "NeverDrilled";
    /// The task monitor of the release that serves is ready.
    MONITOR_READY = "MonitorReady";
    /// The task monitor is not run, because monitor.enabled is false.
    MONITOR_OFF = "MonitorOff";
    /// The image of the release that serves has no task monitor.
    MONITOR_MISSING = "MonitorMissing";
    /// Every field of the spec is acted on.
    ALL_FIELDS_ACTIVE = "AllFieldsActive";
    /// Some fields of the spec are accepted, and not acted on by this version; the message lists them.
    FIELDS_NOT_ACTIVE = "FieldsNotActive";
    /// The Gateway API, cert-manager or another API that the spec asks for is not installed.
    API_MISSING = "ApiMissing";
    /// A call of the Kubernetes API failed; it is tried again.
    API_ERROR = "ApiError";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_unique_and_camel_case() {
        let mut seen = std::collections::BTreeSet::new();
        for (reason, meaning) in ALL {
            assert!(seen.insert(reason), "{reason} stands twice");
            assert!(reason.starts_with(|c: char| c.is_ascii_uppercase()), "{reason}");
            assert!(reason.chars().all(|c| c.is_ascii_alphanumeric()), "{reason}");
            assert!(meaning.trim_end().ends_with('.'), "{reason}: {meaning}");
        }
    }

    /// What people and alerts go by: a reason that is not explained is as bad as one that is explained and never given.
    #[test]
    fn the_guide_explains_every_reason_and_no_other() {
        let guide = include_str!("../../../docs/guide/status.md");
        let (_, section) = guide.split_once("\n## Reasons\n").unwrap();
        let (section, _) = section.split_once("\n## Phase\n").unwrap();
        for (reason, _) in ALL {
            assert!(section.contains(&format!("`{reason}`")), "docs/guide/status.md does not explain {reason}");
        }
        let named = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let kept = section.lines().filter_map(|line| line.strip_prefix("Kept, and never given by this version: "));
        let kept = kept.flat_map(|line| line.split('`').skip(1).step_by(2));
        let named: Vec<&str> = named.chain(kept).collect();
        assert!(named.len() >= ALL.len(), "{named:?}");
        for reason in named {
            assert!(
                ALL.iter().any(|(known, _)| *known == reason),
                "docs/guide/status.md explains {reason}, which nobody gives"
            );
        }
    }
}
