use super::*;
use crate::plugin::fake;

fn environment(phase: &str, candidate: bool, failed: bool) -> ChatbotEnvironment {
    let mut release = json!({ "phase": phase });
    if candidate {
        release["candidate"] = json!({ "id": "new", "colour": "green", "image": "chatbot:2" });
    }
    let failures = if failed {
        json!([{ "id": "bad", "at": "2026-01-01T00:00:00Z", "phase": "Bake", "reason": "RolledBack", "message": "" }])
    } else {
        json!([])
    };
    serde_json::from_value(json!({
        "apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotEnvironment", "metadata": { "name": "prod" },
        "spec": { "tier": "prod", "image": "chatbot:2", "secretRef": { "name": "chatbot" } },
        "status": { "release": release, "failedReleases": failures },
    }))
    .unwrap()
}

/// `new` serves after these releases, the newest first.
fn stable(past: &[&str]) -> ChatbotEnvironment {
    let mut environment = environment("Stable", false, false);
    let ended = |id: &&str| {
        let time = "2026-01-01T00:00:00Z";
        serde_json::from_value(
            json!({ "id": id, "image": "chatbot:1", "startedAt": time, "finishedAt": time, "outcome": "Succeeded" }),
        )
        .unwrap()
    };
    let status = environment.status.as_mut().unwrap();
    status.release.as_mut().unwrap().id = Some("new".to_owned());
    status.history = past.iter().map(ended).collect();
    environment
}

/// `new` serves, and `old` stands ready.
fn baking() -> ChatbotEnvironment {
    let mut environment = environment("Bake", true, false);
    let release = environment.status.as_mut().unwrap().release.as_mut().unwrap();
    let previous = json!({ "id": "old", "colour": "blue", "image": "chatbot:1" });
    release.previous = serde_json::from_value(previous).unwrap();
    release.id = Some("new".to_owned());
    environment
}

#[test]
fn what_a_person_decides_is_told_with_its_steps() {
    let told =
        |wish: &Wish, environment: &ChatbotEnvironment| change(wish, environment, Standing::Ready).unwrap().steps;
    let mut waiting = environment("Promote", true, false);
    assert_eq!(told(&Wish::Rollback, &waiting), "it is dropped at once; nothing else was touched");
    waiting.status.as_mut().unwrap().release.as_mut().unwrap().id = Some("old".to_owned());
    assert_eq!(told(&Wish::Rollback, &waiting), "steps: Discard");
    assert_eq!(told(&Wish::Rollback, &baking()), "steps: Rollback (release old at once) -> Discard");
    assert!(
        told(&Wish::Rollback, &stable(&["one"])).starts_with("steps: Backup -> Migrate (expand) -> Start -> Check")
    );
}

/// The operator waits with the way back until it leads somewhere: nobody must believe that it is done.
#[test]
fn a_release_is_not_said_to_be_taken_back_while_the_one_before_could_not_serve() {
    let rollback = |before| change(&Wish::Rollback, &baking(), before).unwrap();
    assert_eq!(rollback(Standing::Ready).told, "release new is taken back");
    let waits = rollback(Standing::Short { up: 1, of: 3 });
    assert_eq!(
        waits.told,
        "release new is taken back as soon as release old can have the traffic; now: 1 of 3 up: not ready to take the traffic back"
    );
    assert_eq!(waits.steps, "steps: Rollback (release old, once at least half of its servers are up) -> Discard");
    let unknown = rollback(Standing::Unknown).told;
    assert!(unknown.contains("as soon as release old can") && unknown.contains("cannot be listed"), "{unknown}");
    let to = change(&Wish::RollbackTo("old".to_owned()), &baking(), Standing::Short { up: 0, of: 2 }).unwrap();
    assert!(to.told.starts_with("release old is returned to as soon as release old can"), "{}", to.told);
    assert_eq!((to.annotation, waits.annotation), (ROLLBACK_TO, ROLLBACK), "the wish is written all the same");
}

