//! `kubectl chatbot promote`, `rollback`, `retry`, `pause`, `resume`: what a person wants of a release.
//!
//! Each sets an annotation, with the id of the release that is meant, so that a repository of manifests can do the same; the
//! spec stays as it is.

use std::time::Duration;

use clap::Args;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::{
    PluginError,
    diff::steps,
    history::ids_to_return_to,
    next_step::next_step,
    output::Output,
    status::{Colours, Standing},
    target::{Target, within},
};
use crate::{
    controllers::environment::{PAUSE, PROMOTE, RETRY, ROLLBACK, ROLLBACK_TO, resolve::policies},
    crd::{ChatbotEnvironment, OnRollback, Phase, Strategy, conditions, environment_status::ReleaseStatus, reasons},
};

const MANAGER: &str = "kubectl-chatbot";
/// How often, and how often at most, it is looked whether the operator has seen that an annotation is gone.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS: u16 = 30;
/// Options of all of them.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The environment; may be left out where the namespace has only one
    name: Option<String>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Options of `rollback`.
#[derive(Debug, Args)]
pub struct RollbackArguments {
    #[command(flatten)]
    common: Arguments,
    /// The earlier release to return to (see history); without it, the one before the release under way or the active one
    #[arg(long, value_name = "RELEASE")]
    to: Option<String>,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// The release that waits gets the traffic, or its bake ends.
    Promote,
    /// The release under way, or the active one, is taken back.
    Rollback,
    /// An earlier release is returned to.
    RollbackTo(String),
    /// The release that failed is tried again.
    Retry,
    /// The operator keeps its hands off.
    Pause,
    /// It goes on.
    Resume,
}

/// An annotation to set, or to take away.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    annotation: &'static str,
    value: Option<String>,
    /// What a person is told.
    told: String,
    /// What the operator does then.
    steps: String,
}

pub(super) async fn rollback(
    target: &Target,
    output: &Output,
    arguments: RollbackArguments,
) -> Result<(), PluginError> {
    let wish = arguments.to.map_or(Wish::Rollback, Wish::RollbackTo);
    run(target, output, &wish, arguments.common).await
}

pub(super) async fn run(
    target: &Target,
    output: &Output,
    wish: &Wish,
    arguments: Arguments,
) -> Result<(), PluginError> {
    let environment = target.environment(arguments.name.as_deref()).await?;
    let name = environment.name_any();
    let change = change(wish, &environment, standing(target, wish, &environment).await).map_err(PluginError::Wish)?;
    if let Some(why) = stands_still(wish, &environment) {
        return Err(PluginError::Wish(why));
    }
    if arguments.dry_run {
        output.line(&change.told)?;
        output.line(&format!("by the annotation {}={}", change.annotation, change.value.unwrap_or_default()))?;
        output.line(&change.steps)?;
        return Ok(());
    }
    if counts_no_more(&environment, &change) {
        annotate(target, &name, change.annotation, None).await?;
        until_forgotten(target, &name, change.annotation).await?;
    }
    annotate(target, &name, change.annotation, change.value.as_deref()).await?;
    output.line(&format!("{}; see kubectl chatbot status {name} -n {} --watch", change.told, target.namespace))?;
    Ok(())
}

/// How the servers of the release before are, where the wish is to go back to it.
async fn standing(target: &Target, wish: &Wish, environment: &ChatbotEnvironment) -> Standing {
    match release(environment).previous {
        Some(previous) if matches!(wish, Wish::Rollback | Wish::RollbackTo(_)) => {
            Colours::read(target, environment).await.standing(previous.colour)
        }
        Some(_) | None => Standing::Unknown,
    }
}

async fn annotate(target: &Target, name: &str, annotation: &str, value: Option<&str>) -> Result<(), PluginError> {
    let api: Api<ChatbotEnvironment> = target.api();
    let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({ "metadata": { "annotations": { annotation: value } } }));
    within(&format!("annotate ChatbotEnvironment {name}"), api.patch(name, &parameters, &patch)).await.map(drop)
}

/// A wish that counts once, and stands written from the last time.
fn counts_no_more(environment: &ChatbotEnvironment, change: &Change) -> bool {
    let counts_once = [RETRY, PROMOTE, ROLLBACK, ROLLBACK_TO].contains(&change.annotation);
    counts_once && environment.annotations().get(change.annotation) == change.value.as_ref()
}

