//! How backups are called: after their time and release, so that their names sort by age.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// As of ISO 8601, without what a file name should not have.
const TIME: &str = "%Y%m%dT%H%M%SZ";
/// Characters of a time.
const TIME_LENGTH: usize = 16;
const ENDING: &str = ".pgdump";
/// For a backup that a person asked for.
const NO_RELEASE: &str = "manual";
/// Most characters of a release's id.
const RELEASE_LENGTH: usize = 64;

/// Where the backups of the environment with this RESOURCE_PREFIX are.
pub(super) fn folder(resource_prefix: &str) -> String {
    format!("{resource_prefix}backups")
}

/// `<time in UTC>-<release, or "manual">.pgdump`.
pub(super) fn file(now: Timestamp, release: Option<&str>) -> String {
    let release: String = release.unwrap_or(NO_RELEASE).chars().map(plain).take(RELEASE_LENGTH).collect();
    format!("{}-{release}{ENDING}", now.to_zoned(TimeZone::UTC).strftime(TIME))
}

/// A release's id is the operator's to choose; no character of it makes a folder or a key that is none.
const fn plain(character: char) -> char {
    if is_plain(character) { character } else { '-' }
}

const fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}

/// Whether a file is called like a backup.
pub(super) fn is_backup(file: &str) -> bool {
    let named = file.strip_suffix(ENDING).and_then(|stem| stem.split_at_checked(TIME_LENGTH));
    let Some((time, release)) = named else { return false };
    let release = release.strip_prefix('-').unwrap_or_default();
    DateTime::strptime(TIME, time).is_ok() && !release.is_empty() && release.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_called_after_its_time_in_utc_and_its_release() {
        let now = "2026-03-04T05:06:07+03:30".parse().unwrap();
        let cases = [
            (Some("0a1b2c3d4e"), "20260304T013607Z-0a1b2c3d4e.pgdump"),
            (None, "20260304T013607Z-manual.pgdump"),
            (Some("../x y"), "20260304T013607Z-..-x-y.pgdump"),
        ];
        for (release, expected) in cases {
            assert_eq!(file(now, release), expected);
            assert!(is_backup(expected), "{expected}");
        }
        assert!(file(now, Some(&"a".repeat(999))).len() < 100);
    }

    #[test]
    fn what_is_called_otherwise_is_no_backup() {
        let others = [
            "",
            ".pgdump",
            "notes.txt",
            "20260304T013607Z.pgdump",
            "20260304T013607Z-.pgdump",
            "20260304T013607Z-a.pgdump.new",
            "20269904T013607Z-a.pgdump",
            "20260304T013607Zxa.pgdump",
            "20260304T013607Z-a/b.pgdump",
            "äääääääää-a.pgdump",
        ];
        for other in others {
            assert!(!is_backup(other), "{other}");
        }
    }
}
