//! What holds for every order of facts, for repeats, staleness and restarts.

use proptest::{prelude::*, strategy::Strategy};

use super::*;
use crate::{
    crd::{
        ChatbotEnvironmentStatus,
        environment_status::{Candidate, Discounted, ReleaseStatus},
    },
    release::{JobRun, hold, layout},
    resources::{labels::Component, release_job::Task},
};

/// The status as the operator writes it for a state.
fn written(state: &ReleaseState) -> ChatbotEnvironmentStatus {
    let active = state.active.as_ref();
    let running = state.running.as_ref();
    ChatbotEnvironmentStatus {
        release: Some(ReleaseStatus {
            active: active.map(|active| active.colour),
            id: active.map(|active| active.release.id.clone()),
            image: active.map(|active| active.release.image.clone()),
            schema: active.and_then(|active| active.schema.clone()),
            candidate: running.map(|running| candidate(&running.placed)),
            previous: state.previous.as_ref().map(candidate),
            started_at: running.map(|running| k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(running.started_at)),
            retried: state.retried.clone(),
            promoted: state.promoted.clone(),
            rolled_back: state.rolled_back.clone(),
            returned: state.returned.clone(),
            discounted: state.discounted.map(|it| Discounted {
                requests: it.all,
                failed: it.failed,
                in_outage: it.in_outage,
            }),
            held_since: state.held_since.map(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time),
            steps: state.steps.clone(),
            ..ReleaseStatus::default()
        }),
        history: state.history.clone(),
        failed_releases: state.failed.iter().cloned().collect(),
        ..ChatbotEnvironmentStatus::default()
    }
}

fn candidate(placed: &Placed) -> Candidate {
    let Placed { release: Release { id, image }, colour, schema } = placed.clone();
    Candidate { id, colour, image, schema }
}

fn any_policy() -> impl Strategy<Value = Policy> {
    use crate::crd::Strategy::{BlueGreen, Rolling};
    let strategy = prop_oneof![Just(Rolling), Just(BlueGreen), Just(BlueGreen)];
    let promotion = prop_oneof![Just(Promotion::Automatic), Just(Promotion::Manual)];
    let on_failure = prop_oneof![Just(OnFailure::Rollback), Just(OnFailure::Hold)];
    let backup = prop_oneof![Just(Backup::No), Just(Backup::IfPossible), Just(Backup::Required)];
    let on_rollback = prop_oneof![Just(OnRollback::WhenLossless), Just(OnRollback::Always), Just(OnRollback::Never)];
    let undone = (backup, on_rollback);
    (strategy, promotion, on_failure, undone, 0..900_u64).prop_map(|(strategy, promotion, on_failure, undone, bake)| {
        Policy {
            strategy,
            promotion,
            on_failure,
            backup: undone.0,
            on_rollback: undone.1,
            bake: Duration::from_secs(bake.saturating_sub(300)),
            ..ROLLING
        }
    })
}

fn any_watch() -> impl Strategy<Value = Watch> {
    prop_oneof![
        Just(Watch::Unknown),
        Just(Watch::Well { message: "1000 requests".to_owned() }),
        Just(Watch::Ill { message: "9 % failed".to_owned() }),
        Just(Watch::Outage { message: "postgresql is down".to_owned() }),
    ]
}

fn any_wishes() -> impl Strategy<Value = Wishes> {
    let wish = || prop_oneof![Just(None), Just(None), Just(Some("a".to_owned())), Just(Some("b".to_owned()))];
    let wishes = (wish(), wish(), wish(), wish(), wish());
    wishes.prop_map(|(retry, promote, rollback, rollback_to, start_empty)| Wishes {
        retry,
        promote,
        rollback,
        rollback_to,
        start_empty,
    })
}

fn any_job() -> impl Strategy<Value = Job> {
    prop_oneof![
        Just(Job::Absent),
        Just(Job::Running { message: String::new() }),
        Just(succeeded("2", "")),
        Just(Job::Succeeded(Report { question: true, message: "it is empty".to_owned(), ..Report::default() })),
        Just(Job::Succeeded(Report { skipped: true, migrations: 1, ..Report::default() })),
        (0..5000_i64).prop_map(failed_job),
    ]
}

fn any_rollout() -> impl Strategy<Value = Rollout> {
    prop_oneof![Just(Rollout::Complete), Just(pending("waiting"))]
}

fn any_check() -> impl Strategy<Value = Check> {
    prop_oneof![Just(Check::Unknown), Just(Check::Passed), Just(Check::Failing { message: "ill".to_owned() })]
}

