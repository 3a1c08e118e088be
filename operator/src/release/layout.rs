//! What must run in a state. A Rolling release takes the active one's colour, and replaces its pods; a BlueGreen one takes the
//! other, and stands beside it until Finish. Workers are wanted in the active colour alone; those of the other one drain.

use jiff::Timestamp;

use super::{
    facts::{Facts, JOB_RETRY, Job},
    state::{Phase, Placed, ReleaseState, Running},
};
use crate::{
    crd::Colour,
    resources::{Slot, labels::Component, release_job::Task},
};

/// One Deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// App or worker.
    pub component: Component,
    /// Where it runs, and what.
    pub slot: Slot,
}

/// What is to be done about the Job of the phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobRun {
    /// It must exist, or have existed.
    Ensure(Task, Slot),
    /// It failed a while ago: it is removed, and made anew at the next look.
    Replace(Task, Slot),
}

/// Everything that must run, and where the Services point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Deployments.
    pub workloads: Vec<Workload>,
    /// Job of the phase.
    pub job: Option<JobRun>,
    /// The release whose task monitor runs; none before the first release is switched to.
    ///
    /// It goes with the workers, at Switch and not at Finish: their jobs are what it shows, retries and cancels, and the monitor of
    /// the release before does not know the new kinds. Until Switch nobody works as the candidate, so there is nothing to see.
    /// And it reads tables: when Finish removes what only the release before needed, no pod of that release may be left. A
    /// rollback takes it back at once, as it does the workers.
    pub monitor: Option<Slot>,
    /// Colour that gets traffic; none before the first release is switched to.
    pub traffic: Option<Colour>,
    /// Colour that the preview Service shows; none outside a release.
    pub preview: Option<Colour>,
}

/// What must run in `state`.
#[must_use]
pub fn layout(state: &ReleaseState, facts: &Facts, now: Timestamp) -> Layout {
    let active = state.active.as_ref();
    let candidate =
        state.running.as_ref().filter(|running| shows_candidate(running.phase)).map(|running| &running.placed);
    let workload = |component, placed: &Placed| Workload { component, slot: placed.slot() };
    // A candidate comes first: where it has the active release's colour, it is what that colour runs.
    // What is taken back answers on until the release before is whole again: the users were with it a moment ago.
    let left = state.running.as_ref().filter(|running| running.phase == Phase::Rollback).map(|running| &running.placed);
    let mut apps: Vec<&Placed> = [candidate, active, state.previous.as_ref(), left].into_iter().flatten().collect();
    apps.dedup_by_key(|placed| placed.colour);
    let apps = apps.into_iter().map(|placed| workload(Component::App, placed));
    let worker = active.map(|placed| workload(Component::Worker, placed));
    Layout {
        workloads: apps.chain(worker).collect(),
        job: state.running.as_ref().and_then(|running| job(running, facts, now)),
        monitor: active.map(Placed::slot),
        traffic: active.map(|active| active.colour),
        preview: candidate.map(|candidate| candidate.colour),
    }
}

/// From Switch on the candidate is the active release, or is undone.
fn shows_candidate(phase: Phase) -> bool {
    match phase {
        Phase::Start | Phase::Check | Phase::Promote => true,
        Phase::Backup
        | Phase::Migrate
        | Phase::Switch
        | Phase::Bake
        | Phase::Held
        | Phase::Finish
        | Phase::Rollback
        | Phase::Discard => false,
    }
}

fn job(running: &Running, facts: &Facts, now: Timestamp) -> Option<JobRun> {
    let (task, job) = match running.phase {
        Phase::Backup => (Task::Backup, &facts.backup),
        Phase::Migrate => (Task::Expand, &facts.expand),
        Phase::Finish if facts.old_pods == 0 || facts.contract != Job::Absent => (Task::Contract, &facts.contract),
        Phase::Discard if facts.downgrade != Job::Absent || is_gone(facts) => (Task::Downgrade, &facts.downgrade),
        Phase::Finish
        | Phase::Discard
        | Phase::Start
        | Phase::Check
        | Phase::Promote
        | Phase::Switch
        | Phase::Bake
        | Phase::Held
        | Phase::Rollback => return None,
    };
    let slot = running.placed.slot();
    let is_answered = running.phase == Phase::Backup && facts.restored && asks(job);
    Some(if failed_long_ago(job, now) || is_answered {
        JobRun::Replace(task, slot)
    } else {
        JobRun::Ensure(task, slot)
    })
}

/// Whether a Job ended with a question.
pub(super) const fn asks(job: &Job) -> bool {
    matches!(job, Job::Succeeded(report) if report.question)
}

/// Whether nothing of the release runs any more, its migration included: nobody uses what is to be taken back.
fn is_gone(facts: &Facts) -> bool {
    facts.own_pods == 0 && facts.expand == Job::Absent
}

/// Whether a failed Job has rested long enough to be tried again.
#[must_use]
pub fn failed_long_ago(job: &Job, now: Timestamp) -> bool {
    let pause = i64::try_from(JOB_RETRY.as_secs()).unwrap_or(i64::MAX);
    match job {
        Job::Failed { at, .. } => now.as_second().saturating_sub(at.as_second()) >= pause,
        Job::Absent | Job::Running { .. } | Job::Succeeded(_) => false,
    }
}
