//! A clock that jumps ends a wait too early or too late, and can do nothing else.

use super::*;

const DAY: i64 = 24 * 3600;
/// The phases of a release beside the active one, in their order.
const PHASES: [Phase; 6] = [Phase::Backup, Phase::Migrate, Phase::Start, Phase::Check, Phase::Switch, Phase::Bake];

#[test]
fn a_clock_that_goes_back_ends_no_phase() {
    for waits_in in PHASES {
        let waiting = releasing(&BLUE_GREEN, waits_in);
        let after = next(&waiting, &nothing_yet("new"), &BLUE_GREEN, at(-DAY));
        assert_eq!((phase(&after), active(&after)), (Some(waits_in), active(&waiting)), "{waits_in:?}");
    }
}

#[test]
fn a_clock_that_goes_ahead_ends_a_wait_as_its_limit_does() {
    let serves = Facts { serving: Rollout::Complete, previous: Rollout::Complete, ..nothing_yet("new") };
    for (waits_in, expected) in [
        (Phase::Backup, Phase::Migrate),
        (Phase::Migrate, Phase::Discard),
        (Phase::Start, Phase::Discard),
        (Phase::Check, Phase::Discard),
        (Phase::Switch, Phase::Rollback),
        (Phase::Bake, Phase::Finish),
    ] {
        let after = next(&releasing(&BLUE_GREEN, waits_in), &serves, &BLUE_GREEN, at(DAY));
        assert_eq!(phase(&after), Some(expected), "{waits_in:?}");
        let is_new = waits_in == Phase::Bake;
        assert_eq!(active(&after), Some(if is_new { "new" } else { "old" }), "{waits_in:?}");
    }
}

#[test]
fn what_is_ready_goes_on_whatever_the_clock_says() {
    for (now, expected) in [(-DAY, "new"), (DAY, "new")] {
        let checked = releasing(&BLUE_GREEN, Phase::Check);
        let after = next(&checked, &all_well("new"), &BLUE_GREEN, at(now));
        assert_eq!((phase(&after), active(&after)), (Some(Phase::Switch), Some(expected)), "{now}");
    }
}

#[test]
fn a_phase_that_a_wrong_clock_began_lasts_no_longer_than_another() {
    for waits_in in [Phase::Start, Phase::Check, Phase::Bake] {
        let mut ahead = releasing(&BLUE_GREEN, waits_in);
        for step in &mut ahead.steps {
            step.started_at = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(365 * DAY));
        }
        let serves = Facts { serving: Rollout::Complete, previous: Rollout::Complete, ..nothing_yet("new") };
        let waits = next(&ahead, &serves, &BLUE_GREEN, at(10));
        assert_eq!(phase(&waits), Some(waits_in));
        assert_ne!(phase(&next(&waits, &serves, &BLUE_GREEN, at(10 + 3600))), Some(waits_in), "{waits_in:?}");
    }
}
