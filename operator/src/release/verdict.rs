//! What each phase makes of its facts. A phase looks only at its own, so it can be decided again at any time.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    facts::{Backup, Check, Facts, Job, PROVISIONING, Policy, Report, Rollout, Watch},
    layout::asks,
    state::{Phase, ReleaseState, Running},
};

/// What a person did who took a release back.
pub(super) const TAKEN_BACK: &str = "a person took it back";

/// Whether these are the words of a release that a person took back: it has not failed.
#[must_use]
pub fn is_by_a_person(message: &str) -> bool {
    message.starts_with(TAKEN_BACK)
}

/// How the message of a phase begins in which something is down that both releases need.
pub(super) const OUTAGE: &str = "inconclusive, an outage: ";

/// How long what waits for its first pod may keep the schema from its way back: a spec that mends a failure waits for it.
const DISCARD: Duration = Duration::from_mins(5);

/// A Job ends itself a minute after the time that migrations have, and the operator sees that a moment later.
const ENDS_ITSELF: Duration = Duration::from_mins(2);

/// What is said of migrations that are cut off before they had any last words.
const STILL_MIGRATING: &str = "timed out: its migrations had not ended: they take longer, or wait for a table that is in use (see \
     pg_stat_activity); raise migrations.timeout, or cut them smaller";

/// What waits at first in a phase that needs pods to be gone.
const DRAINING: &str = "its pods still drain";
const OTHERS_DRAINING: &str = "pods of the old release still drain";

/// What a phase makes of its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It waits for this.
    Wait(String),
    /// It is done; the next phase begins.
    Done(String),
    /// It is left undone; the next phase begins.
    Skipped(String),
    /// It cannot be done any more.
    Failed(String),
    /// A person takes the release back.
    TakenBack(String),
}

/// What a person wishes for the release under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    None,
    Promote,
    Rollback,
}

impl Wish {
    /// Where both stand written, the one that is safe counts. A wish that was fulfilled does not count again.
    pub(super) fn of(state: &ReleaseState, running: &Running, facts: &Facts) -> Self {
        let wishes = &facts.wishes;
        let names = |wish: &Option<String>| wish.as_ref() == Some(&running.placed.release.id);
        let leaves = names(&wishes.rollback) && state.rolled_back != wishes.rollback;
        if leaves || returns_elsewhere(state, running, facts) {
            Self::Rollback
        } else if names(&wishes.promote) && state.promoted != wishes.promote {
            Self::Promote
        } else {
            Self::None
        }
    }
}

/// Whether a person wants a past release, and not the one under way. An id that nobody knows is no wish.
fn returns_elsewhere(state: &ReleaseState, running: &Running, facts: &Facts) -> bool {
    let Some(to) = facts.wishes.rollback_to.as_ref().filter(|to| state.returned.as_ref() != Some(to)) else {
        return false;
    };
    let beside = [&state.active, &state.previous].into_iter().flatten().map(|placed| &placed.release);
    *to != running.placed.release.id && beside.chain(&facts.past).any(|release| release.id == *to)
}

pub(super) fn verdict(
    state: &ReleaseState,
    running: &Running,
    facts: &Facts,
    policy: &Policy,
    now: Timestamp,
) -> Verdict {
    let late = |since: Phase, limit: Duration| late(state, since, limit, now);
    let said = state.step().map(|step| step.message.as_str()).unwrap_or_default();
    let wish = Wish::of(state, running, facts);
    if wish == Wish::Rollback && can_be_taken_back(state, running.phase, facts) {
        return Verdict::TakenBack(TAKEN_BACK.to_owned());
    }
    if let Some(why) = &facts.cannot_start
        && needs_image_only(running.phase)
        && late(running.phase, policy.check_timeout.min(policy.migration_timeout))
    {
        return Verdict::Failed(format!("timed out: {why}"));
    }
    match running.phase {
        Phase::Backup if asks(&facts.backup) => question(&facts.backup, running, facts),
        Phase::Backup => backup(&facts.backup, policy.backup, said, late(Phase::Backup, policy.migration_timeout)),
        Phase::Migrate => migrate(&facts.expand, said, late(Phase::Migrate, policy.migration_timeout)),
        Phase::Start => start(&facts.app, late(Phase::Start, policy.check_timeout)),
        Phase::Check => check(&facts.app, &facts.check, late(Phase::Start, policy.check_timeout)),
        Phase::Promote => promote(&facts.app, &facts.check, wish),
        Phase::Switch => switch(facts, wish, way_back(state, facts), late(Phase::Switch, policy.check_timeout)),
        Phase::Bake => {
            let over = late(Phase::Bake, policy.bake);
            let over_for_long = late(Phase::Bake, policy.bake + policy.check_timeout);
            bake(facts, said, wish, way_back(state, facts), Lasts { over, over_for_long })
        }
        Phase::Held => held(state, wish, way_back(state, facts)),
        Phase::Finish => finish(facts, said, late(Phase::Finish, policy.migration_timeout)),
        Phase::Rollback => restored(&facts.active, late(Phase::Rollback, policy.check_timeout)),
        Phase::Discard => discard(facts, said, late(Phase::Discard, discard_limit(facts, policy))),
    }
}

