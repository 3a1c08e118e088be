//! How a restore goes on. Pure.
//!
//! ```text
//! Pending -> Prepare -> Stop -> Swap -> Documents -> Start -> Succeeded
//!               |               |                      |          |
//!               v               +------> Undo <--------+----------+   where a person asks for it, or the swap fails
//!            Failed                       |
//!  (what runs was not touched)        StartAgain -> Undone
//! ```
//!
//! Each step can be repeated, and the status that was written last is enough to go on from. Until Stop everything runs as it did.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{
    crd::{ChatbotRestoreStatus, RestorePhase, RestoreStep},
    release::Job,
};

/// How long the database is kept that is not served any more.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// So long servers may take before it is said that they do not come.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// A Job of a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// Fills and checks a database beside the live one.
    Prepare,
    /// Puts it in the live one's place.
    Swap,
    /// Puts missing documents back.
    Documents,
    /// Gives the former database back.
    Undo,
    /// Drops the one that is not served.
    Drop,
}

impl Task {
    /// Every task.
    pub const ALL: [Self; 5] = [Self::Prepare, Self::Swap, Self::Documents, Self::Undo, Self::Drop];

    /// The chatbot's word for it, and the end of the Job's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Swap => "swap",
            Self::Documents => "documents",
            Self::Undo => "undo",
            Self::Drop => "drop",
        }
    }

    /// By which its Job is told from those of backups, and from other steps.
    #[must_use]
    pub const fn run(self) -> &'static str {
        match self {
            Self::Prepare => "restore-prepare",
            Self::Swap => "restore-swap",
            Self::Documents => "restore-documents",
            Self::Undo => "restore-undo",
            Self::Drop => "restore-drop",
        }
    }

    /// Whether it moves names of databases, so that nothing must run meanwhile.
    #[must_use]
    pub const fn swaps(self) -> bool {
        matches!(self, Self::Swap | Self::Undo)
    }
}

/// What is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Why the restore cannot begin now, if so.
    pub waits_for: Option<String>,
    /// What must be over before servers and workers are stopped for it: a release, a backup.
    pub busy: Option<String>,
    /// Pods of the environment that have not ended, but those of this restore.
    pub pods: usize,
    /// Whether servers answer and the environment is Ready; always so where its spec wants everything at zero.
    pub serves: bool,
    /// What keeps it from serving, in the environment's own words.
    pub trouble: String,
    /// Its Jobs.
    pub jobs: Vec<(Task, Job)>,
    /// The backup that was prepared, where the Job said so.
    pub prepared: Option<String>,
    /// Whether a person wants it undone.
    pub undo: bool,
    /// Whether a person wants it ended.
    pub abort: bool,
}

impl Facts {
    fn job(&self, task: Task) -> Job {
        self.jobs.iter().find(|(known, _)| *known == task).map_or(Job::Absent, |(_, job)| job.clone())
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// The Job that should be there.
    pub runs: Option<Task>,
    /// What to say.
    pub status: ChatbotRestoreStatus,
}

/// How a restore goes on from what was written of it.
#[must_use]
pub fn next(before: &ChatbotRestoreStatus, facts: &Facts, now: Timestamp) -> Next {
    let mut at = At { status: before.clone(), now };
    let runs = match before.phase {
        RestorePhase::Pending => at.pending(facts),
        RestorePhase::Prepare => at.prepare(facts),
        RestorePhase::Stop => at.stop(facts),
        RestorePhase::Swap => at.swap(facts),
        RestorePhase::Documents => at.documents(facts),
        RestorePhase::Start => at.start(facts),
        RestorePhase::Succeeded if facts.undo && at.can_undo() => at.go(RestorePhase::Undo),
        RestorePhase::Undo => at.undo(facts),
        RestorePhase::StartAgain => at.start_again(facts),
        RestorePhase::Succeeded | RestorePhase::Failed | RestorePhase::Undone => at.drop(facts),
    };
    Next { runs, status: at.status }
}

/// A status that is being carried on.
struct At {
    status: ChatbotRestoreStatus,
    now: Timestamp,
}

impl At {
    fn pending(&mut self, facts: &Facts) -> Option<Task> {
        match &facts.waits_for {
            _ if facts.abort => self.fail("it was ended by a person before it began"),
            Some(why) => self.say(why),
            None => self.go(RestorePhase::Prepare),
        }
    }

