//! Which events a person would want to know of: the difference between two statuses. What lasts is told once.

use crate::{
    controllers::events::Note,
    crd::{
        ChatbotEnvironmentStatus, Phase, conditions,
        environment_status::{Outcome, PastRelease, Step},
        reasons,
    },
};

/// Reason of the event that a release ended well.
pub const RELEASED: &str = "Released";

/// What happened between two statuses.
#[must_use]
pub fn notes(before: &ChatbotEnvironmentStatus, after: &ChatbotEnvironmentStatus) -> Vec<Note> {
    let steps = |status: &ChatbotEnvironmentStatus| status.release.clone().unwrap_or_default().steps;
    let (old, new) = (steps(before), steps(after));
    let began = new
        .iter()
        .filter(|step| !old.iter().any(|known| known.name == step.name && known.started_at == step.started_at));
    let id =
        after.release.as_ref().and_then(|release| Some(release.candidate.as_ref()?.id.clone())).unwrap_or_default();
    let ended = after.history.iter().filter(|past| !before.history.contains(past));
    let skipped = new.iter().filter(|step| step.outcome == Outcome::Skipped && !old.contains(step));
    let told = skipped.map(|step| skipped_step(step, &id));
    told.chain(began.map(|step| began_step(step, &id)))
        .chain(ended.map(ended_release))
        .chain(changed(before, after))
        .collect()
}

fn began_step(step: &Step, release: &str) -> Note {
    let warning = step.name == Phase::Rollback;
    let message = if warning {
        format!("release {release} is taken back: the traffic is with the one before again")
    } else {
        format!("release {release}: {} begins", step.name)
    };
    Note { warning, reason: step.name.to_string(), action: "Release", message }
}

/// A step that was left undone is worth a look: the backup before a release, for instance.
fn skipped_step(step: &Step, release: &str) -> Note {
    let message = format!("release {release}: {} was skipped: {}", step.name, step.message);
    Note { warning: true, reason: format!("{}Skipped", step.name), action: "Release", message }
}

fn ended_release(past: &PastRelease) -> Note {
    let (reason, what) = match past.outcome {
        Outcome::Succeeded | Outcome::Running | Outcome::Skipped => (RELEASED, "serves"),
        Outcome::Failed => ("ReleaseFailed", "failed and was discarded"),
        Outcome::RolledBack => ("RolledBack", "was taken back"),
        Outcome::Superseded => ("ReleaseSuperseded", "gave way to another"),
    };
    let separator = if past.message.is_empty() { "" } else { ": " };
    let message = format!("release {} ({}) {what}{separator}{}", past.id, past.image, past.message);
    let warning = matches!(past.outcome, Outcome::Failed | Outcome::RolledBack);
    Note { warning, reason: reason.to_owned(), action: "Release", message }
}

/// Reasons of a release on its way, of its failure, and of what nobody could ask yet.
const TOLD_BY_STEPS: [&str; 4] =
    [reasons::RELEASE_IN_PROGRESS, reasons::PROVISIONING, reasons::RELEASE_FAILED, reasons::NOT_OBSERVED];

/// Conditions whose changes are told.
const TOLD: [&str; 5] = [
    conditions::READY,
    conditions::SERVICES_HEALTHY,
    conditions::BACKUPS_HEALTHY,
    conditions::RECOVERABLE,
    conditions::MONITOR_HEALTHY,
];

/// Of these, those that nobody knows anything of at first: of backups, drills and the task monitor.
const BEGIN_UNKNOWN: [&str; 3] = [conditions::BACKUPS_HEALTHY, conditions::RECOVERABLE, conditions::MONITOR_HEALTHY];

/// A condition that became bad for another reason, or good again. Progress of a release is told by its steps.
fn changed<'a>(
    before: &'a ChatbotEnvironmentStatus,
    after: &'a ChatbotEnvironmentStatus,
) -> impl Iterator<Item = Note> + 'a {
    TOLD.into_iter().filter_map(move |type_| {
        let now = conditions::find(&after.conditions, type_)?;
        let old = conditions::find(&before.conditions, type_);
        let is_news = old.is_none_or(|old| old.status != now.status || old.reason != now.reason);
        let was_bad = old.is_some_and(|old| old.status == "False" && !TOLD_BY_STEPS.contains(&old.reason.as_str()));
        let is_worth_telling = match now.status.as_str() {
            "True" => was_bad,
            // Of these only that they are bad is news: that nobody knows yet is how each environment begins.
            "Unknown" if BEGIN_UNKNOWN.contains(&type_) => false,
            _ => !TOLD_BY_STEPS.contains(&now.reason.as_str()),
        };
        (is_news && is_worth_telling).then(|| Note {
            warning: now.status != "True" && now.reason != reasons::SUSPENDED && now.reason != reasons::PAUSED,
            reason: now.reason.clone(),
            action: "Observe",
            message: now.message.clone(),
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;
    use crate::release;

    const ENDS: [Outcome; 4] = [Outcome::Succeeded, Outcome::Failed, Outcome::RolledBack, Outcome::Superseded];

    fn step(name: Phase) -> Step {
        let started_at = Time(Timestamp::UNIX_EPOCH);
        Step {
            name,
            started_at,
            finished_at: None,
            held_seconds: None,
            outcome: Outcome::Running,
            message: String::new(),
        }
    }

    fn ended(outcome: Outcome) -> PastRelease {
        let [id, image, message] = ["1", "chatbot:1", ""].map(str::to_owned);
        let (started_at, finished_at) = (Time(Timestamp::UNIX_EPOCH), Time(Timestamp::UNIX_EPOCH));
        PastRelease { id, image, schema: None, contracted: false, started_at, finished_at, outcome, message }
    }

    /// Alerts and scripts go by them: one that the guide does not list is as bad as one that it lists and that never comes.
    #[test]
    fn the_guide_lists_every_event_of_a_release_and_no_other() {
        let guide = include_str!("../../../../docs/guide/status.md");
        let (_, section) = guide.split_once("\n## Events\n").unwrap();
        let listed = section.lines().filter_map(|line| line.strip_prefix("| `")).flat_map(|row| {
            let (reasons, _) = row.split_once(" | ").unwrap_or((row, ""));
            reasons.split('`').step_by(2).collect::<Vec<_>>()
        });
        let listed: BTreeSet<String> = listed.filter(|reason| !reason.is_empty()).map(str::to_owned).collect();
        let begun = release::Phase::ALL.map(|phase| began_step(&step(phase.shown()), "1").reason);
        let over = ENDS.map(|outcome| ended_release(&ended(outcome)).reason);
        let skipped = skipped_step(&step(Phase::Backup), "1").reason;
        let given: BTreeSet<String> = begun.into_iter().chain(over).chain([skipped]).collect();
        assert_eq!(listed, given);
    }
}