fn any_facts(wanted: impl Strategy<Value = &'static str>) -> impl Strategy<Value = Facts> {
    let jobs = (any_job(), any_job(), any_job(), any_job());
    let work = (any_rollout(), any_rollout(), any_check(), 0..3_usize, 0..3_usize);
    let past = prop::sample::subsequence(vec![release("a"), release("b"), release("p")], 0..3);
    let starts = prop_oneof![4 => Just(None), 1 => Just(Some("its image cannot be pulled".to_owned()))];
    let users = (any_watch(), any_rollout(), any_rollout(), any_rollout(), (0..1000_u64, any::<bool>()), past);
    let others = (any::<bool>(), starts);
    (wanted, jobs, work, users, others).prop_map(|(wanted, jobs, work, users, (restored, cannot_start))| {
        let (watch, serving, previous, active, (all, asked), past) = users;
        let (backup, expand, contract, downgrade) = jobs;
        let (app, worker, check, old_pods, own_pods) = work;
        Facts {
            wanted: release(wanted),
            wishes: Wishes::default(),
            past,
            backup,
            restored,
            expand,
            contract,
            downgrade,
            cannot_start,
            app,
            worker,
            check,
            watch,
            requests: asked.then_some(Requests { all, failed: all / 7, in_outage: false }),
            serving,
            previous,
            active,
            old_pods,
            own_pods,
        }
    })
}

/// A life of an environment: facts, each seen some seconds after the one before.
fn any_life() -> impl Strategy<Value = Vec<(Facts, i64)>> {
    let wanted = prop_oneof![5 => Just("a"), 3 => Just("b"), 1 => Just("c")];
    let facts = (any_facts(wanted), any_wishes()).prop_map(|(facts, wishes)| Facts { wishes, ..facts });
    prop::collection::vec((facts, 0..400_i64), 1..60)
}

/// Every step of a life: the state before, the facts, the state after, and when.
fn lived(
    policy: &Policy,
    from: ReleaseState,
    life: Vec<(Facts, i64)>,
) -> Vec<(ReleaseState, Facts, ReleaseState, i64)> {
    let (mut state, mut now) = (from, 0);
    let step = |(facts, later): (Facts, i64)| {
        now += later;
        let after = next(&state, &facts, policy, at(now));
        (std::mem::replace(&mut state, after.clone()), facts, after, now)
    };
    life.into_iter().map(step).collect()
}