/// Pods have the time that they may drain; a downgrade that is at work is never cut off.
fn discard_limit(facts: &Facts, policy: &Policy) -> Duration {
    let patience = DISCARD.min(policy.migration_timeout);
    match facts.downgrade {
        Job::Absent => policy.drain_timeout + patience,
        Job::Running { .. } => policy.drain_timeout + patience + policy.migration_timeout + ENDS_ITSELF,
        Job::Succeeded(_) | Job::Failed { .. } => patience,
    }
}

/// Whether the release before can take the users back.
#[derive(Clone, Copy)]
enum WayBack<'a> {
    /// At once.
    Ready,
    /// When this is over.
    Waits(&'a str),
    /// There is none.
    None,
}

fn way_back<'a>(state: &ReleaseState, facts: &'a Facts) -> WayBack<'a> {
    match &facts.previous {
        _ if state.previous.is_none() => WayBack::None,
        Rollout::Complete => WayBack::Ready,
        Rollout::Pending { message } => WayBack::Waits(message),
    }
}

fn goes_back_when_ready(why: &str, message: &str) -> Verdict {
    Verdict::Wait(format!("{why}: it goes back when the release before is ready for the users ({message})"))
}

/// Phases whose Jobs wait for nothing but their pod: that it cannot start is told as soon as that a server cannot.
fn needs_image_only(phase: Phase) -> bool {
    matches!(phase, Phase::Backup | Phase::Migrate)
}

/// Before it has the traffic a release is simply discarded; after that the one before must be ready to take it.
fn can_be_taken_back(state: &ReleaseState, phase: Phase, facts: &Facts) -> bool {
    phase.before_switch() || (can_return(state, facts) && (phase.is_watched() || phase == Phase::Held))
}

/// Whether the release before stands there, and is well enough to take the users back.
pub(super) fn can_return(state: &ReleaseState, facts: &Facts) -> bool {
    state.previous.is_some() && facts.previous == Rollout::Complete
}

/// How the message of a first step begins that waits for a person to say whether the database is meant to be empty.
pub const QUESTION: &str = "restore or start empty? ";

/// Nothing ends the wait but an answer.
fn question(job: &Job, running: &Running, facts: &Facts) -> Verdict {
    let said = if let Job::Succeeded(report) = job { report.message.as_str() } else { "" };
    if facts.wishes.start_empty.as_ref() == Some(&running.placed.release.id) {
        return Verdict::Skipped("a person lets it start empty".to_owned());
    }
    Verdict::Wait(format!("{QUESTION}{said}"))
}

fn backup(job: &Job, policy: Backup, said: &str, late: bool) -> Verdict {
    let without = |why: &str| match policy {
        Backup::Required => Verdict::Failed(format!("there is no release without a backup: {why}")),
        Backup::IfPossible | Backup::No => Verdict::Skipped(why.to_owned()),
    };
    match job {
        Job::Succeeded(report) if report.skipped => without(&report.message),
        // Another program than the chatbot may end well and have done nothing.
        Job::Succeeded(report) if report.message.is_empty() => {
            without("its Job said nothing of a backup: see spec.image")
        }
        Job::Succeeded(report) => Verdict::Done(report.message.clone()),
        Job::Failed { message, .. } if policy != Backup::Required => without(&format!("no backup was made: {message}")),
        Job::Absent | Job::Running { .. } | Job::Failed { .. } if late => {
            without(&format!("timed out: {}", job_message(job, said)))
        }
        Job::Absent | Job::Running { .. } | Job::Failed { .. } => Verdict::Wait(job_message(job, said).to_owned()),
    }
}

