//! What is to be done about one object: what it should be, what it is, and what came of its last write. Pure.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    additions,
    difference::{contains, project},
    object::{APPLIED, Object, Writing},
};
use crate::controllers::memory::{Answer, CONTESTED_FOR, FEW, REFUSED_FOR, SETTLES_IN, Write};

/// What is to be done about one object.
#[derive(Debug, PartialEq)]
pub enum Need {
    /// It is as it should be, or somebody undoes it again and again.
    Nothing,
    /// It is written.
    Write,
    /// It is removed, to be written anew.
    Replace,
    /// It was written, and shows soon.
    Settling,
    /// It was refused a moment ago.
    Refused(String),
}

/// What is to be done about an object that looks like `observed`, and that was written `last`.
#[must_use]
pub fn need(object: &Object, observed: Option<&Value>, last: Option<&Write>, now: Instant) -> Need {
    let is_overtaken = last.is_some_and(|last| is_other(object, last));
    let last = last.filter(|last| last.hash == object.hash);
    if !is_overtaken && is_as_it_should_be(object, observed, last) {
        return Need::Nothing;
    }
    if let (Writing::Create, Some(_)) = (object.writing, observed) {
        return Need::Replace;
    }
    let Some(last) = last else { return Need::Write };
    let age = now.saturating_duration_since(last.at);
    match &last.answer {
        Answer::Refused(why) if age < REFUSED_FOR => Need::Refused(why.clone()),
        Answer::Accepted { .. } if age < settles(object) => Need::Settling,
        Answer::Accepted { .. } if last.times >= FEW && age < CONTESTED_FOR => Need::Nothing,
        Answer::Refused(_) | Answer::Accepted { .. } => Need::Write,
    }
}

/// Whether we wrote something else since: what looks right is then what was there before that, seen late.
fn is_other(object: &Object, last: &Write) -> bool {
    let is_written_anew = matches!(object.writing, Writing::Apply | Writing::Opaque);
    is_written_anew && last.hash != object.hash && matches!(last.answer, Answer::Accepted { .. })
}

/// Credentials are read afresh from the API server, so a second look at them is never too early.
fn settles(object: &Object) -> Duration {
    match object.writing {
        Writing::Apply | Writing::Create | Writing::Opaque => SETTLES_IN,
        Writing::Always => Duration::ZERO,
    }
}

fn is_as_it_should_be(object: &Object, observed: Option<&Value>, last: Option<&Write>) -> bool {
    let Some(observed) = observed else { return false };
    let is_same = observed.pointer("/metadata/annotations").and_then(|all| all.get(APPLIED)).and_then(Value::as_str)
        == Some(&object.hash);
    match object.writing {
        Writing::Create => !is_stuck(observed, &object.body),
        Writing::Always => false,
        Writing::Opaque => is_same && contains(&observed["metadata"], &object.body["metadata"]),
        Writing::Apply => is_same && (is_as_written(object, observed) || is_as_accepted(object, observed, last)),
    }
}

fn is_as_written(object: &Object, observed: &Value) -> bool {
    contains(observed, &object.body) && additions::removal(&object.resource.kind, observed, &object.body).is_none()
}

/// What of an object matters to the operator: the fields that it writes, and what others added where that changes the meaning.
#[must_use]
pub fn shown(object: &Object, observed: &Value) -> Value {
    let additions = additions::removal(&object.resource.kind, observed, &object.body);
    json!({"written": project(observed, &object.body), "additions": additions})
}

/// Whether a Job waits for an image that it cannot get, and would be made otherwise by now. What runs, or ran, is left alone.
fn is_stuck(observed: &Value, desired: &Value) -> bool {
    let (status, is_going) = (&observed["status"], !observed["metadata"]["deletionTimestamp"].is_null());
    let has_ended = |type_: &str| {
        status["conditions"].as_array().into_iter().flatten().any(|it| it["type"] == type_ && it["status"] == "True")
    };
    let has_run = is_going || has_ended("Complete") || has_ended("Failed") || status["ready"].as_u64() > Some(0);
    !has_run && !has_same_pull(&observed["spec"]["template"]["spec"], &desired["spec"]["template"]["spec"])
}

