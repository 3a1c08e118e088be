//! How a restore goes on. Pure.
//!
//! ```text
//! Pending -> Prepare -> Stop -> Swap -> Documents -> Start -> Succeeded
//!    |          |         |      | it fails            |          |
//!    |          |         |      +-------> Undo <------+----------+  a person asks for it
//!    v          v         v                 |
//!    Failed <---+     StartAgain <----------+
//! (what ran before      |   |  | the undo failed: Succeeded, as before it
//!  runs on, or again)<--+   +--+--> Undone
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
/// So long servers may take to come up, and documents to be put back, before the restore goes on without them.
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

    /// Whether it reads the repository.
    #[must_use]
    pub const fn reads(self) -> bool {
        matches!(self, Self::Prepare | Self::Documents)
    }

    /// Whether it moves names of databases, so that nothing must run meanwhile.
    #[must_use]
    pub const fn swaps(self) -> bool {
        matches!(self, Self::Swap | Self::Undo)
    }
}

/// What is known.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact, seen or wished for")]
pub struct Facts {
    /// Whether the environment exists.
    pub environment: bool,
    /// Why the restore cannot begin now, nor be undone, if so.
    pub waits_for: Option<String>,
    /// What must be over before servers and workers are stopped for it: a release, or a migration.
    pub busy: Option<String>,
    /// Servers, workers and migrations that have not ended.
    pub pods: usize,
    /// Whether nothing runs that uses the database, nor is about to.
    pub stopped: bool,
    /// Pods of the restore's own Jobs that have not ended.
    pub own_pods: usize,
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

/// What is to be done in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Wait,
    /// The Job should be there, or have been.
    Run(Task),
    /// The Job should not be there any more.
    Remove(Task),
}

/// What is to be done, and said.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// What is to be done.
    pub act: Act,
    /// What to say.
    pub status: ChatbotRestoreStatus,
}

/// How a restore goes on from what was written of it.
#[must_use]
pub fn next(before: &ChatbotRestoreStatus, facts: &Facts, now: Timestamp) -> Next {
    let mut at = At { status: before.clone(), now };
    if before.phase == RestorePhase::Succeeded && !facts.undo {
        at.status.undo_failed = String::new();
    }
    let act = match before.phase {
        phase if phase.is_under_way() && !facts.environment => at.say("its environment is gone: nothing goes on"),
        RestorePhase::Pending => at.pending(facts),
        RestorePhase::Prepare => at.prepare(facts),
        RestorePhase::Stop => at.stop(facts),
        RestorePhase::Swap => at.swap(facts),
        RestorePhase::Documents => at.documents(facts),
        RestorePhase::Start => at.start(facts),
        RestorePhase::Succeeded if at.is_to_be_undone(facts) => at.begin_undo(facts),
        RestorePhase::Undo => at.undo(facts),
        RestorePhase::StartAgain => at.start_again(facts),
        RestorePhase::Succeeded | RestorePhase::Failed | RestorePhase::Undone => at.drop(facts),
    };
    Next { act, status: at.status }
}

/// A status that is being carried on.
struct At {
    status: ChatbotRestoreStatus,
    now: Timestamp,
}

impl At {
    fn pending(&mut self, facts: &Facts) -> Act {
        match &facts.waits_for {
            _ if facts.abort => self.fail("it was ended by a person before it began"),
            Some(why) => self.say(why),
            None => self.go(RestorePhase::Prepare),
        }
    }