fn migrate(job: &Job, said: &str, late: bool) -> Verdict {
    match job {
        Job::Succeeded(Report { schema, .. }) => {
            Verdict::Done(schema.as_ref().map_or_else(String::new, |schema| format!("schema {schema}")))
        }
        Job::Running { .. } if late && job_message(job, said).is_empty() => Verdict::Failed(STILL_MIGRATING.to_owned()),
        Job::Absent | Job::Running { .. } | Job::Failed { .. } => wait_or_fail(job_message(job, said), late),
    }
}

fn start(app: &Rollout, late: bool) -> Verdict {
    match app {
        Rollout::Complete => Verdict::Done(String::new()),
        Rollout::Pending { message } => wait_or_fail(message, late),
    }
}

/// Asks the servers only while all of them are up: a passed check speaks for every pod that gets traffic.
fn check(app: &Rollout, check: &Check, late: bool) -> Verdict {
    match (app, check) {
        (Rollout::Complete, Check::Passed) => Verdict::Done(String::new()),
        (Rollout::Pending { message }, _) | (Rollout::Complete, Check::Failing { message }) => {
            wait_or_fail(message, late)
        }
        (Rollout::Complete, Check::Unknown) => wait_or_fail("asking the servers for their health", late),
    }
}

/// It waits as long as the person takes, and goes on only if it is well then.
fn promote(app: &Rollout, check: &Check, wish: Wish) -> Verdict {
    const WAITS: &str = "waits for the annotation chatbot.platform/promote with its release id";
    match (wish, self::check(app, check, false)) {
        (Wish::Promote, Verdict::Done(_)) => Verdict::Done("a person promoted it".to_owned()),
        (Wish::Promote, Verdict::Wait(message)) => Verdict::Wait(format!("promoted, but not well: {message}")),
        _ => Verdict::Wait(WAITS.to_owned()),
    }
}

/// The users are there already: where the release before stands ready, what is ill or does not come up goes back at once.
fn switch(facts: &Facts, wish: Wish, back: WayBack<'_>, late: bool) -> Verdict {
    let is_ready = matches!(back, WayBack::Ready);
    match (&facts.worker, &facts.watch) {
        (_, Watch::Ill { message }) if is_ready => Verdict::Failed(message.clone()),
        _ if let (Wish::Rollback, WayBack::Waits(why)) = (wish, back) => goes_back_when_ready(TAKEN_BACK, why),
        (Rollout::Complete, _) => Verdict::Done(String::new()),
        (Rollout::Pending { message }, Watch::Well { .. } | Watch::Unknown) if late && is_ready => {
            Verdict::Failed(format!("the workers do not come up: {message}"))
        }
        (Rollout::Pending { message }, _) if late => Verdict::Done(format!("the workers are late: {message}")),
        (Rollout::Pending { message }, _) => Verdict::Wait(message.clone()),
    }
}

/// While something speaks against the release it does not end well: the release before would be gone for good.
fn bake(facts: &Facts, said: &str, wish: Wish, back: WayBack<'_>, lasts: Lasts) -> Verdict {
    let trouble = trouble(facts, said, matches!((wish, back), (Wish::Rollback, WayBack::Waits(_))), lasts);
    match (wish, trouble, back) {
        (_, Trouble::Ill(message), WayBack::Ready) => Verdict::Failed(message),
        (Wish::Promote, _, WayBack::Waits(_) | WayBack::None)
        | (Wish::Promote, Trouble::Nothing(_) | Trouble::Short(_), WayBack::Ready) => {
            Verdict::Done("a person ended the bake".to_owned())
        }
        (_, Trouble::Ill(message), WayBack::Waits(why)) => goes_back_when_ready(&message, why),
        (_, Trouble::Nothing(message) | Trouble::Ill(message), _) if lasts.over => Verdict::Done(message),
        (_, Trouble::Nothing(message) | Trouble::Short(message) | Trouble::Ill(message), _) => Verdict::Wait(message),
    }
}

/// Whether something speaks against a release in its bake, and what is said of it.
enum Trouble {
    /// Nothing does.
    Nothing(String),
    /// Most of its servers are not up, which may last a moment.
    Short(String),
    /// It goes back, as soon as it can.
    Ill(String),
}

/// Whether a bake has lasted as long as it should.
#[derive(Clone, Copy)]
struct Lasts {
    over: bool,
    /// And as long again as servers may take to start.
    over_for_long: bool,
}

