use jiff::Timestamp;
use kube::ResourceExt;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{
    Check, Outcome, checks,
    observe::{Observed, Surroundings, lease_name, operator_lease},
};
use crate::{crd::ChatbotEnvironment, plugin::fake};

const NOW: i64 = 1_700_000_000;

fn object<T: DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn at(second: i64) -> String {
    Timestamp::from_second(second).unwrap().to_string()
}

fn environment() -> ChatbotEnvironment {
    object(json!({
        "apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotEnvironment",
        "metadata": { "name": "dev", "namespace": "chat" },
        "spec": { "tier": "dev", "image": "chatbot:0.1.0", "secretRef": { "name": "chatbot" } },
        "status": {
            "conditions": [{ "type": "Ready", "status": "True", "reason": "ReleaseActive", "message": "release 0123456789 serves", "lastTransitionTime": at(NOW) }],
            "release": { "active": "blue", "id": "0123456789", "image": "chatbot:0.1.0", "imageTag": "0.1.0", "phase": "Stable" },
            "services": [{ "name": "postgresql", "healthy": true }],
        },
    }))
}

fn pod(name: &str, ready: bool) -> serde_json::Value {
    let status = if ready { "True" } else { "False" };
    json!({
        "metadata": { "name": name },
        "status": { "phase": "Pending", "conditions": [{ "type": "Ready", "status": status }], "containerStatuses": [{
            "name": "app", "image": "chatbot", "imageID": "", "ready": ready, "restartCount": 0, "state": { "waiting": { "reason": "ImagePullBackOff" } },
        }] },
    })
}

fn surroundings() -> Surroundings {
    let keys = ["DATABASE_URL", "REDIS_URL", "QDRANT_URL", "SECRET_KEY", "OPENROUTER_API_KEY"];
    Surroundings {
        environment: environment(),
        secret: Ok(Some(keys.into_iter().map(ToOwned::to_owned).collect())),
        provisioned: Ok(None),
        pods: Ok(vec![object(pod("dev-app-blue-1", true))]),
        warnings: Ok(Vec::new()),
    }
}

fn observed(surroundings: Surroundings) -> Observed {
    let lease = json!({
        "metadata": { "annotations": { "chatbot.platform/operator-version": env!("CARGO_PKG_VERSION") } },
        "spec": { "holderIdentity": "operator-1", "leaseDurationSeconds": 15, "renewTime": at(NOW - 5) },
    });
    Observed {
        operator_namespace: "chatbot-system".to_owned(),
        namespace: "chat".to_owned(),
        installed: true,
        lease: Ok(Some(object(lease))),
        environment: Ok(surroundings),
    }
}

fn checks_of(observed: &Observed) -> Vec<Check> {
    checks::all(observed, Timestamp::from_second(NOW).unwrap())
}

fn the_bad(observed: &Observed) -> Vec<(&'static str, Outcome, String)> {
    let bad = checks_of(observed).into_iter().filter(|check| check.outcome != Outcome::Pass);
    bad.map(|check| (check.name, check.outcome, check.detail)).collect()
}

#[test]
fn a_healthy_environment_passes_every_check() {
    let found = checks_of(&observed(surroundings()));
    assert_eq!(found.len(), 8);
    assert!(found.iter().all(|check| check.outcome == Outcome::Pass), "{found:#?}");
}