    fn prepare(&mut self, facts: &Facts) -> Option<Task> {
        match facts.job(Task::Prepare) {
            _ if facts.abort => self.fail("it was ended by a person; what runs was not touched"),
            Job::Failed { message, .. } => self.fail(&message),
            Job::Succeeded(report) => {
                self.status.backup = facts.prepared.clone().or(self.status.backup.take());
                if let Some(busy) = &facts.busy {
                    return self.say(&format!("{}; it waits: {busy}", report.message));
                }
                self.say(&report.message);
                self.go(RestorePhase::Stop)
            }
            Job::Absent | Job::Running { .. } => Some(self.wait(Task::Prepare, facts)),
        }
    }

    fn stop(&mut self, facts: &Facts) -> Option<Task> {
        if facts.abort {
            self.say("it was ended by a person before the swap");
            return self.go(RestorePhase::StartAgain);
        }
        if facts.pods == 0 {
            return self.go(RestorePhase::Swap);
        }
        self.wait_for_the_end_of(facts.pods)
    }

    fn swap(&mut self, facts: &Facts) -> Option<Task> {
        match facts.job(Task::Swap) {
            Job::Failed { message, .. } => {
                self.say(&message);
                self.go(RestorePhase::Undo)
            }
            Job::Succeeded(report) => {
                self.say(&report.message);
                self.status.undo_until = self.now.checked_add(KEPT).ok().map(Time);
                self.go(RestorePhase::Documents)
            }
            Job::Absent | Job::Running { .. } => Some(self.wait(Task::Swap, facts)),
        }
    }

    /// Rows are back, and waiting for documents would keep users from them.
    fn documents(&mut self, facts: &Facts) -> Option<Task> {
        let message = match facts.job(Task::Documents) {
            Job::Failed { message, .. } => message,
            Job::Succeeded(report) => report.message,
            Job::Absent | Job::Running { .. } => return Some(self.wait(Task::Documents, facts)),
        };
        self.say(&message);
        self.go(RestorePhase::Start)
    }

    fn start(&mut self, facts: &Facts) -> Option<Task> {
        if facts.undo && self.can_undo() {
            return self.go(RestorePhase::Undo);
        }
        if !facts.serves {
            let next = "annotate the restore with chatbot.platform/undo=true to go back to what ran before";
            return self.wait_for_servers(facts, next);
        }
        self.finish(RestorePhase::Succeeded, "")
    }

    fn undo(&mut self, facts: &Facts) -> Option<Task> {
        if facts.pods > 0 {
            return self.wait_for_the_end_of(facts.pods);
        }
        let message = match facts.job(Task::Undo) {
            Job::Failed { message, .. } => message,
            Job::Succeeded(report) => report.message,
            Job::Absent | Job::Running { .. } => return Some(self.wait(Task::Undo, facts)),
        };
        self.say(&message);
        self.go(RestorePhase::StartAgain)
    }

    fn start_again(&mut self, facts: &Facts) -> Option<Task> {
        if !facts.serves {
            return self.wait_for_servers(facts, "see kubectl chatbot doctor");
        }
        let swap = self.step(RestorePhase::Swap).map(|step| step.message.clone());
        match (swap, &self.status.undo_until) {
            (None, _) => self.fail("it was ended by a person before the swap"),
            (Some(why), None) => self.fail(&format!("the swap failed: {why}; what ran before runs again")),
            (Some(_), Some(_)) => self.finish(RestorePhase::Undone, ""),
        }
    }

