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
    let serves = Facts { previous: Rollout::Complete, ..nothing_yet("new") };
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