#[test]
fn each_fault_is_named_with_what_to_do() {
    type Break = fn(&mut Observed);
    fn around(observed: &mut Observed) -> &mut Surroundings {
        match &mut observed.environment {
            Ok(surroundings) => surroundings,
            Err(cause) => panic!("{cause}"),
        }
    }
    let faults: [(&str, Outcome, &str, Break); 15] = [
        ("resource definition", Outcome::Fail, "helm install", |o| o.installed = false),
        ("operator", Outcome::Fail, "never run in namespace chatbot-system", |o| o.lease = Ok(None)),
        ("operator", Outcome::Fail, "last worked 60 s ago", |o| {
            let lease =
                json!({ "spec": { "holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": at(NOW - 60) } });
            o.lease = Ok(Some(object(lease)));
        }),
        ("operator", Outcome::Skipped, "forbidden", |o| o.lease = Err("forbidden".to_owned())),
        ("environment", Outcome::Fail, "apply one", |o| o.environment = Err("no environment: apply one".to_owned())),
        ("environment", Outcome::Fail, "the operator watches this namespace", |o| {
            let environment = &mut around(o).environment;
            environment.status.as_mut().unwrap().conditions.clear();
            environment.status = None;
            environment.spec.image = "chatbot:0.1.0".to_owned();
        }),
        ("secret", Outcome::Fail, "kubectl create secret generic chatbot -n chat", |o| around(o).secret = Ok(None)),
        ("secret", Outcome::Fail, "lacks DATABASE_URL, REDIS_URL, QDRANT_URL", |o| {
            around(o).secret = Ok(Some(["SECRET_KEY", "OPENROUTER_API_KEY"].map(ToOwned::to_owned).into()));
        }),
        ("pods", Outcome::Fail, "dev-app-blue-1 (ImagePullBackOff)", |o| {
            around(o).pods = Ok(vec![object(pod("dev-app-blue-1", false))]);
        }),
        ("services", Outcome::Warn, "does without redis (refused)", |o| {
            let service = json!({ "name": "redis", "healthy": false, "message": "refused" });
            around(o).environment.status.as_mut().unwrap().services.push(object(service));
        }),
        ("task monitor", Outcome::Warn, "it has no room", |o| {
            around(o).environment = with_monitor("False", "CrashLoop");
        }),
        ("task monitor", Outcome::Skipped, "it has no room", |o| {
            around(o).environment = with_monitor("Unknown", "NotObserved");
        }),
        ("recent warnings", Outcome::Warn, "2 min ago: dev-app-blue, BackOff: restarting", |o| {
            let event = json!({ "metadata": {}, "involvedObject": { "name": "dev-app-blue" }, "reason": "BackOff", "message": "restarting", "lastTimestamp": at(NOW - 130) });
            around(o).warnings = Ok(vec![object(event)]);
        }),
        ("versions", Outcome::Warn, "operator 9.9.9, chatbot 0.1.0: use the plugin of the operator's version", |o| {
            let lease = o.lease.as_mut().unwrap().as_mut().unwrap();
            lease.annotations_mut().insert("chatbot.platform/operator-version".to_owned(), "9.9.9".to_owned());
        }),
        ("versions", Outcome::Warn, "the spec asks for 0.2.0", |o| {
            around(o).environment.spec.image = "chatbot:0.2.0".to_owned();
        }),
    ];
    for (name, outcome, part, break_it) in faults {
        let mut broken = observed(surroundings());
        break_it(&mut broken);
        let bad = the_bad(&broken);
        let named =
            bad.iter().any(|(check, found, detail)| *check == name && *found == outcome && detail.contains(part));
        assert!(named, "{name}, {part}: {bad:#?}");
    }
}

fn with_monitor(status: &str, reason: &str) -> ChatbotEnvironment {
    let mut environment = environment();
    let condition = json!({ "type": "MonitorHealthy", "status": status, "reason": reason, "message": "it has no room", "lastTransitionTime": at(NOW) });
    environment.status.as_mut().unwrap().conditions.push(object(condition));
    environment
}

#[test]
fn a_monitor_that_is_ready_or_not_wanted_is_no_fault() {
    for (status, reason) in [("True", "MonitorReady"), ("Unknown", "MonitorOff")] {
        let mut around = surroundings();
        around.environment = with_monitor(status, reason);
        assert_eq!(the_bad(&observed(around)), [], "{reason}");
    }
}

#[test]
fn an_operator_that_does_not_say_its_version_is_none_of_another_version() {
    let mut silent = observed(surroundings());
    silent.lease.as_mut().unwrap().as_mut().unwrap().annotations_mut().clear();
    assert_eq!(the_bad(&silent), []);
}

#[test]
fn the_lease_has_the_name_that_the_operators_containers_are_told() {
    let containers = |env| object(json!({ "containers": [{ "name": "operator", "env": env }] }));
    let named = json!([{ "name": "LOG_LEVEL", "value": "info" }, { "name": "LEASE_NAME", "value": "mine" }]);
    assert_eq!(lease_name(&containers(named)).as_deref(), Some("mine"));
    assert_eq!(lease_name(&containers(json!([]))), None);
}

#[tokio::test]
async fn without_a_pod_the_operators_deployment_tells_the_name_of_its_lease() {
    let operator =
        json!({ "containers": [{ "name": "operator", "env": [{ "name": "LEASE_NAME", "value": "mine" }] }] });
    let deployment = json!({ "metadata": {}, "spec": { "selector": {}, "template": { "spec": operator } } });
    let (target, _) = fake::cluster(move |request| match request {
        request if request.contains("/pods?") => fake::list(&[]),
        request if request.contains("/deployments?") => fake::list(std::slice::from_ref(&deployment)),
        request if request.ends_with("/leases/mine") => (200, json!({ "metadata": { "name": "mine" } }).to_string()),
        _ => fake::refusal(404, "not found"),
    });
    let lease = operator_lease(&target.client, "chatbot-system").await.unwrap();
    assert_eq!(lease.unwrap().name_any(), "mine");
}

#[test]
fn what_the_operator_provisions_is_not_missing_in_the_secret() {
    let mut around = surroundings();
    around.secret = Ok(Some(["SECRET_KEY", "OPENROUTER_API_KEY"].map(ToOwned::to_owned).into()));
    around.provisioned = Ok(Some(["DATABASE_URL", "REDIS_URL", "QDRANT_URL"].map(ToOwned::to_owned).into()));
    assert_eq!(the_bad(&observed(around)), []);
}

#[test]
fn an_old_warning_is_no_news() {
    let mut around = surroundings();
    let event = json!({ "metadata": {}, "involvedObject": { "name": "dev" }, "lastTimestamp": at(NOW - 7200) });
    around.warnings = Ok(vec![object(event)]);
    assert_eq!(the_bad(&observed(around)), []);
}
