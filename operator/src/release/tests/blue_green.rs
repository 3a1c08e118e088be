//! Releases that stand beside the active one, are watched after the switch, and are taken back.

use super::*;
use crate::{
    release::{hold, layout},
    resources::labels::Component,
};

const MANUAL: Policy = Policy { promotion: Promotion::Manual, ..BLUE_GREEN };
const HOLDING: Policy = Policy { on_failure: OnFailure::Hold, ..BLUE_GREEN };

fn ill() -> Facts {
    Facts { watch: Watch::Ill { message: "9.0 % of 1000 requests failed".to_owned() }, ..all_well("new") }
}

fn promoted(id: &str) -> Facts {
    Facts { wishes: Wishes { promote: Some(id.to_owned()), ..Wishes::default() }, ..all_well("new") }
}

fn taken_back(id: &str) -> Facts {
    Facts { wishes: Wishes { rollback: Some(id.to_owned()), ..Wishes::default() }, ..all_well("new") }
}

fn colours(state: &ReleaseState) -> (Option<Colour>, Option<Colour>) {
    let colour = |placed: &Option<Placed>| placed.as_ref().map(|placed| placed.colour);
    (colour(&state.active), colour(&state.previous))
}

#[test]
fn a_release_is_started_in_the_other_colour_watched_and_finished() {
    use Phase::{Backup, Bake, Check, Finish, Migrate, Start, Switch};
    let mut state = releasing(&BLUE_GREEN, Bake);
    assert_eq!((colours(&state), active(&state)), ((Some(Colour::Green), Some(Colour::Blue)), Some("new")));
    let seen: Vec<Phase> =
        state.steps.iter().filter_map(|step| Phase::ALL.into_iter().find(|it| it.shown() == step.name)).collect();
    assert_eq!(seen, [Backup, Migrate, Start, Check, Switch, Bake]);
    state = next(&state, &all_well("new"), &BLUE_GREEN, at(3599));
    assert_eq!(told(&state), (Some(Bake), Some("new"), Outcome::Running), "the bake is not over");
    state = next(&state, &all_well("new"), &BLUE_GREEN, at(3600));
    assert_eq!((phase(&state), colours(&state)), (Some(Finish), (Some(Colour::Green), None)));
    state = next(&state, &all_well("new"), &BLUE_GREEN, at(3601));
    assert_eq!(told(&state), (None, Some("new"), Outcome::Succeeded));
    let again = next(&state, &nothing_yet("newer"), &BLUE_GREEN, at(3602));
    assert_eq!(again.running.unwrap().placed.colour, Colour::Blue, "the colours take turns");
}

#[test]
fn the_first_release_has_nothing_to_go_back_to_and_is_not_watched() {
    let (road, state) = road(&BLUE_GREEN, &ReleaseState::default());
    assert_eq!(road, [Phase::Backup, Phase::Migrate, Phase::Start, Phase::Check, Phase::Switch, Phase::Finish]);
    assert_eq!(colours(&state), (Some(Colour::Blue), None));
}

#[test]
fn without_a_bake_the_release_before_goes_at_once() {
    let policy = Policy { bake: Duration::ZERO, ..BLUE_GREEN };
    let (road, _) = road(&policy, &serving("old"));
    assert_eq!(road, [Phase::Backup, Phase::Migrate, Phase::Start, Phase::Check, Phase::Switch, Phase::Finish]);
}

