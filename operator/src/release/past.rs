//! Which past releases can be returned to.

use std::collections::BTreeSet;

use crate::crd::environment_status::{Outcome, PastRelease};

/// Of a history, the newest first: releases that served well, each once, of which no later one took from the schema what they
/// need; without the one that serves.
#[must_use]
pub fn returnable<'a>(history: &'a [PastRelease], active: Option<&str>) -> Vec<&'a PastRelease> {
    let mut outlived = false;
    let fitting = history.iter().take_while(|past| !std::mem::replace(&mut outlived, past.contracted));
    let mut seen: BTreeSet<&str> = active.into_iter().collect();
    let good = fitting.filter(|past| past.outcome == Outcome::Succeeded);
    good.filter(|past| seen.insert(past.id.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn past(id: &str, outcome: &str, contracted: bool) -> PastRelease {
        let time = "2026-01-01T00:00:00Z";
        let past = json!({ "id": id, "image": "chatbot:1", "startedAt": time, "finishedAt": time, "outcome": outcome, "contracted": contracted });
        serde_json::from_value(past).unwrap()
    }

    #[test]
    fn releases_can_be_returned_to_up_to_the_one_that_outlived_the_others() {
        let history = [
            past("e", "Succeeded", false),
            past("d", "RolledBack", false),
            past("c", "Succeeded", true),
            past("b", "Succeeded", false),
        ];
        let ids = |history, active| returnable(history, active).iter().map(|past| past.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&history, Some("e")), ["c"]);
        assert_eq!(ids(&history, None), ["e", "c"]);
        assert_eq!(ids(&history[3..], Some("e")), ["b"]);
        let unfinished = [past("e", "Succeeded", false), past("d", "Superseded", true), past("c", "Succeeded", false)];
        assert_eq!(ids(&unfinished, None), ["e"], "one that gave way may have taken something too");
        assert_eq!(ids(&[past("a", "Succeeded", false), past("a", "Succeeded", false)], None), ["a"]);
    }
}