/// Where the image comes from, and how: all that a Job's name does not tell apart. The API server fills an unset policy.
fn has_same_pull(observed: &Value, desired: &Value) -> bool {
    let secrets = |pod: &Value| pod["imagePullSecrets"].as_array().cloned().unwrap_or_default();
    let policy = |pod: &Value| pod["containers"][0]["imagePullPolicy"].clone();
    secrets(observed) == secrets(desired) && (policy(desired).is_null() || policy(observed) == policy(desired))
}

/// The API server spells some values otherwise than they were written, and an admission webhook may add to them. What it shows is
/// what it made of the last write, as long as nobody changed the object since, or nothing of it that matters.
fn is_as_accepted(object: &Object, observed: &Value, last: Option<&Write>) -> bool {
    last.is_some_and(|write| match &write.answer {
        Answer::Accepted { version, shown: accepted } => {
            version.as_deref() == observed["metadata"]["resourceVersion"].as_str()
                || *accepted == shown(object, observed)
        }
        Answer::Refused(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{Service, ServiceAccount};

    use super::*;

    fn account(writing: Writing) -> Object {
        let account: ServiceAccount =
            serde_json::from_value(json!({"metadata": {"name": "dev", "namespace": "chat", "labels": {"a": "b"}}}))
                .unwrap();
        Object::new(&account, writing).unwrap()
    }

    fn written(object: &Object, seconds_ago: u64, answer: Answer) -> Write {
        Write { hash: object.hash.clone(), at: Instant::now() - Duration::from_secs(seconds_ago), answer, times: 1 }
    }

    #[tokio::test]
    async fn an_object_is_written_when_it_is_not_as_it_should_be_and_not_otherwise() {
        let object = account(Writing::Apply);
        let mut drifted = object.body.clone();
        drifted["metadata"]["labels"]["a"] = json!("c");
        let answered = |version: &str, shown| Answer::Accepted { version: Some(version.to_owned()), shown };
        let accepted = |ago| Some(written(&object, ago, answered("1", json!({}))));
        let refused = |ago| Some(written(&object, ago, Answer::Refused("no".to_owned())));
        let other = |ago, answer| Some(Write { hash: "another".to_owned(), ..written(&object, ago, answer) });
        let another = |ago| other(ago, answered("2", json!({})));
        let refused_another = other(1, Answer::Refused("no".to_owned()));
        let as_drifted = Some(written(&object, 90, answered("1", shown(&object, &drifted))));
        let mut unchanged = drifted.clone();
        unchanged["metadata"]["resourceVersion"] = json!("1");
        let cases = [
            ("missing", None, None, Need::Write),
            ("as it should be", Some(&object.body), None, Need::Nothing),
            ("drifted", Some(&drifted), None, Need::Write),
            ("drifted long after it was written", Some(&drifted), accepted(60), Need::Write),
            ("not in the caches yet", None, accepted(1), Need::Settling),
            ("deleted by somebody", None, accepted(4), Need::Write),
            ("refused a moment ago", None, refused(59), Need::Refused("no".to_owned())),
            ("refused a minute ago", None, refused(61), Need::Write),
            ("spelt otherwise by the API server", Some(&drifted), as_drifted, Need::Nothing),
            ("unchanged since it was written", Some(&unchanged), accepted(60), Need::Nothing),
            ("seen as before another write of ours", Some(&object.body), another(1), Need::Write),
            ("seen so long after it", Some(&object.body), another(60), Need::Write),
            ("the other one was refused", Some(&object.body), refused_another, Need::Nothing),
        ];
        for (name, observed, last, expected) in cases {
            assert_eq!(need(&object, observed, last.as_ref(), Instant::now()), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn an_addition_that_changes_the_meaning_is_a_difference_unless_it_came_with_the_last_write() {
        let service: Service =
            serde_json::from_value(json!({"metadata": {"name": "dev"}, "spec": {"selector": {"a": "b"}}})).unwrap();
        let object = Object::new(&service, Writing::Apply).unwrap();
        let with = |labels: &[&str]| {
            let mut observed = object.body.clone();
            for label in labels {
                observed["spec"]["selector"][label] = json!("x");
            }
            observed
        };
        let webhook = Answer::Accepted { version: Some("1".to_owned()), shown: shown(&object, &with(&["webhook"])) };
        let last = Some(written(&object, 90, webhook));
        let cases = [
            ("as written", with(&[]), None, Need::Nothing),
            ("somebody's addition", with(&["x"]), None, Need::Write),
            ("a webhook's addition", with(&["webhook"]), last.as_ref(), Need::Nothing),
            ("another one beside it", with(&["webhook", "x"]), last.as_ref(), Need::Write),
        ];
        for (name, observed, last, expected) in cases {
            assert_eq!(need(&object, Some(&observed), last, Instant::now()), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn a_job_that_exists_is_left_alone_whatever_it_looks_like() {
        let object = account(Writing::Create);
        assert_eq!(need(&object, Some(&json!({})), None, Instant::now()), Need::Nothing);
        assert_eq!(need(&object, None, None, Instant::now()), Need::Write);
    }

    #[test]
    fn an_unfinished_job_is_made_anew_when_its_image_would_come_from_elsewhere() {
        let pod = |pull: &str, secret: &str| {
            let containers = json!([{"name": "migrate", "imagePullPolicy": pull}]);
            json!({"containers": containers, "imagePullSecrets": [{"name": secret}]})
        };
        let job = |pod: Value, status: Value| json!({"spec": {"template": {"spec": pod}}, "status": status});
        let mut unset = pod("Always", "registry");
        unset["containers"][0].as_object_mut().unwrap().remove("imagePullPolicy");
        let ended = |type_: &str| json!({"conditions": [{"type": type_, "status": "True"}]});
        let object = |pod: &Value| {
            let mut object = account(Writing::Create);
            object.body["spec"]["template"]["spec"] = pod.clone();
            object
        };
        let mended = object(&pod("Always", "registry"));
        let cases = [
            ("the same", job(pod("Always", "registry"), json!({})), Need::Nothing),
            ("another Secret", job(pod("Always", "old"), json!({"active": 1})), Need::Replace),
            ("another policy", job(pod("Never", "registry"), json!({})), Need::Replace),
            ("it has its image", job(pod("Never", "registry"), json!({"ready": 1})), Need::Nothing),
            ("it is done", job(pod("Never", "registry"), ended("Complete")), Need::Nothing),
            ("it gave up", job(pod("Never", "registry"), ended("Failed")), Need::Nothing),
        ];
        for (name, observed, expected) in cases {
            assert_eq!(need(&mended, Some(&observed), None, Instant::now()), expected, "{name}");
        }
        let filled_in = job(pod("IfNotPresent", "registry"), json!({}));
        assert_eq!(need(&object(&unset), Some(&filled_in), None, Instant::now()), Need::Nothing);
    }

    #[tokio::test]
    async fn what_is_undone_again_and_again_is_written_once_a_minute() {
        let object = account(Writing::Apply);
        let drifted = json!({"metadata": {"name": "dev"}});
        let accepted = || Answer::Accepted { version: None, shown: json!({}) };
        for (times, ago, expected) in
            [(FEW - 1, 4, Need::Write), (FEW, 4, Need::Nothing), (FEW, 59, Need::Nothing), (FEW, 60, Need::Write)]
        {
            let last = Write { times, ..written(&object, ago, accepted()) };
            assert_eq!(need(&object, Some(&drifted), Some(&last), Instant::now()), expected, "{times} {ago}");
        }
    }
}
