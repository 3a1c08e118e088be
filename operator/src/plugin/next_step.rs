//! What a person does about a reason, where the condition's message alone does not say it.

use crate::crd::reasons;

/// A command, or a sentence; nothing where the operator goes on by itself.
#[must_use]
pub fn next_step(reason: &str, name: &str, namespace: &str, release: Option<&str>) -> Option<String> {
    let annotate = |key: &str| {
        let id = release.unwrap_or("RELEASE_ID");
        format!("kubectl annotate --overwrite -n {namespace} cbe {name} chatbot.platform/{key}={id}")
    };
    match reason {
        reasons::AWAITING_PROMOTION => Some(annotate("promote")),
        reasons::RELEASE_HELD => Some(annotate("rollback")),
        reasons::RELEASE_FAILED | reasons::MIGRATION_FAILED | reasons::CHECK_TIMED_OUT | reasons::CHECK_FAILED => {
            Some(format!("mend the cause, then change the spec or: {}", annotate("retry")))
        }
        reasons::PAUSED => Some(format!("kubectl annotate -n {namespace} cbe {name} chatbot.platform/pause-")),
        reasons::SUSPENDED => Some("set spec.suspend to false to start it again".to_owned()),
        reasons::CRASH_LOOP | reasons::PODS_NOT_READY | reasons::OUT_OF_MEMORY => {
            Some(format!("kubectl chatbot logs {name} -n {namespace}"))
        }
        reasons::QUOTA_EXCEEDED => Some(format!("kubectl describe resourcequota -n {namespace}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_waits_is_promoted_by_its_id() {
        let step = next_step(reasons::AWAITING_PROMOTION, "prod", "chat", Some("0123456789")).unwrap();
        assert!(step.ends_with("-n chat cbe prod chatbot.platform/promote=0123456789"), "{step}");
    }

    #[test]
    fn what_goes_on_by_itself_needs_no_step() {
        assert_eq!(next_step(reasons::RELEASE_IN_PROGRESS, "prod", "chat", None), None);
    }
}