#[test]
fn each_phase_runs_what_it_needs_and_nothing_else() {
    use Phase::{Backup, Bake, Check, Discard, Finish, Held, Migrate, Promote, Rollback, Start, Switch};
    let both = ["app new", "app old", "worker old"];
    let switched = ["app new", "app old", "worker new"];
    let table = [
        (&BLUE_GREEN, Backup, &["app old", "worker old"][..], Colour::Blue, None),
        (&BLUE_GREEN, Migrate, &["app old", "worker old"], Colour::Blue, None),
        (&BLUE_GREEN, Start, &both, Colour::Blue, Some(Colour::Green)),
        (&BLUE_GREEN, Check, &both, Colour::Blue, Some(Colour::Green)),
        (&MANUAL, Promote, &both, Colour::Blue, Some(Colour::Green)),
        (&BLUE_GREEN, Switch, &switched, Colour::Green, None),
        (&BLUE_GREEN, Bake, &switched, Colour::Green, None),
        (&HOLDING, Held, &switched, Colour::Green, None),
        (&BLUE_GREEN, Finish, &["app new", "worker new"], Colour::Green, None),
        (&BLUE_GREEN, Rollback, &["app new", "app old", "worker old"], Colour::Blue, None),
        (&BLUE_GREEN, Discard, &["app old", "worker old"], Colour::Blue, None),
    ];
    for (policy, phase, workloads, traffic, preview) in table {
        let state = in_phase(policy, phase);
        let layout = layout(&state, &nothing_yet("new"), at(1));
        let mut runs: Vec<String> =
            layout.workloads.iter().map(|it| format!("{} {}", it.component.as_str(), it.slot.release)).collect();
        runs.sort();
        assert_eq!(runs, workloads, "{phase:?}");
        assert_eq!((layout.traffic, layout.preview), (Some(traffic), preview), "{phase:?}");
        let worker = layout.workloads.iter().find(|it| it.component == Component::Worker).unwrap();
        assert_eq!(worker.slot.colour, traffic, "{phase:?}");
        assert_eq!(layout.monitor.as_ref(), Some(&worker.slot), "{phase:?}");
    }
}

/// `new` over `old`, in any of the phases.
fn in_phase(policy: &Policy, phase: Phase) -> ReleaseState {
    match phase {
        Phase::Finish => next(&releasing(policy, Phase::Bake), &promoted("new"), policy, at(1)),
        Phase::Held | Phase::Rollback => next(&releasing(policy, Phase::Bake), &ill(), policy, at(1)),
        Phase::Discard => next(&in_phase(policy, Phase::Rollback), &ill(), policy, at(2)),
        Phase::Backup | Phase::Migrate | Phase::Start | Phase::Check | Phase::Promote | Phase::Switch | Phase::Bake => {
            releasing(policy, phase)
        }
    }
}

#[test]
fn a_release_that_is_ill_in_its_bake_is_taken_back_at_once_and_not_tried_again() {
    let state = next(&releasing(&BLUE_GREEN, Phase::Bake), &ill(), &BLUE_GREEN, at(60));
    assert_eq!((phase(&state), active(&state)), (Some(Phase::Rollback), Some("old")), "the traffic is back");
    assert_eq!(state.active.as_ref().unwrap().schema.as_deref(), Some("20250101000000"), "what it needs, and no more");
    let waits = next(&state, &Facts { active: pending("0 of 2 pods"), ..ill() }, &BLUE_GREEN, at(61));
    assert_eq!(phase(&waits), Some(Phase::Rollback));
    let up = next(&waits, &ill(), &BLUE_GREEN, at(62));
    assert_eq!(told(&up), (Some(Phase::Discard), Some("old"), Outcome::Running));
    let ended = next(&up, &ill(), &BLUE_GREEN, at(63));
    assert_eq!(told(&ended), (None, Some("old"), Outcome::Succeeded));
    let past = &ended.history[0];
    let words = "9.0 % of 1000 requests failed; schema: reverted 1 migration";
    assert_eq!((past.outcome, past.message.as_str()), (Outcome::RolledBack, words));
    let failed = ended.failed.clone().unwrap();
    assert_eq!((failed.id.as_str(), failed.reason.as_str(), failed.phase), ("new", "RolledBack", Phase::Bake.shown()));
    assert_eq!(phase(&next(&ended, &all_well("new"), &BLUE_GREEN, at(99_999))), None);
}

#[test]
fn a_rollback_ends_even_where_the_release_before_does_not_come_up() {
    let state = next(&releasing(&BLUE_GREEN, Phase::Bake), &ill(), &BLUE_GREEN, at(60));
    let stuck = Facts { active: pending("0 of 2 pods"), ..ill() };
    let late = next(&state, &stuck, &BLUE_GREEN, at(660));
    assert_eq!((phase(&late), active(&late)), (Some(Phase::Discard), Some("old")));
}

#[test]
fn a_release_that_is_held_waits_for_a_person_as_long_as_it_takes() {
    let held = next(&releasing(&HOLDING, Phase::Bake), &ill(), &HOLDING, at(60));
    assert_eq!(told(&held), (Some(Phase::Held), Some("new"), Outcome::Running));
    let waits = next(&held, &all_well("new"), &HOLDING, at(999_999));
    assert_eq!(phase(&waits), Some(Phase::Held));
    assert_eq!(waits.steps.last().unwrap().message, "9.0 % of 1000 requests failed");
    assert_eq!(phase(&next(&waits, &promoted("other"), &HOLDING, at(999_999))), Some(Phase::Held), "a stale wish");
    assert_eq!(phase(&next(&waits, &promoted("new"), &HOLDING, at(999_999))), Some(Phase::Finish));
    let back = next(&waits, &taken_back("new"), &HOLDING, at(999_999));
    assert_eq!((phase(&back), active(&back)), (Some(Phase::Rollback), Some("old")));
}

