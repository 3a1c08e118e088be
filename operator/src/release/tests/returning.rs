//! What a person does after a release has ended well: going back to an earlier one, and coming back.

use super::*;

/// `new` serves, `old` served before, and the spec asks for `new`.
fn facts(wishes: Wishes) -> Facts {
    Facts { wishes, past: vec![release("old"), release("older")], ..all_well("new") }
}

fn leaving(id: &str) -> Facts {
    facts(Wishes { rollback: Some(id.to_owned()), ..Wishes::default() })
}

fn to(id: &str) -> Facts {
    facts(Wishes { rollback_to: Some(id.to_owned()), ..Wishes::default() })
}

/// Looks until nothing is under way.
fn looked(mut state: ReleaseState, facts: &Facts) -> ReleaseState {
    state = next(&state, facts, &ROLLING, at(0));
    while state.running.is_some() {
        state = next(&state, facts, &ROLLING, at(0));
    }
    state
}

#[test]
fn a_wish_that_names_the_active_release_returns_to_the_one_before_it() {
    let state = looked(serving("new"), &leaving("new"));
    assert_eq!((active(&state), state.history[0].id.as_str()), (Some("old"), "old"));
    let held_back = state.failed.clone().unwrap();
    assert_eq!((held_back.id.as_str(), held_back.reason.as_str()), ("new", "RolledBack"));
    assert_eq!(looked(state.clone(), &leaving("new")), state, "the spec's release stays away while it is asked for");
    let changed = next(&state, &nothing_yet("newer"), &ROLLING, at(1));
    assert_eq!(changed.running.unwrap().placed.release.id, "newer", "until the spec changes");
}

#[test]
fn a_wish_may_name_the_release_to_return_to() {
    for (wish, expected) in [("older", "older"), ("old", "old"), ("new", "new"), ("unknown", "new")] {
        let state = looked(serving("new"), &to(wish));
        assert_eq!(active(&state), Some(expected), "{wish}");
        assert_eq!(state.failed.is_some(), expected != "new", "{wish}");
    }
}

#[test]
fn what_was_left_is_released_again_when_a_person_retries_it() {
    let left = looked(serving("new"), &leaving("new"));
    let both = Wishes { rollback: Some("new".to_owned()), retry: Some("new".to_owned()), ..Wishes::default() };
    let again = looked(left, &facts(both.clone()));
    assert_eq!((active(&again), again.failed.clone()), (Some("new"), None));
    assert_eq!(looked(again.clone(), &facts(both)), again, "the old wish was fulfilled before");
}

#[test]
fn a_past_release_that_fails_leaves_what_serves_and_no_mark() {
    let begun = next(&serving("new"), &to("old"), &ROLLING, at(0));
    assert_eq!(begun.running.as_ref().unwrap().placed.release.id, "old");
    let stuck = Facts { expand: Job::Absent, ..to("old") };
    let states = (1..6).fold(begun, |state, look| next(&state, &stuck, &ROLLING, at(look * 1800)));
    assert_eq!((phase(&states), active(&states)), (None, Some("new")));
    assert_eq!(states.history[0].outcome, Outcome::Failed);
    let after = next(&states, &stuck, &ROLLING, at(99_999));
    assert_eq!(
        (phase(&after), after.failed.clone()),
        (None, None),
        "what serves has not failed, whoever wanted it gone"
    );
}

#[test]
fn a_word_that_was_written_before_a_release_began_does_not_take_it_back() {
    let stands = Facts { wishes: Wishes { rollback: Some("new".to_owned()), ..Wishes::default() }, ..all_well("new") };
    let mut state = next(&serving("old"), &stands, &BLUE_GREEN, at(0));
    while phase(&state) != Some(Phase::Bake) {
        state = next(&state, &stands, &BLUE_GREEN, at(1));
        assert!(state.running.is_some(), "it was taken back: {state:?}");
    }
    let removed = next(&state, &all_well("new"), &BLUE_GREEN, at(2));
    assert_eq!(
        phase(&next(&removed, &stands, &BLUE_GREEN, at(3))),
        Some(Phase::Rollback),
        "a word that is written anew"
    );
}

#[test]
fn a_new_spec_ends_a_return_that_is_under_way() {
    let begun = next(&serving("new"), &to("old"), &ROLLING, at(0));
    let superseded = next(&begun, &Facts { past: vec![release("old")], ..all_well("newest") }, &ROLLING, at(1));
    assert_eq!(superseded.history[0].outcome, Outcome::Superseded);
}

#[test]
fn a_wish_for_a_past_release_takes_back_the_one_under_way_first() {
    let wish = Wishes { rollback_to: Some("older".to_owned()), ..Wishes::default() };
    let facts = Facts { wishes: wish, past: vec![release("older")], ..all_well("new") };
    let back = next(&releasing(&BLUE_GREEN, Phase::Bake), &facts, &BLUE_GREEN, at(5));
    assert_eq!((phase(&back), active(&back)), (Some(Phase::Rollback), Some("old")));
    let mut state = back;
    while active(&state) != Some("older") {
        state = next(&state, &facts, &BLUE_GREEN, at(6));
    }
    assert_eq!(state.failed.unwrap().id, "new");
}

#[test]
fn a_wish_that_was_fulfilled_takes_no_later_release_back() {
    let taken = |wishes: Wishes| Facts { wishes, ..all_well("new") };
    let wish = Wishes { rollback: Some("new".to_owned()), ..Wishes::default() };
    let back = next(&releasing(&BLUE_GREEN, Phase::Bake), &taken(wish.clone()), &BLUE_GREEN, at(5));
    let ended = settled(back, "new", &BLUE_GREEN, 6);
    let mut ended = ReleaseState { rolled_back: Some("new".to_owned()), ..ended };
    let retried = Wishes { retry: Some("new".to_owned()), ..wish };
    for second in 7..20 {
        ended = next(&ended, &taken(retried.clone()), &BLUE_GREEN, at(second));
    }
    assert_eq!((phase(&ended), active(&ended)), (Some(Phase::Bake), Some("new")));
}

#[test]
fn releases_that_fail_do_not_push_the_last_good_ones_out_of_memory() {
    let mut state = ReleaseState::default();
    for name in ["good-1", "good-2", "good-3", "good-4"] {
        state = settled(next(&state, &all_well(name), &ROLLING, at(0)), name, &ROLLING, 0);
    }
    for attempt in 0..20 {
        let id = format!("bad-{attempt}");
        state = next(&state, &nothing_yet(&id), &ROLLING, at(attempt * 100_000));
        for look in 1..9 {
            state = next(&state, &nothing_yet(&id), &ROLLING, at(attempt * 100_000 + look * 1800));
        }
    }
    let good: Vec<&str> =
        state.history.iter().filter(|it| it.outcome == Outcome::Succeeded).map(|it| &*it.id).collect();
    assert_eq!((state.history.len(), good), (10, vec!["good-4", "good-3", "good-2"]));
}
