//! What a person does about a reason, where the condition's message alone does not say it.

use crate::crd::reasons;

/// A command, or a sentence; nothing where the operator goes on by itself.
#[must_use]
pub fn next_step(reason: &str, name: &str, namespace: &str) -> Option<String> {
    let command = |verb: &str| format!("kubectl chatbot {verb} {name} -n {namespace}");
    match reason {
        reasons::AWAITING_PROMOTION => Some(command("promote")),
        reasons::RELEASE_HELD => Some(format!("{}, or keep it: {}", command("rollback"), command("promote"))),
        reasons::RELEASE_FAILED | reasons::MIGRATION_FAILED | reasons::CHECK_TIMED_OUT | reasons::CHECK_FAILED => {
            Some(format!("mend the cause, then change the spec or: {}", command("retry")))
        }
        reasons::ROLLED_BACK => Some(format!("change the spec, or release it again: {}", command("retry"))),
        reasons::BACKUP_FAILED => Some(format!("kubectl chatbot logs {name} -n {namespace} -c backup")),
        reasons::RESTORE_OR_START_EMPTY => {
            Some(format!("{}, or begin with nothing as the message says", command("restore")))
        }
        reasons::PAUSED => Some(command("resume")),
        reasons::SUSPENDED => Some("set spec.suspend to false to start it again".to_owned()),
        reasons::CRASH_LOOP | reasons::PODS_NOT_READY | reasons::OUT_OF_MEMORY => {
            Some(format!("kubectl chatbot logs {name} -n {namespace}"))
        }
        reasons::QUOTA_EXCEEDED => Some(format!("kubectl describe resourcequota -n {namespace}")),
        _ => None,
    }
}

/// The same of the task monitor, whose log is another one.
#[must_use]
pub fn of_monitor(reason: &str, name: &str, namespace: &str) -> Option<String> {
    match reason {
        reasons::CRASH_LOOP | reasons::PODS_NOT_READY | reasons::OUT_OF_MEMORY => {
            Some(format!("kubectl chatbot logs {name} -n {namespace} -c monitor"))
        }
        _ => next_step(reason, name, namespace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_waits_is_promoted_by_a_command() {
        let step = next_step(reasons::AWAITING_PROMOTION, "prod", "chat").unwrap();
        assert_eq!(step, "kubectl chatbot promote prod -n chat");
    }

    #[test]
    fn a_monitor_that_is_ill_is_looked_for_in_its_own_log() {
        let step = of_monitor(reasons::CRASH_LOOP, "prod", "chat").unwrap();
        assert_eq!(step, "kubectl chatbot logs prod -n chat -c monitor");
    }

    #[test]
    fn what_goes_on_by_itself_needs_no_step() {
        assert_eq!(next_step(reasons::RELEASE_IN_PROGRESS, "prod", "chat"), None);
    }
}