#[test]
fn each_wish_is_an_annotation_or_says_why_it_makes_no_sense() {
    let table = vec![
        (Wish::Promote, environment("Promote", true, false), Ok((PROMOTE, Some("new")))),
        (Wish::Promote, environment("Bake", true, false), Ok((PROMOTE, Some("new")))),
        (Wish::Promote, environment("Start", true, false), Err("release new is in Start, and waits")),
        (Wish::Promote, environment("Stable", false, false), Err("no release waits")),
        (Wish::Rollback, baking(), Ok((ROLLBACK, Some("new")))),
        (Wish::Rollback, environment("Switch", true, false), Err("release new is in Switch: wait")),
        (Wish::Rollback, environment("Finish", true, false), Err("release new is in Finish: wait")),
        (Wish::Rollback, environment("Stable", false, false), Err("nothing serves yet")),
        (Wish::Rollback, stable(&[]), Err("no earlier release can be returned to")),
        (Wish::Rollback, stable(&["one"]), Ok((ROLLBACK, Some("new")))),
        (Wish::RollbackTo("one".to_owned()), stable(&["two", "one"]), Ok((ROLLBACK_TO, Some("one")))),
        (Wish::RollbackTo("new".to_owned()), stable(&["one"]), Err("serves already")),
        (Wish::RollbackTo("gone".to_owned()), stable(&["two", "one"]), Err("choose one of two, one")),
        (Wish::Retry, environment("Failed", false, true), Ok((RETRY, Some("bad")))),
        (Wish::Retry, environment("Stable", false, false), Err("has not failed")),
        (Wish::Pause, environment("Stable", false, false), Ok((PAUSE, Some("true")))),
        (Wish::Resume, environment("Stable", false, false), Ok((PAUSE, None))),
    ];
    for (wish, environment, expected) in table {
        match (change(&wish, &environment, Standing::Ready), expected) {
            (Ok(change), Ok(expected)) => assert_eq!((change.annotation, change.value.as_deref()), expected),
            (Err(why), Err(words)) => assert!(why.contains(words), "{wish:?}: {why}"),
            (found, expected) => panic!("{wish:?}: {found:?} instead of {expected:?}"),
        }
    }
}

#[test]
fn a_retry_that_counted_already_is_written_anew() {
    let mut environment = environment("Failed", false, true);
    let change = change(&Wish::Retry, &environment, Standing::Unknown).unwrap();
    assert!(!counts_no_more(&environment, &change));
    environment.annotations_mut().insert(RETRY.to_owned(), "bad".to_owned());
    assert!(counts_no_more(&environment, &change));
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_the_operator_does_not_forget_is_no_success() {
    let mut environment = fake::environment();
    environment["metadata"]["annotations"] = json!({ RETRY: "bad" });
    environment["status"]["release"]["retried"] = json!("bad");
    environment["status"]["failedReleases"] = json!([{ "id": "bad", "at": "2026-01-01T00:00:00Z", "phase": "Check", "reason": "CheckTimedOut", "message": "" }]);
    let answered = environment.clone();
    let (target, _) = fake::cluster(move |request| {
        if request.starts_with("PATCH") {
            (200, answered.to_string())
        } else {
            fake::list(std::slice::from_ref(&answered))
        }
    });
    let output = Output::stdout();
    let error =
        run(&target, &output, &Wish::Retry, Arguments { name: None, dry_run: false }).await.unwrap_err().to_string();
    assert!(error.contains("the operator did not act on dev within 15 s"), "{error}");
}

#[test]
fn nothing_is_wished_of_an_operator_that_would_not_act() {
    let told = |environment: &mut ChatbotEnvironment, reason: &str, message: &str| {
        let ready = json!({ "type": "Ready", "status": "False", "reason": reason, "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z" });
        environment.status.as_mut().unwrap().conditions = vec![serde_json::from_value(ready).unwrap()];
    };
    let failed = || environment("Failed", false, true);
    let (mut paused, mut suspended, mut blocked, mut retried) = (failed(), failed(), failed(), failed());
    paused.annotations_mut().insert(PAUSE.to_owned(), "true".to_owned());
    told(&mut paused, reasons::PAUSED, "hands off");
    suspended.spec.suspend = true;
    told(&mut blocked, reasons::SECRET_KEYS_MISSING, "Secret chatbot lacks REDIS_URL");
    told(&mut retried, reasons::RELEASE_FAILED, "release bad failed");
    let cases = [
        (Wish::Promote, &paused, Some("Paused: hands off; first: kubectl chatbot resume prod")),
        (Wish::Retry, &suspended, Some("Suspended; first: set spec.suspend to false")),
        (Wish::Rollback, &blocked, Some("SecretKeysMissing: Secret chatbot lacks REDIS_URL")),
        (Wish::Retry, &retried, None),
        (Wish::Resume, &paused, None),
    ];
    for (wish, environment, expected) in cases {
        match (stands_still(&wish, environment), expected) {
            (Some(why), Some(words)) => assert!(why.contains(words), "{wish:?}: {why}"),
            (found, expected) => assert_eq!(found.as_deref(), expected, "{wish:?}"),
        }
    }
    assert!(unanswered(&retried).contains("within 15 s, and says: ReleaseFailed: release bad failed"));
}