/// # Errors
/// When the operator does not act: to write the annotation anew would do nothing, and look as if it did.
async fn until_forgotten(target: &Target, name: &str, annotation: &str) -> Result<(), PluginError> {
    for _ in 0..LOOKS {
        let release = release(&target.environment(Some(name)).await?);
        let remembered = match annotation {
            RETRY => release.retried,
            ROLLBACK => release.rolled_back,
            ROLLBACK_TO => release.returned,
            _ => release.promoted,
        };
        if remembered.is_none() {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(PluginError::Wish(unanswered(&target.environment(Some(name)).await?)))
}

fn unanswered(environment: &ChatbotEnvironment) -> String {
    let seconds = (LOOK * u32::from(LOOKS)).as_secs();
    let says = ready(environment).map_or_else(|| "nothing".to_owned(), words);
    format!(
        "the operator did not act on {} within {seconds} s, and says: {says}; run this again once that is mended",
        environment.name_any()
    )
}

/// Why the operator would not act on a wish for a release, and what to do first: it keeps its hands off, or lacks something.
fn stands_still(wish: &Wish, environment: &ChatbotEnvironment) -> Option<String> {
    if matches!(wish, Wish::Pause | Wish::Resume) {
        return None;
    }
    let reason = ready(environment).map(|ready| ready.reason.as_str()).unwrap_or_default();
    let is_paused = environment.annotations().get(PAUSE).is_some_and(|value| value == "true");
    let cause = match (is_paused, environment.spec.suspend) {
        (true, _) => reasons::PAUSED,
        (false, true) => reasons::SUSPENDED,
        (false, false) => reasons::BLOCKING.into_iter().find(|blocking| *blocking == reason)?,
    };
    let says = ready(environment).filter(|ready| ready.reason == cause).map_or_else(|| cause.to_owned(), words);
    let (name, namespace) = (environment.name_any(), environment.namespace().unwrap_or_default());
    let next = next_step(cause, &name, &namespace).map(|step| format!("; first: {step}")).unwrap_or_default();
    Some(format!("{name} stands still, so nothing would come of it: {says}{next}"))
}

fn ready(environment: &ChatbotEnvironment) -> Option<&Condition> {
    conditions::find(&environment.status.as_ref()?.conditions, conditions::READY)
}

fn words(condition: &Condition) -> String {
    format!("{}: {}", condition.reason, condition.message)
}

fn release(environment: &ChatbotEnvironment) -> ReleaseStatus {
    environment.status.as_ref().and_then(|status| status.release.clone()).unwrap_or_default()
}

/// The annotation for a wish, or why it makes no sense now, and what does. `before` is how the servers of the release before are.
fn change(wish: &Wish, environment: &ChatbotEnvironment, before: Standing) -> Result<Change, String> {
    let release = release(environment);
    let candidate = release.candidate.as_ref().map(|candidate| candidate.id.as_str());
    match wish {
        Wish::Promote => promote(release.phase, candidate, policies(environment).0.strategy),
        Wish::Rollback => take_back(&release, environment, before),
        Wish::RollbackTo(id) => return_to(id, &release, environment, before),
        Wish::Retry => match failed(environment) {
            Some(id) => Ok(set(RETRY, &id, format!("release {id} is tried again"), road(environment))),
            None => Err("the release that the spec asks for has not failed: nothing is to be tried again".to_owned()),
        },
        Wish::Pause => {
            let steps = "no release goes on, and no drift is undone, until kubectl chatbot resume".to_owned();
            Ok(set(PAUSE, "true", "the operator keeps its hands off".to_owned(), steps))
        }
        Wish::Resume => Ok(Change {
            annotation: PAUSE,
            value: None,
            told: "the operator goes on".to_owned(),
            steps: "what waits goes on".to_owned(),
        }),
    }
}

fn set(annotation: &'static str, value: &str, told: String, steps: String) -> Change {
    Change { annotation, value: Some(value.to_owned()), told, steps }
}

fn promote(phase: Phase, candidate: Option<&str>, strategy: Strategy) -> Result<Change, String> {
    let steps = if phase == Phase::Promote {
        "steps: Switch -> Bake -> Finish"
    } else {
        "steps: Finish; the release before is not kept ready any longer"
    };
    match candidate {
        Some(id) if matches!(phase, Phase::Promote | Phase::Bake | Phase::Held) => {
            Ok(set(PROMOTE, id, format!("release {id} is promoted"), steps.to_owned()))
        }
        Some(id) if strategy == Strategy::Rolling => {
            Err(format!("release {id} is Rolling, which waits for nobody: it goes on by itself"))
        }
        Some(id) => Err(format!("release {id} is in {phase}, and waits for nobody yet")),
        None => Err("no release waits: nothing is to be promoted".to_owned()),
    }
}

/// Before the switch a release is discarded, in its bake the one before takes over as soon as it can, and after that it is
/// released anew.
fn take_back(release: &ReleaseStatus, environment: &ChatbotEnvironment, before: Standing) -> Result<Change, String> {
    let phase = release.phase;
    match (&release.candidate, &release.id) {
        (Some(candidate), _) if is_past_undoing(release) => {
            Err(format!("release {} is in {phase}: wait until that has ended, and ask again", candidate.id))
        }
        (Some(candidate), _) => {
            let back = release.previous.as_ref().map(|previous| match before {
                Standing::Ready => format!("Rollback (release {} at once)", previous.id),
                Standing::Short { .. } | Standing::Unknown => {
                    format!("Rollback (release {}, once at least half of its servers are up)", previous.id)
                }
            });
            let keeps_schema = policies(environment).1.on_rollback == OnRollback::Never || phase == Phase::Backup;
            let discard = (!keeps_schema && release.id.is_some()).then(|| "Discard".to_owned());
            let road: Vec<String> = back.into_iter().chain(discard).collect();
            let steps = match road.as_slice() {
                [] => "it is dropped at once; nothing else was touched".to_owned(),
                road => format!("steps: {}", road.join(" -> ")),
            };
            let told = format!("release {} is taken back{}", candidate.id, waits_for(release, before));
            Ok(set(ROLLBACK, &candidate.id, told, steps))
        }
        (None, Some(active)) => {
            let before = *past(environment).first().ok_or(NO_EARLIER)?;
            let until = until(before, environment);
            let told = format!("release {active} is taken back: release {before} is released again{until}");
            Ok(set(ROLLBACK, active, told, road(environment)))
        }
        (None, None) => Err("nothing serves yet: nothing is to be taken back".to_owned()),
    }
}

/// Nobody is sent back to a release that cannot serve: the wish waits for it.
fn waits_for(release: &ReleaseStatus, before: Standing) -> String {
    match (&release.previous, before) {
        (None, _) | (Some(_), Standing::Ready) => String::new(),
        (Some(previous), Standing::Short { .. } | Standing::Unknown) => {
            format!(" as soon as release {} can have the traffic; now: {before}", previous.id)
        }
    }
}

/// What is tidied up or undone already, and what serves with nothing beside it to go back to.
fn is_past_undoing(release: &ReleaseStatus) -> bool {
    let ends = [Phase::Finish, Phase::Rollback, Phase::Discard].contains(&release.phase);
    let serves = [Phase::Switch, Phase::Bake, Phase::Held].contains(&release.phase);
    ends || (serves && release.previous.is_none())
}

/// What a person should know who leaves what the spec asks for.
const UNTIL: &str = ", and what the spec asks for is held back until the spec changes or kubectl chatbot retry";

/// The same, unless it is the spec's own release that a person comes back to.
fn until(id: &str, environment: &ChatbotEnvironment) -> &'static str {
    if failed(environment).as_deref() == Some(id) {
        ", as the spec asks for it: nothing is held back any more"
    } else {
        UNTIL
    }
}

const NO_EARLIER: &str = "no earlier release can be returned to (see kubectl chatbot history): write the image and settings \
     that you want into the spec";

fn return_to(
    id: &str,
    release: &ReleaseStatus,
    environment: &ChatbotEnvironment,
    before: Standing,
) -> Result<Change, String> {
    if release.candidate.is_none() && release.id.as_deref() == Some(id) {
        return Err(format!("release {id} serves already"));
    }
    let past = past(environment);
    let serves = release.id.as_deref() == Some(id);
    let stands = release.previous.as_ref().is_some_and(|previous| previous.id == id);
    if !past.contains(&id) && !serves && !stands {
        let known = if past.is_empty() { NO_EARLIER.to_owned() } else { format!("choose one of {}", past.join(", ")) };
        return Err(format!("release {id} cannot be returned to: {known}"));
    }
    let told = format!("release {id} is returned to{}{}", waits_for(release, before), until(id, environment));
    Ok(set(ROLLBACK_TO, id, told, road(environment)))
}

fn past(environment: &ChatbotEnvironment) -> Vec<&str> {
    environment.status.as_ref().map(ids_to_return_to).unwrap_or_default()
}

fn road(environment: &ChatbotEnvironment) -> String {
    let (policy, migrations) = policies(environment);
    steps(&policy, &migrations, false)
}

fn failed(environment: &ChatbotEnvironment) -> Option<String> {
    Some(environment.status.as_ref()?.failed_releases.first()?.id.clone())
}

#[cfg(test)]
mod tests;
