//! Conditions in `status.conditions`, after the rules of kstatus: `Reconciling` and `Stalled` stand there only while
//! they hold, `Ready` always.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// The environment serves its users with the release that the spec asks for.
pub const READY: &str = "Ready";
/// The operator is working towards the spec. Present only while true.
pub const RECONCILING: &str = "Reconciling";
/// The operator cannot get on without a person. Present only while true.
pub const STALLED: &str = "Stalled";
/// Every service that the chatbot uses is healthy.
pub const SERVICES_HEALTHY: &str = "ServicesHealthy";
/// The newest good backup is younger than `backups.rpo`.
pub const BACKUPS_HEALTHY: &str = "BackupsHealthy";
/// The last rehearsed restore worked and stayed inside `backups.rto`.
pub const RECOVERABLE: &str = "Recoverable";
/// The task monitor of the release that serves is ready. That it is not keeps nobody from being served.
pub const MONITOR_HEALTHY: &str = "MonitorHealthy";
/// Every field of the spec is acted on; where not, the message lists the fields.
pub const SPEC_SUPPORTED: &str = "SpecSupported";

/// A condition as the operator decides it; times and generation are added by [`set`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// One of this module's types.
    pub type_: &'static str,
    /// True, False, or unknown.
    pub status: Option<bool>,
    /// One of [`super::reasons`].
    pub reason: &'static str,
    /// What a person should know, and do next.
    pub message: String,
}

/// Puts a condition among the others. Its `lastTransitionTime` changes only with its status.
pub fn set(conditions: &mut Vec<Condition>, decision: Decision, generation: Option<i64>, now: Timestamp) {
    let status = match decision.status {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    let old = conditions.iter().position(|condition| condition.type_ == decision.type_);
    let since = old
        .and_then(|index| conditions.get(index))
        .filter(|condition| condition.status == status)
        .map_or(Time(now), |condition| condition.last_transition_time.clone());
    let new = Condition {
        type_: decision.type_.to_owned(),
        status: status.to_owned(),
        reason: decision.reason.to_owned(),
        message: decision.message,
        observed_generation: generation,
        last_transition_time: since,
    };
    match old.and_then(|index| conditions.get_mut(index)) {
        Some(condition) => *condition = new,
        None => conditions.push(new),
    }
}

/// Ready, and of Reconciling and Stalled the one of `also`, with the same words.
pub fn tell(
    conditions: &mut Vec<Condition>,
    ready: Decision,
    also: Option<&'static str>,
    (generation, now): (Option<i64>, Timestamp),
) {
    for type_ in [RECONCILING, STALLED] {
        if also == Some(type_) {
            set(conditions, Decision { type_, status: Some(true), ..ready.clone() }, generation, now);
        } else {
            remove(conditions, type_);
        }
    }
    set(conditions, ready, generation, now);
}

/// Takes a condition away, as kstatus wants for `Reconciling` and `Stalled` that no longer hold.
pub fn remove(conditions: &mut Vec<Condition>, type_: &str) {
    conditions.retain(|condition| condition.type_ != type_);
}

/// The condition of a type.
#[must_use]
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Whether a condition is there and true.
#[must_use]
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    find(conditions, type_).is_some_and(|condition| condition.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ready(status: bool, reason: &'static str) -> Decision {
        Decision { type_: READY, status: Some(status), reason, message: String::new() }
    }

    #[test]
    fn the_transition_time_changes_only_with_the_status() {
        let mut conditions = Vec::new();
        set(&mut conditions, ready(false, "A"), Some(1), at(10));
        set(&mut conditions, ready(false, "B"), Some(2), at(20));
        assert_eq!(conditions[0].last_transition_time, Time(at(10)));
        assert_eq!((conditions[0].reason.as_str(), conditions[0].observed_generation), ("B", Some(2)));
        set(&mut conditions, ready(true, "C"), Some(2), at(30));
        assert_eq!(conditions[0].last_transition_time, Time(at(30)));
        assert_eq!(conditions.len(), 1);
    }

    #[test]
    fn a_removed_condition_is_neither_found_nor_true() {
        let mut conditions = Vec::new();
        set(&mut conditions, ready(true, "A"), None, at(1));
        assert!(is_true(&conditions, READY));
        remove(&mut conditions, READY);
        assert!(!is_true(&conditions, READY));
        assert_eq!(find(&conditions, READY), None);
    }
}