    fn prepare(&mut self, facts: &Facts) -> Act {
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
            Job::Absent | Job::Running { .. } => self.run(Task::Prepare, facts),
        }
    }

    fn stop(&mut self, facts: &Facts) -> Act {
        if facts.abort {
            self.say("it was ended by a person before the swap");
            return self.go(RestorePhase::StartAgain);
        }
        if facts.stopped { self.go(RestorePhase::Swap) } else { self.wait_for_the_end(facts) }
    }

    fn swap(&mut self, facts: &Facts) -> Act {
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
            Job::Absent | Job::Running { .. } => self.run(Task::Swap, facts),
        }
    }

    /// Rows are back: documents that fail, or take long, do not keep users from them.
    fn documents(&mut self, facts: &Facts) -> Act {
        let message = match facts.job(Task::Documents) {
            Job::Failed { message, .. } => message,
            Job::Succeeded(report) => report.message,
            Job::Absent | Job::Running { .. } if self.is_late() => "documents are still being put back".to_owned(),
            Job::Absent | Job::Running { .. } => return self.run(Task::Documents, facts),
        };
        self.say(&message);
        self.go(RestorePhase::Start)
    }

    fn start(&mut self, facts: &Facts) -> Act {
        if self.is_to_be_undone(facts) {
            return self.begin_undo(facts);
        }
        if facts.serves {
            let message = self.summary(RestorePhase::Succeeded);
            return self.finish(RestorePhase::Succeeded, &message);
        }
        if !self.is_late() {
            return self.wait_for_servers(facts);
        }
        let next = "annotate the restore with chatbot.platform/undo=true to go back to what ran before";
        let trouble = Self::no_servers(facts);
        let message = format!("{}; {trouble}; {next}", self.summary(RestorePhase::Succeeded));
        self.finish(RestorePhase::Succeeded, &message)
    }

    /// As long as what was replaced is kept, and it has not failed since a person asked for it.
    fn is_to_be_undone(&self, facts: &Facts) -> bool {
        let is_kept = self.status.undo_until.as_ref().is_some_and(|until| self.now < until.0);
        facts.undo && is_kept && !self.status.dropped && self.status.undo_failed.is_empty()
    }

    fn begin_undo(&mut self, facts: &Facts) -> Act {
        let Some(why) = &facts.waits_for else { return self.go(RestorePhase::Undo) };
        let message = format!("{}; the undo waits: {why}", self.summary(RestorePhase::Succeeded));
        self.say(&message)
    }

    fn undo(&mut self, facts: &Facts) -> Act {
        if !facts.stopped {
            return self.wait_for_the_end(facts);
        }
        match facts.job(Task::Undo) {
            Job::Succeeded(report) => {
                self.say(&report.message);
                self.go(RestorePhase::StartAgain)
            }
            Job::Failed { message, .. } => {
                self.status.undo_failed.clone_from(&message);
                self.say(&message);
                self.go(RestorePhase::StartAgain);
                Act::Remove(Task::Undo)
            }
            Job::Absent | Job::Running { .. } => self.run(Task::Undo, facts),
        }
    }

    fn start_again(&mut self, facts: &Facts) -> Act {
        if !facts.serves && !self.is_late() {
            return self.wait_for_servers(facts);
        }
        let (phase, mut message) = self.end_of_the_way_back();
        if !facts.serves {
            message = format!("{message}; {}; see kubectl chatbot doctor", Self::no_servers(facts));
        }
        self.finish(phase, &message)
    }

    /// Which database is served now, and why.
    fn end_of_the_way_back(&self) -> (RestorePhase, String) {
        let swap = self.step(RestorePhase::Swap).map(|step| step.message.clone());
        match (swap, &self.status.undo_until, self.status.undo_failed.as_str()) {
            (None, ..) => (RestorePhase::Failed, "it was ended by a person before the swap".to_owned()),
            (Some(why), None, "") => {
                (RestorePhase::Failed, format!("the swap failed: {why}; what ran before runs again"))
            }
            (Some(why), None, undo) => {
                let next = "see which databases there are (psql --list), and run chatbot restore undo by hand";
                (RestorePhase::Failed, format!("the swap failed: {why}; taking it back failed too: {undo}; {next}"))
            }
            (Some(_), Some(_), "") => (RestorePhase::Undone, self.summary(RestorePhase::Undone)),
            (Some(_), Some(_), why) => {
                let served = self.summary(RestorePhase::Succeeded);
                (RestorePhase::Succeeded, format!("{served}; the undo failed: {why}"))
            }
        }
    }

    fn wait_for_the_end(&mut self, facts: &Facts) -> Act {
        let trouble = if facts.trouble.is_empty() { String::new() } else { format!(" ({})", facts.trouble) };
        self.say(&format!("{} of the environment's pods have not ended yet{trouble}", facts.pods))
    }

    fn wait_for_servers(&mut self, facts: &Facts) -> Act {
        let separator = if facts.trouble.is_empty() { "" } else { ": " };
        self.say(&format!("servers and workers are starting{separator}{}", facts.trouble))
    }

    fn no_servers(facts: &Facts) -> String {
        format!("servers and workers do not come up: {}", facts.trouble)
    }

    /// Whether the step under way takes longer than anybody should wait for.
    fn is_late(&self) -> bool {
        let since = self.step(self.status.phase).map_or(self.now, |step| step.started_at.0);
        self.now.duration_since(since) > PATIENCE
    }

    /// What was prepared and is not wanted, and what nobody served for a day. After a swap that failed and could not be taken back
    /// nobody knows which of the databases holds what, and both stay.
    fn drop(&mut self, facts: &Facts) -> Act {
        let began = self.step(RestorePhase::Prepare).is_some();
        let is_due = match (&self.status.undo_until, self.step(RestorePhase::Swap)) {
            (Some(until), _) => self.now >= until.0,
            (None, Some(_)) => self.status.undo_failed.is_empty(),
            (None, None) => true,
        };
        if !facts.environment || !began || !is_due || self.status.dropped {
            return Act::Wait;
        }
        match (facts.job(Task::Prepare), facts.job(Task::Drop)) {
            (Job::Running { .. }, _) => Act::Remove(Task::Prepare),
            (_, Job::Succeeded(_)) => {
                self.status.dropped = true;
                Act::Wait
            }
            // Tried again when the Job has gone: until then it costs room and nothing else.
            (_, Job::Failed { .. }) => Act::Wait,
            (_, Job::Absent) if facts.own_pods > 0 => Act::Wait,
            (_, Job::Absent | Job::Running { .. }) => Act::Run(Task::Drop),
        }
    }

    fn run(&mut self, task: Task, facts: &Facts) -> Act {
        if let Job::Running { message } = facts.job(task)
            && !message.is_empty()
        {
            self.say(&format!("an attempt failed, and another one is made: {message}"));
        }
        Act::Run(task)
    }

    fn go(&mut self, phase: RestorePhase) -> Act {
        self.end_step();
        self.status.phase = phase;
        self.status.message = String::new();
        let step = RestoreStep { name: phase, started_at: Time(self.now), finished_at: None, message: String::new() };
        self.status.steps.push(step);
        Act::Wait
    }

    fn finish(&mut self, phase: RestorePhase, message: &str) -> Act {
        self.end_step();
        self.status.phase = phase;
        message.clone_into(&mut self.status.message);
        Act::Wait
    }

    fn fail(&mut self, message: &str) -> Act {
        self.say(message);
        self.finish(RestorePhase::Failed, message)
    }

    /// What the Jobs said of the database that is served at the end.
    fn summary(&self, end: RestorePhase) -> String {
        let said = |phase| self.step(phase).map(|step| step.message.clone()).filter(|message| !message.is_empty());
        let words = if end == RestorePhase::Undone {
            [said(RestorePhase::Undo), None]
        } else {
            [said(RestorePhase::Swap), said(RestorePhase::Documents)]
        };
        words.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    fn say(&mut self, message: &str) -> Act {
        message.clone_into(&mut self.status.message);
        if let Some(step) = self.status.steps.last_mut().filter(|step| step.finished_at.is_none()) {
            message.clone_into(&mut step.message);
        }
        Act::Wait
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
