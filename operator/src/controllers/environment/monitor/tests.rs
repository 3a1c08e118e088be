use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::*;
use crate::{
    controllers::environment::resolve::{fixtures, resolve},
    crd::{Colour, Tier},
};

const RELEASE: &str = "0123456789";

fn slot() -> Slot {
    Slot { colour: Colour::Blue, release: RELEASE.to_owned(), image: "chatbot:1".to_owned() }
}

/// A Deployment of this release, as far as its status says.
fn of(release: &str, status: &Value) -> Deployment {
    let labels = json!({"chatbot.platform/release": release, "app.kubernetes.io/component": "monitor"});
    serde_json::from_value(json!({
        "metadata": {"name": "dev-monitor", "generation": 2, "labels": labels},
        "spec": {"selector": {}, "template": {"metadata": {"labels": labels}}},
        "status": status,
    }))
    .unwrap()
}

/// A pod whose container ended with these words.
fn crashed(words: &str) -> Value {
    let end = json!({"terminated": {"exitCode": 2, "message": words}});
    json!({
        "metadata": {"name": "m", "labels": {"chatbot.platform/release": RELEASE, "app.kubernetes.io/component": "monitor"}},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "monitor", "image": "", "imageID": "", "ready": false, "restartCount": 2, "lastState": end}]},
    })
}

fn observed(deployment: Option<Deployment>, pods: &[Value]) -> Observed {
    let deployments = deployment.map(|deployment| ("dev-monitor".to_owned(), deployment));
    let pods = pods.iter().map(|pod| Arc::new(serde_json::from_value(pod.clone()).unwrap()));
    Observed {
        environment: "dev".to_owned(),
        deployments: BTreeMap::from_iter(deployments),
        pods: pods.collect(),
        ..Observed::default()
    }
}

fn told(seen: &Seen) -> (Option<bool>, &'static str) {
    let decision = decision(seen, None);
    (decision.status, decision.reason)
}

#[test]
fn each_state_of_the_monitor_is_told_by_a_reason() {
    let up = json!({"observedGeneration": 2, "availableReplicas": 1});
    let progress = |generation: i64, status: &str, reason: &str| {
        let condition = json!({"type": "Progressing", "status": status, "reason": reason});
        json!({"observedGeneration": generation, "conditions": [condition]})
    };
    let starting = progress(2, "True", "ReplicaSetUpdated");
    let quota =
        json!({"type": "ReplicaFailure", "status": "True", "message": "pods \"m\" is forbidden: exceeded quota: q"});
    let table = [
        ("its pod is ready", Some((RELEASE, up.clone())), vec![], (Some(true), "MonitorReady")),
        ("there is no Deployment yet", None, vec![], (None, "NotObserved")),
        ("it starts", Some((RELEASE, starting.clone())), vec![], (None, "NotObserved")),
        ("the pod of another release is ready", Some(("another", up.clone())), vec![], (None, "NotObserved")),
        (
            "the status is of an older spec",
            Some((RELEASE, json!({"observedGeneration": 1, "availableReplicas": 1}))),
            vec![],
            (None, "NotObserved"),
        ),
        (
            "it was ready once",
            Some((RELEASE, progress(2, "True", "NewReplicaSetAvailable"))),
            vec![],
            (Some(false), "PodsNotReady"),
        ),
        (
            "it had its time",
            Some((RELEASE, progress(2, "False", "ProgressDeadlineExceeded"))),
            vec![],
            (Some(false), "PodsNotReady"),
        ),
        ("it crashes", Some((RELEASE, starting.clone())), vec![crashed("error: no")], (Some(false), "CrashLoop")),
        (
            "its image is from before there was one",
            Some((RELEASE, starting.clone())),
            vec![crashed("error: unrecognized subcommand 'monitor'\n\nUsage: chatbot <COMMAND>")],
            (Some(false), "MonitorMissing"),
        ),
        (
            "a quota refuses its pod",
            Some((RELEASE, json!({"observedGeneration": 2, "conditions": [quota]}))),
            vec![],
            (Some(false), "QuotaExceeded"),
        ),
    ];
    let resolved = fixtures::resolved(Tier::Dev);
    for (name, deployment, pods, expected) in table {
        let deployment = deployment.map(|(release, status)| of(release, &status));
        let seen = seen(&resolved, &observed(deployment, &pods), Some(&slot()));
        assert_eq!(told(&seen), expected, "{name}: {seen:?}");
    }
}

#[test]
fn where_there_is_to_be_no_monitor_that_is_no_fault() {
    let with = |more: &str| resolve(&fixtures::environment(Tier::Dev, more), &fixtures::complete()).unwrap();
    let look = |more, slot: Option<&Slot>| told(&seen(&with(more), &observed(None, &[]), slot));
    assert_eq!(look("  monitor: {enabled: false}\n", Some(&slot())), (None, "MonitorOff"));
    assert_eq!(look("  suspend: true\n", Some(&slot())), (None, "NotObserved"));
    assert_eq!(look("", None), (None, "NotObserved"));
}

#[test]
fn nobody_is_told_to_change_a_field_that_the_monitor_does_not_have() {
    let mut killed = crashed("");
    killed["status"]["containerStatuses"][0]["lastState"]["terminated"]["reason"] = json!("OOMKilled");
    let unscheduled = json!({
        "metadata": killed["metadata"],
        "status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient cpu"}]},
    });
    for (pod, reason) in [(killed, "OutOfMemory"), (unscheduled, "Unschedulable")] {
        let seen = seen(&fixtures::resolved(Tier::Dev), &observed(None, &[pod]), Some(&slot()));
        assert_eq!(told(&seen), (Some(false), reason));
        assert!(!decision(&seen, None).message.contains("resources"), "{seen:?}");
    }
}

#[test]
fn a_refusal_speaks_before_everything_but_the_spec() {
    let refusal = Trouble::new(reasons::QUOTA_EXCEEDED, "no room");
    let told = |seen| decision(&seen, Some(&refusal)).reason;
    assert_eq!(
        (told(Seen::Up), told(Seen::Starting), told(Seen::Off)),
        ("QuotaExceeded", "QuotaExceeded", "MonitorOff")
    );
}