proptest! {
    #[test]
    fn traffic_moves_to_a_checked_release_or_back_to_the_one_before(life in any_life(), policy in any_policy()) {
        for (before, facts, after, _) in lived(&policy, ReleaseState::default(), life) {
            if active(&after) == active(&before) {
                continue;
            }
            if phase(&after) == Some(Phase::Rollback) {
                prop_assert_eq!(active(&after), before.previous.as_ref().map(|placed| placed.release.id.as_str()));
            } else {
                prop_assert!(matches!(phase(&before), Some(Phase::Check | Phase::Promote)));
                prop_assert_eq!((&facts.check, &facts.app), (&Check::Passed, &Rollout::Complete));
                let released = before.running.as_ref().map(|running| running.placed.release.id.as_str());
                prop_assert_eq!(active(&after), released);
                prop_assert!(released == Some(facts.wanted.id.as_str()) || before.is_returning());
            }
        }
    }

    #[test]
    fn a_failure_leaves_the_active_release_alone(life in any_life(), policy in any_policy()) {
        for (before, facts, after, now) in lived(&policy, serving("old"), life) {
            let has_failed = after.history.first().is_some_and(|past| past.outcome != Outcome::Succeeded);
            let had_traffic = before.running.as_ref().is_some_and(|it| !it.phase.before_switch() && it.phase != Phase::Discard);
            if has_failed && after.history != before.history && !had_traffic {
                let serving = |state: &ReleaseState| state.active.clone().map(|active| (active.release, active.colour));
                prop_assert_eq!(serving(&after), serving(&before));
                prop_assert_eq!(&after.running, &None);
                prop_assert!(layout(&after, &facts, at(now)).workloads.iter().all(|it| Some(it.slot.release.as_str()) == active(&before)));
            }
        }
    }

    #[test]
    fn workers_run_in_one_colour_and_it_has_the_traffic_and_the_monitor_is_theirs(life in any_life(), policy in any_policy()) {
        for (_, facts, after, now) in lived(&policy, serving("old"), life) {
            let layout = layout(&after, &facts, at(now));
            let workers = layout.workloads.iter().filter(|it| it.component == Component::Worker);
            let colours: Vec<_> = workers.map(|it| Some(it.slot.colour)).collect();
            prop_assert_eq!(colours, vec![layout.traffic]);
            prop_assert_eq!(layout.monitor.as_ref().map(|slot| slot.release.as_str()), active(&after));
        }
    }

    #[test]
    fn the_release_before_stands_ready_until_the_new_one_is_finished_or_taken_back(life in any_life(), policy in any_policy()) {
        for (before, facts, after, now) in lived(&policy, serving("old"), life) {
            if before.previous.is_some() && after.previous.is_none() {
                prop_assert!(matches!(phase(&after), None | Some(Phase::Finish | Phase::Rollback)));
            }
            if let Some(previous) = &after.previous {
                prop_assert!(matches!(phase(&after), Some(Phase::Switch | Phase::Bake | Phase::Held)), "{:?}", phase(&after));
                let layout = layout(&after, &facts, at(now));
                prop_assert!(layout.workloads.iter().any(|it| it.component == Component::App && it.slot == previous.slot()));
            }
        }
    }

    #[test]
    fn nothing_is_contracted_while_another_release_is_ready_or_has_pods(life in any_life(), policy in any_policy()) {
        for (_, facts, after, now) in lived(&policy, serving("old"), life) {
            let job = layout(&after, &facts, at(now)).job;
            if matches!(job, Some(JobRun::Ensure(Task::Contract, _) | JobRun::Replace(Task::Contract, _))) {
                prop_assert_eq!(&after.previous, &None);
                prop_assert!(facts.old_pods == 0 || facts.contract != Job::Absent);
            }
        }
    }

    #[test]
    fn a_release_that_waits_for_no_person_always_ends(facts in any_facts(Just("new")), policy in any_policy()) {
        let policy = Policy { promotion: Promotion::Automatic, on_failure: OnFailure::Rollback, ..policy };
        let answered = Wishes { start_empty: Some("new".to_owned()), ..Wishes::default() };
        // Who is ill, and cannot go back, waits for the release before.
        let facts = Facts { wishes: answered, previous: Rollout::Complete, ..facts };
        let (mut state, mut looks) = (next(&serving("old"), &facts, &policy, at(0)), 0);
        while state.running.is_some() {
            looks += 1;
            prop_assert!(looks <= 16, "still in {:?}", phase(&state));
            state = next(&state, &facts, &policy, at(looks * 1800));
        }
    }

    #[test]
    fn a_failed_release_is_not_retried_by_itself_where_another_serves(facts in prop::collection::vec(any_facts(Just("new")), 1..20)) {
        let failed = settled(next(&releasing(&ROLLING, Phase::Check), &nothing_yet("new"), &ROLLING, at(600)), "new", &ROLLING, 600);
        let last = facts.iter().fold(failed.clone(), |state, facts| next(&state, facts, &ROLLING, at(99_999)));
        prop_assert_eq!(last, failed);
    }

    #[test]
    fn a_release_ends_as_if_it_had_never_been_held(
        life in any_life(),
        holds in prop::collection::vec(0..5000_i64, 60),
        policy in any_policy(),
    ) {
        let (mut state, mut now) = (serving("old"), 0);
        let (mut held, mut held_now) = (serving("old"), 0);
        for ((facts, later), stands_still) in life.into_iter().zip(holds) {
            (now, held_now) = (now + later, held_now + later);
            state = next(&state, &facts, &policy, at(now));
            held = hold(&held, at(held_now));
            held_now += stands_still;
            held = next(&held, &facts, &policy, at(held_now));
            prop_assert_eq!(phase(&held), phase(&state));
            prop_assert_eq!(active(&held), active(&state));
            prop_assert_eq!(held.failed.is_some(), state.failed.is_some());
        }
    }

    #[test]
    fn what_is_seen_again_at_the_same_time_changes_nothing_once_it_waits(life in any_life(), policy in any_policy()) {
        let (mut state, mut now) = (ReleaseState::default(), 0);
        for (facts, later) in life {
            now += later;
            for _ in 0..20 {
                state = next(&state, &facts, &policy, at(now));
            }
            prop_assert_eq!(&next(&state, &facts, &policy, at(now)), &state);
        }
    }

    #[test]
    fn an_operator_that_was_killed_goes_on_from_the_status_it_wrote(life in any_life(), policy in any_policy()) {
        for (_, _, after, now) in lived(&policy, ReleaseState::default(), life) {
            prop_assert_eq!(&ReleaseState::read(&written(&after)), &after);
            let held = hold(&after, at(now));
            prop_assert_eq!(&ReleaseState::read(&written(&held)), &held);
        }
    }
}
