use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::{
    controllers::environment::{
        plan::{Blocked, Outlook},
        resolve::fixtures,
        status::status,
    },
    crd::{
        ChatbotEnvironment, ChatbotEnvironmentStatus, Colour, RestorePhase, Tier,
        environment_status::{FailedRelease, Outcome, Step},
    },
    release::{Placed, Release, ReleaseState, Running},
};

const GENERATION: i64 = 7;

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn placed() -> Placed {
    let release = Release { id: "0123456789".to_owned(), image: "chatbot:1".to_owned() };
    Placed { release, colour: Colour::Blue, schema: None }
}

fn running(phase: Phase, words: &str) -> ReleaseState {
    let step = Step {
        name: phase.shown(),
        started_at: Time(now()),
        finished_at: None,
        outcome: Outcome::Running,
        message: words.to_owned(),
        held_seconds: None,
    };
    let running = Running { placed: placed(), phase, started_at: now() };
    ReleaseState { running: Some(running), steps: vec![step], ..serving_state() }
}

fn serving_state() -> ReleaseState {
    ReleaseState { active: Some(placed()), ..ReleaseState::default() }
}

fn failed_state(active: Option<Placed>) -> ReleaseState {
    let failed = FailedRelease {
        id: "9876543210".to_owned(),
        at: Time(now()),
        phase: Phase::Check.shown(),
        reason: reasons::RELEASE_FAILED.to_owned(),
        message: "no".to_owned(),
    };
    ReleaseState { active, failed: Some(failed), ..ReleaseState::default() }
}

fn left_state(active: Option<Placed>) -> ReleaseState {
    let mut state = failed_state(active);
    let failed = state.failed.as_mut().unwrap();
    failed.reason = reasons::ROLLED_BACK.to_owned();
    failed.message = "a person took it back".to_owned();
    state
}

fn a_trouble() -> Trouble {
    Trouble::new(reasons::CRASH_LOOP, "it crashes")
}

fn up() -> Outlook {
    Outlook { app: (1, 1), worker: (1, 1), ..Outlook::default() }
}

fn applied(state: ReleaseState, outlook: Outlook) -> Applied {
    Applied { state, outlook, refused: None, monitor_refused: None, unsettled: false }
}

/// At least one for each check, and for each thing that a check may find.
fn cases() -> Vec<(&'static str, Applied)> {
    let blocked = |passing| Some(Blocked { trouble: a_trouble(), passing });
    let refused = Applied { refused: Some(a_trouble()), ..applied(serving_state(), up()) };
    let ill = |outlook| Outlook { trouble: Some(a_trouble()), ..outlook };
    vec![
        ("blocked", applied(serving_state(), Outlook { blocked: blocked(false), ..up() })),
        ("about to be mended", applied(serving_state(), Outlook { blocked: blocked(true), ..up() })),
        ("refused", refused),
        (
            "restoring",
            applied(
                serving_state(),
                Outlook { restoring: Some(("back".to_owned(), RestorePhase::Swap)), suspended: true, ..up() },
            ),
        ),
        ("suspended", applied(serving_state(), Outlook { suspended: true, ..up() })),
        ("paused", applied(running(Phase::Start, ""), Outlook { paused: true, ..up() })),
        ("failed", applied(failed_state(Some(placed())), up())),
        ("left by a person", applied(left_state(Some(placed())), up())),
        ("given up by a person", applied(left_state(None), up())),
        ("asking", applied(running(Phase::Backup, "restore or start empty? it is empty"), up())),
        ("backing up", applied(running(Phase::Backup, "no disk"), up())),
        ("failed at first", applied(failed_state(None), up())),
        ("provisioning", applied(running(Phase::Migrate, ""), Outlook { provisioning: true, ..up() })),
        ("migrating", applied(running(Phase::Migrate, "no database"), up())),
        ("waiting for a person", applied(running(Phase::Promote, "waits"), up())),
        ("baking", applied(running(Phase::Bake, "1000 requests"), up())),
        ("baking without servers", applied(running(Phase::Bake, ""), Outlook { app: (0, 1), ..up() })),
        ("held", applied(running(Phase::Held, "9 % failed"), up())),
        ("going back", applied(running(Phase::Rollback, ""), up())),
        ("released", applied(running(Phase::Finish, ""), up())),
        ("releasing", applied(running(Phase::Start, ""), up())),
        ("releasing what is ill", applied(running(Phase::Start, ""), ill(up()))),
        ("troubled", applied(serving_state(), ill(Outlook { app: (0, 1), ..up() }))),
        ("unavailable", applied(serving_state(), Outlook { app: (0, 1), ..up() })),
        ("serving", applied(serving_state(), Outlook { not_acted_on: Some(Vec::new()), ..up() })),
        ("serving beside a trouble", applied(serving_state(), ill(up()))),
        ("nothing yet", applied(ReleaseState::default(), up())),
    ]
}