fn trouble(facts: &Facts, said: &str, is_taken_back: bool, lasts: Lasts) -> Trouble {
    let ended_just_now = said.starts_with(OUTAGE) && !lasts.over;
    match (&facts.watch, &facts.serving) {
        _ if is_taken_back => Trouble::Ill(TAKEN_BACK.to_owned()),
        // Nobody knows yet what fell into it.
        (Watch::Ill { .. }, _) if ended_just_now && facts.requests.is_none() => Trouble::Nothing(said.to_owned()),
        // What failed in an outage that has just ended is not the release's fault; the next look shows more.
        (Watch::Ill { .. }, _) if ended_just_now => Trouble::Nothing("what was down is up again".to_owned()),
        (Watch::Ill { message }, _) => Trouble::Ill(message.clone()),
        (Watch::Outage { message }, _) => Trouble::Nothing(format!("{OUTAGE}{message}, for the release before too")),
        (Watch::Well { .. } | Watch::Unknown, Rollout::Pending { message }) if lasts.over_for_long => {
            Trouble::Ill(format!("at the end of its bake {message}"))
        }
        (Watch::Well { .. } | Watch::Unknown, Rollout::Pending { message }) if lasts.over => {
            Trouble::Short(format!("{message}: it ends when most of them are"))
        }
        (Watch::Well { message }, _) => Trouble::Nothing(message.clone()),
        (Watch::Unknown, _) => Trouble::Nothing("inconclusive: no server could be asked".to_owned()),
    }
}

/// It failed, and serves all the same: onFailure is Hold.
fn held(state: &ReleaseState, wish: Wish, back: WayBack<'_>) -> Verdict {
    match (wish, back) {
        (Wish::Promote, _) => Verdict::Done("a person kept it".to_owned()),
        (Wish::Rollback, WayBack::Waits(why)) => goes_back_when_ready(TAKEN_BACK, why),
        (Wish::None | Wish::Rollback, _) => {
            Verdict::Wait(state.cause().map(|step| step.message.clone()).unwrap_or_default())
        }
    }
}

/// The release serves already: nothing that goes wrong here takes it back.
fn finish(facts: &Facts, said: &str, late: bool) -> Verdict {
    let waits_for = match (&facts.contract, facts.old_pods) {
        (Job::Succeeded(_), _) => return Verdict::Done(String::new()),
        (Job::Absent, 1..) => OTHERS_DRAINING,
        (job, _) => job_message(job, said),
    };
    done_when_late("contract migrations are left to the next release", waits_for, late)
}

/// Servers and workers of the release before; it has the traffic already.
fn restored(active: &Rollout, late: bool) -> Verdict {
    match active {
        Rollout::Complete => Verdict::Done(String::new()),
        Rollout::Pending { message } => done_when_late("not everything is up again", message, late),
    }
}

/// A schema that is wider than the release that serves needs harms nobody: it may stay.
fn discard(facts: &Facts, said: &str, late: bool) -> Verdict {
    let waits_for = match (&facts.downgrade, facts.own_pods) {
        (Job::Succeeded(report), _) => return Verdict::Done(report.message.clone()),
        (Job::Absent, 1..) => DRAINING,
        (job, _) if facts.expand == Job::Absent => job_message(job, said),
        _ => DRAINING,
    };
    done_when_late("the schema stays as it is", waits_for, late)
}

fn done_when_late(what: &str, waits_for: &str, late: bool) -> Verdict {
    match (late, waits_for) {
        (true, "") => Verdict::Done(what.to_owned()),
        (true, _) => Verdict::Done(format!("{what}: {waits_for}")),
        (false, _) => Verdict::Wait(waits_for.to_owned()),
    }
}

fn wait_or_fail(message: &str, late: bool) -> Verdict {
    if late {
        Verdict::Failed(format!("timed out{}{message}", if message.is_empty() { "" } else { ": " }))
    } else {
        Verdict::Wait(message.to_owned())
    }
}

/// The last words of an attempt stand until the next one has some of its own: a trouble that lasts must read the same all along.
fn job_message<'a>(job: &'a Job, said: &'a str) -> &'a str {
    match job {
        Job::Running { message } | Job::Failed { message, .. } if !message.is_empty() => message,
        _ if said.starts_with(PROVISIONING) || said == DRAINING || said == OTHERS_DRAINING => "",
        Job::Absent | Job::Running { .. } | Job::Failed { .. } | Job::Succeeded(_) => said,
    }
}

pub(super) fn late(state: &ReleaseState, since: Phase, limit: Duration, now: Timestamp) -> bool {
    let limit = i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
    state.spent_since(since, now).is_some_and(|spent| spent >= limit)
}