    fn wait_for_the_end_of(&mut self, pods: usize) -> Option<Task> {
        self.say(&format!("{pods} of the environment's pods have not ended yet"))
    }

    fn wait_for_servers(&mut self, facts: &Facts, next: &str) -> Option<Task> {
        let phase = self.status.phase;
        let since = self.step(phase).map_or(self.now, |step| step.started_at.0);
        let is_late = self.now.duration_since(since) > PATIENCE;
        let message = match (is_late, facts.trouble.as_str()) {
            (false, "") => "servers and workers are starting".to_owned(),
            (false, trouble) => format!("servers and workers are starting: {trouble}"),
            (true, trouble) => format!("servers and workers do not come up: {trouble}; {next}"),
        };
        self.say(&message)
    }

    /// What was prepared and is not wanted, and what nobody served for a day. After a swap that failed and could not be taken back
    /// nobody knows which of the databases holds what, and both stay.
    fn drop(&mut self, facts: &Facts) -> Option<Task> {
        let began = self.step(RestorePhase::Prepare).is_some();
        let is_due = match (&self.status.undo_until, self.step(RestorePhase::Swap)) {
            (Some(until), _) => self.now >= until.0,
            (None, Some(_)) => matches!(facts.job(Task::Undo), Job::Succeeded(_)),
            (None, None) => true,
        };
        if !began || !is_due || self.status.dropped {
            return None;
        }
        match facts.job(Task::Drop) {
            // It costs room and nothing else.
            Job::Failed { .. } | Job::Succeeded(_) => {
                self.status.dropped = true;
                None
            }
            Job::Absent | Job::Running { .. } => Some(Task::Drop),
        }
    }

    /// As long as what was replaced is kept.
    fn can_undo(&self) -> bool {
        !self.status.dropped && self.status.undo_until.as_ref().is_some_and(|until| self.now < until.0)
    }

    fn wait(&mut self, task: Task, facts: &Facts) -> Task {
        if let Job::Running { message } = facts.job(task)
            && !message.is_empty()
        {
            self.say(&format!("an attempt failed, and another one is made: {message}"));
        }
        task
    }

    fn go(&mut self, phase: RestorePhase) -> Option<Task> {
        self.end_step();
        self.status.phase = phase;
        self.status.message = String::new();
        let step = RestoreStep { name: phase, started_at: Time(self.now), finished_at: None, message: String::new() };
        self.status.steps.push(step);
        None
    }

    fn finish(&mut self, phase: RestorePhase, message: &str) -> Option<Task> {
        self.end_step();
        self.status.phase = phase;
        self.status.message = if message.is_empty() { self.summary() } else { message.to_owned() };
        None
    }

    fn fail(&mut self, message: &str) -> Option<Task> {
        self.say(message);
        self.finish(RestorePhase::Failed, message)
    }

    /// What the last Job said of the database that is served now.
    fn summary(&self) -> String {
        let said = |phase| self.step(phase).map(|step| step.message.clone()).filter(|message| !message.is_empty());
        let words = if self.status.phase == RestorePhase::Undone {
            [said(RestorePhase::Undo), None]
        } else {
            [said(RestorePhase::Swap), said(RestorePhase::Documents)]
        };
        words.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    fn say(&mut self, message: &str) -> Option<Task> {
        message.clone_into(&mut self.status.message);
        if let Some(step) = self.status.steps.last_mut().filter(|step| step.finished_at.is_none()) {
            message.clone_into(&mut step.message);
        }
        None
    }

    fn end_step(&mut self) {
        let now = self.now;
        if let Some(step) = self.status.steps.last_mut() {
            step.finished_at.get_or_insert(Time(now));
        }
    }

    fn step(&self, phase: RestorePhase) -> Option<&RestoreStep> {
        self.status.steps.iter().rev().find(|step| step.name == phase)
    }
}