#[test]
fn every_check_speaks_in_some_case() {
    let speaking = |applied: &Applied| CHECKS.iter().position(|check| check(applied).is_some());
    let spoke: BTreeSet<_> = cases().iter().map(|(_, applied)| speaking(applied)).collect();
    let every: BTreeSet<_> = (0..CHECKS.len()).map(Some).chain([None]).collect();
    assert_eq!(spoke, every);
}

/// The state machine retries a first release that failed, and none that a person took back: each is told what becomes of it.
#[test]
fn a_first_release_says_whether_it_is_tried_again_by_itself() {
    let failed = verdict(&applied(failed_state(None), up()));
    assert_eq!((failed.progress, failed.reason), (Progress::Reconciling, reasons::RELEASE_FAILED));
    assert!(failed.message.contains("tried again by itself after 5 to 30 minutes"), "{}", failed.message);
    let given_up = verdict(&applied(left_state(None), up()));
    assert_eq!((given_up.progress, given_up.reason), (Progress::Stalled, reasons::ROLLED_BACK));
    assert_eq!(
        given_up.message,
        "release 9876543210, which the spec asks for, is held back: a person took it back; nothing serves, and it is not tried \
         again by itself: change the spec or the Secret, or annotate chatbot.platform/retry=9876543210 to release it again"
    );
}

#[test]
fn a_release_that_failed_ends_in_the_step_that_mends_its_cause() {
    let table = [
        (
            "timed out: qdrant is not healthy: refused",
            "mend the service, or correct its address in the spec or the Secret",
        ),
        (
            "timed out: spec.image is no chatbot image: exec: migrate: not found",
            "write a chatbot's image into spec.image",
        ),
        ("timed out: the namespace refuses pods: exceeded quota", "change the spec or the Secret"),
    ];
    for (message, next) in table {
        let mut state = failed_state(Some(placed()));
        state.failed.as_mut().unwrap().message = message.to_owned();
        let said = verdict(&applied(state, up())).message;
        let end = format!(
            "{message}; release 0123456789 goes on serving; {next}, or annotate chatbot.platform/retry=9876543210"
        );
        assert!(said.ends_with(&end), "{said}");
    }
}

/// An environment that has been through everything: both conditions stand there, of an earlier generation.
fn seasoned() -> ChatbotEnvironment {
    let mut environment = fixtures::minimal(Tier::Dev);
    environment.metadata.generation = Some(GENERATION);
    let mut before = ChatbotEnvironmentStatus::default();
    for type_ in [conditions::RECONCILING, conditions::STALLED, conditions::SPEC_SUPPORTED] {
        let old = Decision { type_, status: Some(true), reason: reasons::RELEASE_IN_PROGRESS, message: String::new() };
        conditions::set(&mut before.conditions, old, Some(GENERATION - 1), now());
    }
    environment.status = Some(before);
    environment
}

#[test]
fn an_environment_is_never_reconciling_and_stalled_at_once() {
    for (name, applied) in cases() {
        let shown = status(&seasoned(), &applied, now()).conditions;
        let both = [conditions::RECONCILING, conditions::STALLED].map(|type_| conditions::find(&shown, type_));
        let expected = match verdict(&applied).progress {
            Progress::Reconciling => [true, false],
            Progress::Stalled => [false, true],
            Progress::Settled => [false, false],
        };
        assert_eq!(both.map(|condition| condition.is_some()), expected, "{name}");
        assert!(both.into_iter().flatten().all(|condition| condition.status == "True"), "{name}");
    }
}

#[test]
fn every_condition_tells_which_generation_it_speaks_of() {
    for (name, applied) in cases() {
        let is_known = applied.outlook.not_acted_on.is_some();
        for condition in status(&seasoned(), &applied, now()).conditions {
            // What cannot be decided now stays as it was decided, and says of which generation that was.
            let is_old = condition.type_ == conditions::SPEC_SUPPORTED && !is_known;
            let expected = if is_old { GENERATION - 1 } else { GENERATION };
            assert_eq!(condition.observed_generation, Some(expected), "{name}: {}", condition.type_);
        }
    }
}