#[test]
fn a_person_promotes_a_checked_release_and_no_other() {
    let waiting = releasing(&MANUAL, Phase::Promote);
    for (name, facts, expected) in [
        ("nobody spoke", all_well("new"), (Some(Phase::Promote), Some("old"))),
        ("a stale wish", promoted("other"), (Some(Phase::Promote), Some("old"))),
        (
            "it fell ill meanwhile",
            Facts { check: Check::Unknown, ..promoted("new") },
            (Some(Phase::Promote), Some("old")),
        ),
        ("promoted", promoted("new"), (Some(Phase::Switch), Some("new"))),
        ("taken back", taken_back("new"), (Some(Phase::Discard), Some("old"))),
    ] {
        let state = next(&waiting, &facts, &MANUAL, at(999_999));
        assert_eq!((phase(&state), active(&state)), expected, "{name}");
    }
    let rolling = Policy { promotion: Promotion::Manual, ..ROLLING };
    let (road, _) = road(&rolling, &serving("old"));
    assert!(!road.contains(&Phase::Promote), "a Rolling release has replaced the pods already");
}

#[test]
fn a_promotion_counts_once_and_does_not_end_the_bake_too() {
    let mut state = releasing(&MANUAL, Phase::Promote);
    for _ in 0..5 {
        state = next(&state, &promoted("new"), &MANUAL, at(5));
    }
    assert_eq!(phase(&state), Some(Phase::Bake), "it still stands written");
    state = next(&state, &all_well("new"), &MANUAL, at(6));
    assert_eq!(phase(&next(&state, &promoted("new"), &MANUAL, at(7))), Some(Phase::Finish), "a wish made anew");
}

#[test]
fn a_person_ends_a_bake_early_or_takes_the_release_back() {
    let baking = releasing(&BLUE_GREEN, Phase::Bake);
    assert_eq!(phase(&next(&baking, &promoted("new"), &BLUE_GREEN, at(5))), Some(Phase::Finish));
    let back = next(&baking, &taken_back("new"), &BLUE_GREEN, at(5));
    assert_eq!((phase(&back), active(&back)), (Some(Phase::Rollback), Some("old")));
    let both =
        Facts { wishes: Wishes { promote: Some("new".to_owned()), ..taken_back("new").wishes }, ..all_well("new") };
    assert_eq!(phase(&next(&baking, &both, &BLUE_GREEN, at(5))), Some(Phase::Rollback), "what is safe counts");
}

#[test]
fn a_new_spec_takes_a_release_back_before_the_next_begins() {
    for phase_now in [Phase::Switch, Phase::Bake] {
        let back = next(&releasing(&BLUE_GREEN, phase_now), &all_well("newer"), &BLUE_GREEN, at(5));
        assert_eq!((phase(&back), active(&back)), (Some(Phase::Rollback), Some("old")), "{phase_now:?}");
        let ended = settled(back, "newer", &BLUE_GREEN, 6);
        assert_eq!((ended.history[0].outcome, ended.failed.clone()), (Outcome::Superseded, None), "{phase_now:?}");
        let begun = next(&ended, &all_well("newer"), &BLUE_GREEN, at(7));
        assert_eq!(begun.running.unwrap().placed.release.id, "newer", "{phase_now:?}");
    }
    let back = next(&releasing(&BLUE_GREEN, Phase::Bake), &all_well("old"), &BLUE_GREEN, at(5));
    let ended = settled(back, "old", &BLUE_GREEN, 6);
    assert_eq!(next(&ended, &all_well("old"), &BLUE_GREEN, at(7)), ended, "the old spec is served already");
}

#[test]
fn time_in_which_a_bake_is_not_advanced_is_not_baked() {
    let held = hold(&releasing(&BLUE_GREEN, Phase::Bake), at(100));
    let resumed = next(&held, &all_well("new"), &BLUE_GREEN, at(10_100));
    assert_eq!(phase(&next(&resumed, &all_well("new"), &BLUE_GREEN, at(13_599))), Some(Phase::Bake));
    assert_eq!(phase(&next(&resumed, &all_well("new"), &BLUE_GREEN, at(13_600))), Some(Phase::Finish));
}

