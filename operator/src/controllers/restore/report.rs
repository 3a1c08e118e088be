//! Says what became of a restore.

use crate::{
    controllers::{
        context::Context,
        events::{self, Note},
        status_patch,
    },
    crd::{
        ChatbotRestore, ChatbotRestoreStatus, RestoreEnd, RestorePhase,
        conditions::{self, Decision},
        reasons,
    },
    error::Error,
};

/// Writes the status where it changed, and tells each new phase.
///
/// # Errors
/// When the status cannot be written.
pub async fn report(
    ctx: &Context,
    restore: &ChatbotRestore,
    before: &ChatbotRestoreStatus,
    mut after: ChatbotRestoreStatus,
) -> Result<(), Error> {
    decide(restore, &mut after, ctx);
    if restore.status.as_ref() == Some(&after) {
        return Ok(());
    }
    status_patch::write(ctx, restore, restore.status.as_ref(), &after).await?;
    if before.phase != after.phase {
        let note = note(&after);
        if note.warning || note.reason != reasons::RESTORING {
            events::tell(ctx, restore, &restore.spec.environment_ref.name, &note);
        }
        events::publish(ctx, restore, note).await;
        count(ctx, &after);
    }
    Ok(())
}

fn count(ctx: &Context, after: &ChatbotRestoreStatus) {
    let outcome = match after.phase.end() {
        Some(RestoreEnd::Succeeded) => "succeeded",
        Some(RestoreEnd::Failed) => "failed",
        Some(RestoreEnd::Undone) => "undone",
        None => return,
    };
    // A way back counts from where it begins: what was restored may have served for hours.
    let back = after.steps.iter().rev().find(|step| step.name == RestorePhase::Undo);
    let began = back.filter(|_| outcome == "undone").or(after.steps.first());
    let Some(began) = began else { return };
    let seconds = u32::try_from(ctx.clock.now().as_second() - began.started_at.0.as_second()).unwrap_or(0);
    ctx.metrics.restore_ended(outcome, f64::from(seconds));
}

const fn reason(phase: RestorePhase) -> &'static str {
    match phase.end() {
        Some(RestoreEnd::Succeeded) => reasons::RESTORED,
        Some(RestoreEnd::Failed) => reasons::RESTORE_FAILED,
        Some(RestoreEnd::Undone) => reasons::RESTORE_UNDONE,
        None => reasons::RESTORING,
    }
}

fn decide(restore: &ChatbotRestore, after: &mut ChatbotRestoreStatus, ctx: &Context) {
    let (ready, also) = match after.phase.end() {
        Some(RestoreEnd::Succeeded) => (true, None),
        Some(RestoreEnd::Failed) => (false, Some(conditions::STALLED)),
        Some(RestoreEnd::Undone) => (false, None),
        None => (false, Some(conditions::RECONCILING)),
    };
    let message = if after.message.is_empty() { format!("it is in {}", after.phase) } else { after.message.clone() };
    conditions::tell(
        &mut after.conditions,
        Decision { type_: conditions::READY, status: Some(ready), reason: reason(after.phase), message },
        also,
        (restore.metadata.generation, ctx.clock.now()),
    );
}

fn note(after: &ChatbotRestoreStatus) -> Note {
    // A step that begins has nothing to say yet: what the one before it said is the news.
    let before = || after.steps.iter().rev().nth(1).map(|step| step.message.clone()).unwrap_or_default();
    let message = if after.message.is_empty() { before() } else { after.message.clone() };
    let words = if message.is_empty() { String::new() } else { format!(": {message}") };
    Note {
        warning: matches!(after.phase, RestorePhase::Failed | RestorePhase::Undo),
        reason: reason(after.phase).to_owned(),
        action: "Restore",
        message: format!("{}{words}", after.phase),
    }
}
