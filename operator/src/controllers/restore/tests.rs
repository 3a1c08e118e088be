//! Restores: the phases as a table and as properties, then one in a cluster in memory.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::next::{Act, Facts, KEPT, Task, next};
use crate::{
    controllers::{environment::tests::running_environment, fake::Cluster},
    crd::{ChatbotRestoreStatus, RestorePhase},
    release::{Job, Report},
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn done(task: Task, message: &str) -> (Task, Job) {
    (task, Job::Succeeded(Report { message: message.to_owned(), ..Report::default() }))
}

fn failed(task: Task, message: &str) -> (Task, Job) {
    (task, Job::Failed { at: at(0), message: message.to_owned() })
}

fn status(phase: RestorePhase, facts: &[Facts]) -> ChatbotRestoreStatus {
    let mut status = ChatbotRestoreStatus::default();
    for (second, facts) in (0..).zip(facts) {
        status = next(&status, facts, at(second)).status;
    }
    assert_eq!(status.phase, phase);
    status
}

/// The environment is there, its servers have ended, and nothing else is known.
fn quiet() -> Facts {
    Facts { environment: true, stopped: true, ..Facts::default() }
}

/// Facts with these Jobs.
fn with(jobs: Vec<(Task, Job)>) -> Facts {
    Facts { jobs, prepared: Some("5f0c61d2".to_owned()), ..quiet() }
}

/// The facts that lead to each phase of a restore that goes well.
fn road() -> Vec<(RestorePhase, Facts)> {
    vec![
        (RestorePhase::Prepare, quiet()),
        (RestorePhase::Stop, with(vec![done(Task::Prepare, "prod_restored holds 7 rows")])),
        (RestorePhase::Swap, quiet()),
        (RestorePhase::Documents, with(vec![done(Task::Swap, "prod is what the backup holds")])),
        (RestorePhase::Start, with(vec![done(Task::Documents, "2 documents put back")])),
        (RestorePhase::Succeeded, Facts { serves: true, ..quiet() }),
    ]
}

/// The status of one that went well until this phase.
fn until(phase: RestorePhase) -> ChatbotRestoreStatus {
    let position = road().iter().position(|(reached, _)| *reached == phase).unwrap();
    let facts: Vec<_> = road().into_iter().take(position + 1).map(|(_, facts)| facts).collect();
    status(phase, &facts)
}

#[test]
fn every_phase_waits_for_its_fact_and_runs_its_job() {
    let undo = Facts { undo: true, ..quiet() };
    let abort = Facts { abort: true, ..quiet() };
    let pods = Facts { pods: 3, stopped: false, ..quiet() };
    let waits = Facts { waits_for: Some("release 1 is on its way".to_owned()), ..quiet() };
    let table = [
        ("it waits for its turn", RestorePhase::Pending, waits, RestorePhase::Pending, Act::Wait),
        ("it is ended while it waits", RestorePhase::Pending, abort.clone(), RestorePhase::Failed, Act::Wait),
        ("it prepares", RestorePhase::Prepare, quiet(), RestorePhase::Prepare, Act::Run(Task::Prepare)),
        (
            "it cannot prepare",
            RestorePhase::Prepare,
            with(vec![failed(Task::Prepare, "no")]),
            RestorePhase::Failed,
            Act::Wait,
        ),
        ("it is ended while it prepares", RestorePhase::Prepare, abort.clone(), RestorePhase::Failed, Act::Wait),
        ("it waits for the pods", RestorePhase::Stop, pods.clone(), RestorePhase::Stop, Act::Wait),
        ("it is ended before the swap", RestorePhase::Stop, abort.clone(), RestorePhase::StartAgain, Act::Wait),
        ("it swaps", RestorePhase::Swap, quiet(), RestorePhase::Swap, Act::Run(Task::Swap)),
        ("it cannot swap", RestorePhase::Swap, with(vec![failed(Task::Swap, "no")]), RestorePhase::Undo, Act::Wait),
        ("a swap is not ended half-way", RestorePhase::Swap, abort, RestorePhase::Swap, Act::Run(Task::Swap)),
        (
            "documents fail",
            RestorePhase::Documents,
            with(vec![failed(Task::Documents, "no")]),
            RestorePhase::Start,
            Act::Wait,
        ),
        ("servers do not come", RestorePhase::Start, quiet(), RestorePhase::Start, Act::Wait),
        ("a person goes back from there", RestorePhase::Start, undo.clone(), RestorePhase::Undo, Act::Wait),
        ("a person goes back later", RestorePhase::Succeeded, undo.clone(), RestorePhase::Undo, Act::Wait),
        ("nothing happens for a day", RestorePhase::Succeeded, quiet(), RestorePhase::Succeeded, Act::Wait),
    ];
    for (name, phase, facts, reached, act) in table {
        let before = if phase == RestorePhase::Pending { ChatbotRestoreStatus::default() } else { until(phase) };
        let found = next(&before, &facts, at(100));
        assert_eq!((found.status.phase, found.act), (reached, act), "{name}: {:#?}", found.status);
    }
}

#[test]
fn what_was_prepared_waits_for_a_release_or_a_backup_to_end() {
    let facts = Facts {
        busy: Some("Job prod-backup-full-1 is at work".to_owned()),
        ..with(vec![done(Task::Prepare, "7 rows")])
    };
    let status = next(&until(RestorePhase::Prepare), &facts, at(5)).status;
    assert_eq!(
        (status.phase, status.message.as_str()),
        (RestorePhase::Prepare, "7 rows; it waits: Job prod-backup-full-1 is at work")
    );
}

#[test]
fn a_swap_that_fails_is_taken_back_and_nothing_is_dropped_unless_that_is_certain() {
    let status = next(&until(RestorePhase::Swap), &with(vec![failed(Task::Swap, "it is locked")]), at(9)).status;
    for (undo, words, act) in [
        (done(Task::Undo, ""), "the swap failed: it is locked; what ran before runs again", Act::Run(Task::Drop)),
        (
            failed(Task::Undo, "no database"),
            "the swap failed: it is locked; taking it back failed too: no database; see which databases there are (psql --list), \
             and run chatbot restore undo by hand",
            Act::Wait,
        ),
    ] {
        let facts = with(vec![undo]);
        let again = next(&status, &facts, at(10)).status;
        let serves = Facts { serves: true, ..facts.clone() };
        let over = next(&again, &serves, at(11)).status;
        assert_eq!((over.phase, over.message.as_str()), (RestorePhase::Failed, words));
        assert_eq!(next(&over, &facts, at(12)).act, act);
    }
}

#[test]
fn a_restore_that_went_well_says_what_is_served_and_until_when_it_can_be_undone() {
    let status = until(RestorePhase::Succeeded);
    assert_eq!(status.message, "prod is what the backup holds; 2 documents put back");
    assert_eq!(status.backup.as_deref(), Some("5f0c61d2"));
    assert!(status.undo_until.is_some_and(|until| until.0 > at(23 * 3600)));
    assert!(status.steps.iter().all(|step| step.finished_at.is_some()), "{:#?}", status.steps);
}

#[test]
fn after_a_day_the_database_that_is_not_served_is_dropped_once_and_nothing_can_be_undone() {
    let status = until(RestorePhase::Succeeded);
    let later = at(100) + KEPT;
    let found = next(&status, &Facts { undo: true, ..quiet() }, later);
    assert_eq!((found.status.phase, found.act), (RestorePhase::Succeeded, Act::Run(Task::Drop)));
    let found = next(&status, &with(vec![done(Task::Drop, "")]), later);
    assert!(found.status.dropped);
    assert_eq!(next(&found.status, &with(vec![done(Task::Drop, "")]), later).act, Act::Wait);
}

#[test]
fn what_was_prepared_by_halves_is_dropped_at_once() {
    let status = next(&until(RestorePhase::Prepare), &with(vec![failed(Task::Prepare, "damaged")]), at(9)).status;
    assert_eq!((status.phase, status.message.as_str()), (RestorePhase::Failed, "damaged"));
    assert_eq!(next(&status, &quiet(), at(10)).act, Act::Run(Task::Drop));
}

#[test]
fn the_way_back_ends_with_what_was_served_before() {
    let undo = Facts { undo: true, ..quiet() };
    let status = next(&until(RestorePhase::Succeeded), &undo, at(50)).status;
    let status = next(&status, &Facts { pods: 1, ..undo.clone() }, at(51)).status;
    assert_eq!(status.phase, RestorePhase::Undo, "servers end first");
    assert_eq!(next(&status, &undo, at(52)).act, Act::Run(Task::Undo));
    let status = next(&status, &with(vec![done(Task::Undo, "prod is again what it was")]), at(53)).status;
    assert_eq!(status.phase, RestorePhase::StartAgain);
    let status = next(&status, &Facts { serves: true, ..quiet() }, at(54)).status;
    assert_eq!((status.phase, status.message.as_str()), (RestorePhase::Undone, "prod is again what it was"));
}

#[test]
fn servers_that_never_come_end_the_restore_with_the_way_back_named() {
    let facts = Facts { trouble: "it crashes".to_owned(), ..quiet() };
    let early = next(&until(RestorePhase::Start), &facts, at(60)).status;
    assert_eq!(
        (early.phase, early.message.as_str()),
        (RestorePhase::Start, "servers and workers are starting: it crashes")
    );
    let late = next(&early, &facts, at(0) + SignedDuration::from_mins(20)).status;
    assert_eq!(late.phase, RestorePhase::Succeeded, "nothing waits for ever");
    assert!(late.message.contains("do not come up: it crashes; annotate"), "{}", late.message);
}

#[test]
fn documents_that_take_long_do_not_keep_users_from_their_rows() {
    let late = at(0) + SignedDuration::from_mins(20);
    let found = next(&until(RestorePhase::Documents), &quiet(), late).status;
    assert_eq!(found.phase, RestorePhase::Start);
    assert_eq!(found.steps[3].message, "documents are still being put back");
}

#[test]
fn an_undo_that_fails_is_told_and_can_be_asked_for_anew() {
    let undo = Facts { undo: true, ..quiet() };
    let status = next(&until(RestorePhase::Succeeded), &undo, at(50)).status;
    let failed = Facts { jobs: vec![failed(Task::Undo, "it is locked")], ..undo.clone() };
    let found = next(&status, &failed, at(51));
    assert_eq!((found.status.phase, found.act), (RestorePhase::StartAgain, Act::Remove(Task::Undo)));
    let served = next(&found.status, &Facts { serves: true, ..undo.clone() }, at(52)).status;
    assert_eq!(served.phase, RestorePhase::Succeeded);
    assert!(served.message.ends_with("the undo failed: it is locked"), "{}", served.message);
    assert_eq!(next(&served, &undo, at(53)).status.phase, RestorePhase::Succeeded, "the same wish is not tried again");
    let taken_away = next(&served, &quiet(), at(54)).status;
    assert_eq!(next(&taken_away, &undo, at(55)).status.phase, RestorePhase::Undo);
}

#[test]
fn an_undo_waits_for_what_a_restore_waits_for() {
    let facts = Facts { undo: true, waits_for: Some("release 1 is on its way".to_owned()), ..quiet() };
    let status = next(&until(RestorePhase::Succeeded), &facts, at(50)).status;
    assert_eq!(status.phase, RestorePhase::Succeeded);
    assert!(status.message.ends_with("; the undo waits: release 1 is on its way"), "{}", status.message);
    assert_eq!(next(&status, &facts, at(51)).status, status);
}

#[test]
fn what_is_still_being_prepared_is_ended_before_it_is_dropped() {
    let status = next(&until(RestorePhase::Prepare), &Facts { abort: true, ..quiet() }, at(9)).status;
    let at_work = with(vec![(Task::Prepare, Job::Running { message: String::new() })]);
    assert_eq!(next(&status, &at_work, at(10)).act, Act::Remove(Task::Prepare));
    assert_eq!(next(&status, &Facts { own_pods: 1, ..quiet() }, at(11)).act, Act::Wait, "its pod ends");
    assert_eq!(next(&status, &quiet(), at(12)).act, Act::Run(Task::Drop));
}

#[test]
fn without_its_environment_nothing_goes_on() {
    for phase in
        [RestorePhase::Prepare, RestorePhase::Stop, RestorePhase::Swap, RestorePhase::Documents, RestorePhase::Start]
    {
        let found = next(&until(phase), &Facts::default(), at(50));
        assert_eq!((found.status.phase, found.act), (phase, Act::Wait));
    }
}

fn any_job() -> impl Strategy<Value = Job> {
    prop_oneof![
        Just(Job::Running { message: String::new() }),
        Just(Job::Succeeded(Report::default())),
        Just(Job::Failed { at: at(0), message: "no".to_owned() }),
    ]
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let jobs = proptest::collection::vec((proptest::sample::select(Task::ALL.to_vec()), any_job()), 0..5);
    (jobs, 0_usize..2, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(jobs, pods, serves, undo, abort)| {
        Facts { pods, stopped: pods == 0, serves, jobs, undo, abort, ..quiet() }
    })
}

proptest! {
    #[test]
    fn names_are_swapped_only_while_nothing_runs(looks in proptest::collection::vec(any_facts(), 1..40)) {
        let mut status = ChatbotRestoreStatus::default();
        for (second, facts) in (0..).zip(looks) {
            let found = next(&status, &facts, at(second));
            if matches!(found.act, Act::Run(Task::Swap | Task::Undo)) {
                prop_assert!(status.phase.stops_everything());
            }
            // From the look at which everything had ended, nothing is started before the names are settled.
            if found.status.phase == RestorePhase::Swap && status.phase != RestorePhase::Swap {
                prop_assert_eq!(facts.pods, 0);
            }
            status = found.status;
        }
    }

    #[test]
    fn the_same_facts_twice_change_nothing_but_what_they_lead_to(looks in proptest::collection::vec(any_facts(), 1..40)) {
        let mut status = ChatbotRestoreStatus::default();
        for (second, facts) in (0..).zip(looks) {
            let once = next(&status, &facts, at(second));
            if once.status.phase == status.phase {
                let twice = next(&once.status, &facts, at(second));
                prop_assert_eq!(&twice.status, &once.status);
            }
            status = once.status;
        }
    }

    #[test]
    fn the_former_database_is_dropped_only_when_it_cannot_be_asked_for_any_more(looks in proptest::collection::vec(any_facts(), 1..40)) {
        let mut status = ChatbotRestoreStatus::default();
        for (second, facts) in (0..).zip(looks) {
            let found = next(&status, &facts, at(second));
            if found.act == Act::Run(Task::Drop) {
                prop_assert!(status.undo_until.as_ref().is_none_or(|until| at(second) >= until.0));
            }
            status = found.status;
        }
    }
}

const RESTORE: &str = "/apis/chatbot.platform/v1alpha1/namespaces/chatbot-dev/chatbotrestores/back";

fn ask(cluster: &Cluster, spec: &Value) {
    cluster.put(
        RESTORE,
        json!({"apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotRestore",
            "metadata": {"name": "back", "namespace": "chatbot-dev", "uid": UID, "generation": 1, "creationTimestamp": cluster.now().to_string()},
            "spec": spec}),
    );
}

fn phase(cluster: &Cluster) -> Value {
    cluster.get(RESTORE).unwrap()["status"]["phase"].clone()
}

const UID: &str = "5f0c";

fn job(task: Task) -> String {
    let restore = json!({"apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotRestore", "metadata": {"name": "back", "uid": UID},
        "spec": {"environmentRef": {"name": "dev"}}});
    format!(
        "/apis/batch/v1/namespaces/chatbot-dev/jobs/{}",
        super::job_name(&serde_json::from_value(restore).unwrap(), task)
    )
}

fn words(cluster: &Cluster, task: Task) -> Vec<String> {
    let job = cluster.get(&job(task)).unwrap();
    serde_json::from_value(job["spec"]["template"]["spec"]["containers"][0]["args"].clone()).unwrap()
}

fn replicas(cluster: &Cluster) -> Value {
    let path = "/apis/apps/v1/namespaces/chatbot-dev/deployments/dev-app-blue";
    cluster.get(path).unwrap()["spec"]["replicas"].clone()
}

async fn look(cluster: &Cluster) {
    cluster.reconcile_wishes().await;
    cluster.reconcile().await;
}

#[tokio::test]
async fn a_restore_stops_everything_for_the_swap_alone_and_starts_it_again() {
    let cluster = running_environment().await;
    ask(&cluster, &json!({"environmentRef": {"name": "dev"}, "from": {"at": "2026-03-04T05:06:07Z"}}));
    look(&cluster).await;
    look(&cluster).await;
    let said = words(&cluster, Task::Prepare);
    assert_eq!(said[..5], ["restore", "prepare", "--from", "2026-03-04T05:06:07Z", "--name"]);
    let name = said[5].clone();
    assert_eq!(replicas(&cluster), 1, "until the swap everything runs");

    cluster.end_job(&job(Task::Prepare), "Complete", 0, r#"{"backup":"5f0c61d2aaaa","message":"it holds 7 rows"}"#);
    look(&cluster).await;
    assert_eq!((phase(&cluster), replicas(&cluster)), (json!("Stop"), json!(0)));
    let ready = cluster.environment().status.unwrap().conditions;
    let ready = ready.iter().find(|condition| condition.type_ == "Ready").unwrap();
    assert_eq!((ready.reason.as_str(), ready.status.as_str()), ("Restoring", "False"), "{}", ready.message);
    look(&cluster).await;
    assert_eq!(phase(&cluster), "Stop", "its pods have not ended");
    cluster.run_pods();
    for task in [Task::Swap, Task::Documents] {
        look(&cluster).await;
        look(&cluster).await;
        assert_eq!(words(&cluster, task)[..2], ["restore", task.as_str()]);
        if task == Task::Swap {
            assert_eq!(
                words(&cluster, task)[2..],
                ["--name".to_owned(), name.clone()],
                "the database that was prepared"
            );
        }
        assert_eq!(replicas(&cluster), 0);
        cluster.end_job(&job(task), "Complete", 0, r#"{"backup":"5f0c61d2aaaa","message":"done"}"#);
    }
    look(&cluster).await;
    assert_eq!((phase(&cluster), replicas(&cluster)), (json!("Start"), json!(1)));
    look(&cluster).await;
    assert_eq!(phase(&cluster), "Start", "no server is ready");
    cluster.run_pods();
    look(&cluster).await;
    look(&cluster).await;
    assert_eq!(phase(&cluster), "Succeeded");
}

#[tokio::test]
async fn a_restore_waits_for_a_release_to_end_and_for_another_restore() {
    let cluster = running_environment().await;
    cluster.change("/apis/chatbot.platform/v1alpha1/namespaces/chatbot-dev/chatbotenvironments/dev", |environment| {
        environment["spec"]["image"] = json!("chatbot:2");
    });
    cluster.reconcile().await;
    ask(&cluster, &json!({"environmentRef": {"name": "dev"}}));
    cluster.reconcile_wishes().await;
    let status = cluster.get(RESTORE).unwrap()["status"].clone();
    assert_eq!(status["phase"], "Pending");
    assert!(
        status["message"].as_str().unwrap().ends_with("is on its way: the restore goes on when it is over"),
        "{status:#}"
    );
}

#[tokio::test]
async fn a_backup_is_named_as_it_is_called_in_the_cluster() {
    let cluster = running_environment().await;
    cluster.put(
        "/apis/chatbot.platform/v1alpha1/namespaces/chatbot-dev/chatbotbackups/before-holiday",
        json!({"apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotBackup",
            "metadata": {"name": "before-holiday", "namespace": "chatbot-dev"}, "spec": {"environmentRef": {"name": "dev"}},
            "status": {"phase": "Succeeded", "backup": "9a3e07bb"}}),
    );
    ask(&cluster, &json!({"environmentRef": {"name": "dev"}, "from": {"backup": "before-holiday"}, "offsite": true}));
    look(&cluster).await;
    look(&cluster).await;
    let words = words(&cluster, Task::Prepare);
    assert_eq!(
        (&words[2..4], words.last().unwrap().as_str()),
        (&["--from".to_owned(), "9a3e07bb".to_owned()][..], "--offsite")
    );
}

#[tokio::test]
async fn restores_are_done_one_after_the_other() {
    let cluster = running_environment().await;
    ask(&cluster, &json!({"environmentRef": {"name": "dev"}}));
    let second = RESTORE.replace("/back", "/again");
    cluster.later(60);
    cluster.put(
        &second,
        json!({"apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotRestore",
            "metadata": {"name": "again", "namespace": "chatbot-dev", "creationTimestamp": cluster.now().to_string()},
            "spec": {"environmentRef": {"name": "dev"}}}),
    );
    look(&cluster).await;
    assert_eq!(phase(&cluster), "Prepare");
    let status = cluster.get(&second).unwrap()["status"].clone();
    assert_eq!(status["message"], "restore back of the same environment is not over yet");
}

#[tokio::test]
async fn a_restore_that_is_deleted_while_names_are_swapped_lets_nothing_start_before_they_are() {
    let cluster = running_environment().await;
    ask(&cluster, &json!({"environmentRef": {"name": "dev"}}));
    look(&cluster).await;
    look(&cluster).await;
    cluster.end_job(&job(Task::Prepare), "Complete", 0, r#"{"backup":"5f0c61d2aaaa","message":"it holds 7 rows"}"#);
    look(&cluster).await;
    cluster.run_pods();
    look(&cluster).await;
    look(&cluster).await;
    assert_eq!(
        cluster.get(&job(Task::Swap)).unwrap()["metadata"]["ownerReferences"],
        Value::Null,
        "it goes with nothing"
    );
    cluster.remove(RESTORE);
    cluster.reconcile().await;
    assert_eq!(replicas(&cluster), 0);
    cluster.end_job(&job(Task::Swap), "Complete", 0, r#"{"backup":"5f0c61d2aaaa","message":"done"}"#);
    cluster.reconcile().await;
    assert_eq!(replicas(&cluster), 1);
}