#[test]
fn the_switch_is_watched_as_the_bake_is() {
    let waits = |watch| Facts { watch, worker: pending("0 of 1 pods"), ..all_well("new") };
    let well = || Watch::Well { message: "1000 requests".to_owned() };
    let ill = || Watch::Ill { message: "container app ends again and again".to_owned() };
    let outage = || Watch::Outage { message: "postgresql is down".to_owned() };
    let table = [
        ("workers start", waits(well()), 1, Phase::Switch),
        ("it is ill", waits(ill()), 1, Phase::Rollback),
        ("its workers never come up", waits(well()), 600, Phase::Rollback),
        ("its workers cannot come up", waits(outage()), 600, Phase::Bake),
        ("a person takes it back", Facts { worker: pending(""), ..taken_back("new") }, 1, Phase::Rollback),
    ];
    for (name, facts, second, expected) in table {
        let state = next(&releasing(&BLUE_GREEN, Phase::Switch), &facts, &BLUE_GREEN, at(second));
        assert_eq!(phase(&state), Some(expected), "{name}");
    }
}

#[test]
fn an_outage_that_both_releases_see_takes_none_back() {
    let seen = |watch, all, failed| Facts { watch, requests: Some(requests(all, failed)), ..all_well("new") };
    let discounted = |state: &ReleaseState| state.discounted.map(|it| (it.failed, it.in_outage));
    let outage = Watch::Outage { message: "postgresql is down".to_owned() };
    let ill = Watch::Ill { message: "30.0 % of 1000 requests failed".to_owned() };
    let during = next(&releasing(&BLUE_GREEN, Phase::Bake), &seen(outage, 900, 250), &BLUE_GREEN, at(60));
    assert_eq!((phase(&during), discounted(&during)), (Some(Phase::Bake), Some((250, true))));
    assert_eq!(
        during.steps.last().unwrap().message,
        "inconclusive, an outage: postgresql is down, for the release before too"
    );
    let blind = next(&during, &Facts { requests: None, ..seen(ill.clone(), 0, 0) }, &BLUE_GREEN, at(62));
    assert_eq!((phase(&blind), discounted(&blind)), (Some(Phase::Bake), Some((250, true))), "a server was not asked");
    let after = next(&blind, &seen(ill.clone(), 1000, 300), &BLUE_GREEN, at(65));
    let expected = (Some(Phase::Bake), Some((300, true)));
    assert_eq!((phase(&after), discounted(&after)), expected, "up to the first look after it");
    assert_eq!(phase(&next(&after, &seen(ill, 1200, 400), &BLUE_GREEN, at(70))), Some(Phase::Rollback), "no longer");
}

#[test]
fn a_promotion_that_was_written_early_counts_when_the_release_waits_for_it() {
    let mut state = next(&serving("old"), &promoted("new"), &MANUAL, at(0));
    while phase(&state) != Some(Phase::Bake) {
        state = next(&state, &promoted("new"), &MANUAL, at(1));
        assert!(state.running.is_some() && state.steps.len() < 12, "it waits for a word that was given");
    }
}

#[test]
fn nobody_is_sent_back_to_a_release_that_is_not_there_to_serve() {
    let gone = |facts: Facts| Facts { previous: pending("0 of 2 servers are up"), ..facts };
    let baking = releasing(&BLUE_GREEN, Phase::Bake);
    let ill_now = next(&baking, &gone(ill()), &BLUE_GREEN, at(60));
    assert_eq!((phase(&ill_now), active(&ill_now)), (Some(Phase::Bake), Some("new")));
    let waits = ": it goes back when the release before is ready for the users (0 of 2 servers are up)";
    assert_eq!(ill_now.steps.last().unwrap().message, format!("9.0 % of 1000 requests failed{waits}"));
    assert_eq!(phase(&next(&baking, &gone(taken_back("new")), &BLUE_GREEN, at(60))), Some(Phase::Bake));
    let hopes = next(&baking, &gone(all_well("newer")), &BLUE_GREEN, at(60));
    assert_eq!((phase(&hopes), active(&hopes)), (Some(Phase::Bake), Some("new")), "it may be ready in a moment");
    let superseded = next(&hopes, &gone(all_well("newer")), &BLUE_GREEN, at(600));
    assert_eq!((phase(&superseded), active(&superseded)), (None, Some("new")), "it serves until the next one does");
    assert_eq!(superseded.history[0].outcome, Outcome::Superseded);
    assert_eq!(phase(&next(&ill_now, &ill(), &BLUE_GREEN, at(61))), Some(Phase::Rollback), "as soon as it is ready");
}

#[test]
fn a_bake_does_not_end_well_while_something_speaks_against_the_release() {
    let down = |facts: Facts| Facts { serving: pending("0 of 2 servers are up"), ..facts };
    let unready = |facts: Facts| Facts { previous: pending("1 of 3 servers are up"), ..facts };
    let unknown = || Facts { watch: Watch::Unknown, ..all_well("new") };
    let table = [
        ("its servers are gone", down(unknown()), Phase::Rollback),
        ("its servers are gone, and so are the others", unready(down(unknown())), Phase::Bake),
        ("it is ill, and cannot go back yet", unready(ill()), Phase::Bake),
        ("a person's word cannot be followed yet", unready(taken_back("new")), Phase::Bake),
        ("nobody could ask its servers, which are up", unknown(), Phase::Finish),
        ("the others are not there, and nothing speaks against it", unready(all_well("new")), Phase::Finish),
        ("a person keeps it", unready(Facts { watch: ill().watch, ..promoted("new") }), Phase::Finish),
    ];
    for (name, facts, expected) in table {
        let state = next(&releasing(&BLUE_GREEN, Phase::Bake), &facts, &BLUE_GREEN, at(9999));
        assert_eq!(phase(&state), Some(expected), "{name}");
    }
    let short = next(&releasing(&BLUE_GREEN, Phase::Bake), &down(unknown()), &BLUE_GREEN, at(3700));
    assert_eq!(phase(&short), Some(Phase::Bake), "they may be up again in a moment");
    assert_eq!(phase(&next(&short, &unknown(), &BLUE_GREEN, at(3701))), Some(Phase::Finish));
}

#[test]
fn a_persons_word_is_kept_until_it_can_be_followed() {
    let unready = |facts: Facts| Facts { previous: pending("1 of 3 servers are up"), ..facts };
    for policy in [&BLUE_GREEN, &HOLDING] {
        for waits_in in [Phase::Switch, Phase::Bake] {
            let waits = next(&releasing(policy, waits_in), &unready(taken_back("new")), policy, at(5));
            assert_eq!(phase(&waits), Some(waits_in));
            let said = waits.steps.last().unwrap().message.clone();
            assert!(said.starts_with("a person took it back: it goes back when the release before is ready"), "{said}");
            assert_eq!(phase(&next(&waits, &taken_back("new"), policy, at(9999))), Some(Phase::Rollback));
        }
    }
    let held = next(&releasing(&HOLDING, Phase::Bake), &ill(), &HOLDING, at(60));
    let waits = next(&held, &unready(taken_back("new")), &HOLDING, at(61));
    assert!(waits.steps.last().unwrap().message.starts_with("a person took it back: "), "{waits:?}");
}

#[test]
fn what_was_answered_before_the_switch_speaks_neither_for_a_release_nor_against_it() {
    let seen = |all, failed| Facts { requests: Some(requests(all, failed)), ..all_well("new") };
    let checked = next(
        &releasing(&MANUAL, Phase::Promote),
        &Facts { wishes: promoted("new").wishes, ..seen(7, 7) },
        &MANUAL,
        at(5),
    );
    assert_eq!((phase(&checked), checked.discounted), (Some(Phase::Switch), None), "those were the active release's");
    let blind = next(&checked, &Facts { worker: pending(""), requests: None, ..all_well("new") }, &MANUAL, at(6));
    assert_eq!(blind.discounted, None, "a server was not asked");
    let first = next(&blind, &Facts { worker: pending(""), ..seen(200, 11) }, &MANUAL, at(7));
    assert_eq!(first.discounted, Some(requests(200, 11)), "the preview's");
    let later = next(&first, &seen(5200, 500), &MANUAL, at(8));
    assert_eq!(later.discounted, Some(requests(200, 11)), "no more than those");
    let smaller = next(&later, &seen(100, 2), &MANUAL, at(9));
    assert_eq!(smaller.discounted, Some(requests(100, 2)), "a server that ended took its counts with it");
}

fn requests(all: u64, failed: u64) -> Requests {
    Requests { all, failed, in_outage: false }
}
