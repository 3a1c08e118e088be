//! The screen of `status`, as text.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use super::colours::Colours;
use crate::{
    crd::{
        ChatbotEnvironment, ChatbotEnvironmentStatus, conditions,
        environment_status::{BackupsStatus, Candidate, Outcome, ReleaseStatus, ServiceStatus, Step},
    },
    plugin::{
        next_step::{next_step, of_monitor},
        output::Palette,
    },
};

/// Everything that a person asks first.
pub(super) fn screen(environment: &ChatbotEnvironment, colours: &Colours, now: Timestamp, palette: Palette) -> String {
    let mut lines = vec![title(environment, palette)];
    match &environment.status {
        None => lines.push("  The operator has not seen it yet: see kubectl chatbot doctor".to_owned()),
        Some(status) => lines.extend(body(environment, status, colours, now, palette)),
    }
    lines.push(String::new());
    lines.join("\n")
}

fn title(environment: &ChatbotEnvironment, palette: Palette) -> String {
    let namespace = environment.namespace().unwrap_or_default();
    let name = palette.strong(&environment.name_any());
    format!("{name}  tier {}, namespace {namespace}", environment.spec.tier)
}

fn body(
    environment: &ChatbotEnvironment,
    status: &ChatbotEnvironmentStatus,
    colours: &Colours,
    now: Timestamp,
    palette: Palette,
) -> Vec<String> {
    let mut lines = vec![headline(status, palette)];
    if environment.metadata.generation > status.observed_generation {
        lines.push(row("", &palette.mind("the operator has not seen the newest change of the spec yet")));
    }
    lines.extend(status.url.as_ref().map(|url| row("URL", url)));
    if let Some(release) = &status.release {
        let of_colours = colours.lines(release, palette);
        lines.extend(release_lines(release, colours, now, palette));
        lines.extend(labelled("Colours", of_colours));
    }
    lines.extend(colours.monitor().map(|pods| row("Monitor", &pods)));
    lines.extend(status.services.iter().enumerate().map(|(index, service)| service_line(index, service, palette)));
    lines.extend(status.backups.as_ref().map(|backups| row("Backups", &backups_text(backups, now))));
    lines.extend(condition_lines(environment, status, palette));
    lines
}

fn row(label: &str, text: &str) -> String {
    format!("  {label:<11}{text}").trim_end().to_owned()
}

/// Lines of which the first bears the label.
fn labelled(label: &'static str, lines: Vec<String>) -> impl Iterator<Item = String> {
    lines.into_iter().enumerate().map(move |(index, line)| row(if index == 0 { label } else { "" }, &line))
}

fn headline(status: &ChatbotEnvironmentStatus, palette: Palette) -> String {
    let replicas = status.replicas.map(|count| format!("  ({count} app pods)")).unwrap_or_default();
    let answer = match conditions::find(&status.conditions, conditions::READY) {
        Some(ready) if ready.status == "True" => palette.good("yes"),
        Some(_) if status.replicas.is_some_and(|count| count > 0) => {
            let serving = status.release.as_ref().and_then(|release| release.id.as_deref()).unwrap_or_default();
            format!("{}, but users are served by release {serving}", palette.bad("no"))
        }
        Some(_) => palette.bad("no"),
        None => palette.mind("not known yet"),
    };
    row("Ready", &format!("{answer}{replicas}"))
}

fn release_lines(release: &ReleaseStatus, colours: &Colours, now: Timestamp, palette: Palette) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Some(id), Some(image)) = (&release.id, &release.image) {
        let colour = release.active.map(|colour| format!("  {}", colour.as_str())).unwrap_or_default();
        let schema = release.schema.as_ref().map(|schema| format!("  schema {schema}")).unwrap_or_default();
        lines.push(row("Release", &format!("{id}{colour}  {image}{schema}")));
    }
    // From Switch on it is the release itself.
    if let Some(candidate) = release.candidate.as_ref().filter(|it| Some(&it.id) != release.id.as_ref()) {
        let text = format!("{}  {}  {}", candidate.id, candidate.colour.as_str(), candidate.image);
        lines.push(row("Candidate", &text));
    }
    if let Some(previous) = &release.previous {
        let Candidate { id, colour, image, schema: _ } = previous;
        let standing = colours.standing(*colour);
        lines.push(row("Before", &format!("{id}  {}  {image}  {standing}", colour.as_str())));
    }
    lines.push(row("Phase", &phase_text(release, now)));
    lines.extend(release.steps.iter().map(|step| row("", &step_text(step, now, palette))));
    lines
}

fn phase_text(release: &ReleaseStatus, now: Timestamp) -> String {
    let since = release.started_at.as_ref().filter(|_| release.candidate.is_some());
    let since = since.map(|started| format!(", the release began {} ago", length(started.0, now))).unwrap_or_default();
    let left = release.bake_until.as_ref().filter(|until| until.0 > now);
    let left = left.map(|until| format!(", {} left", length(now, until.0))).unwrap_or_default();
    format!("{}{since}{left}", release.phase)
}

fn step_text(step: &Step, now: Timestamp, palette: Palette) -> String {
    let end = step.finished_at.as_ref().map_or(now, |time| time.0);
    let word = match step.outcome {
        Outcome::Running => palette.mind("running    "),
        Outcome::Succeeded => palette.good("done       "),
        Outcome::Skipped => palette.faint("skipped    "),
        Outcome::Failed => palette.bad("failed     "),
        Outcome::RolledBack => palette.bad("rolled back"),
        Outcome::Superseded => palette.faint("superseded "),
    };
    format!("{word}  {:<9}  {:>7}  {}", step.name.as_str(), length(step.started_at.0, end), step.message)
}

fn service_line(index: usize, service: &ServiceStatus, palette: Palette) -> String {
    let word = if service.healthy { palette.good("healthy") } else { palette.bad("down   ") };
    let label = if index == 0 { "Services" } else { "" };
    row(label, &format!("{word}  {:<10}  {}", service.name, service.message))
}

fn backups_text(backups: &BackupsStatus, now: Timestamp) -> String {
    let last = backups.last.as_ref().map_or("none yet".to_owned(), |time| format!("last {} ago", length(time.0, now)));
    let next = backups.next.as_ref().map(|time| format!(", next in {}", length(now, time.0))).unwrap_or_default();
    let drill = backups.last_drill.as_ref().map(|drill| {
        format!(", last restore rehearsed {} ago in {} s", length(drill.at.0, now), drill.restore_seconds)
    });
    format!("{last}{next}{}", drill.unwrap_or_default())
}

fn condition_lines(
    environment: &ChatbotEnvironment,
    status: &ChatbotEnvironmentStatus,
    palette: Palette,
) -> Vec<String> {
    let (name, namespace) = (environment.name_any(), environment.namespace().unwrap_or_default());
    let mut lines = Vec::new();
    for (index, condition) in status.conditions.iter().enumerate() {
        let label = if index == 0 { "Conditions" } else { "" };
        lines.push(row(label, &condition_text(condition, palette)));
        let next_step = if condition.type_ == conditions::MONITOR_HEALTHY { of_monitor } else { next_step };
        let step = is_bad(condition).then(|| next_step(&condition.reason, &name, &namespace)).flatten();
        lines.extend(step.map(|step| row("", &format!("  next: {step}"))));
    }
    lines
}

fn condition_text(condition: &Condition, palette: Palette) -> String {
    let name = format!("{:<15}", condition.type_);
    let is_news = condition.status == "Unknown" || condition.type_ == conditions::RECONCILING;
    let name = match (is_bad(condition), is_news) {
        (true, true) => palette.mind(&name),
        (true, false) => palette.bad(&name),
        (false, _) => palette.good(&name),
    };
    format!("{name}  {:<7}  {}: {}", condition.status, condition.reason, condition.message)
}

/// Reconciling and Stalled are news while they are true, all others while they are not.
fn is_bad(condition: &Condition) -> bool {
    let bad_when_true = [conditions::RECONCILING, conditions::STALLED].contains(&condition.type_.as_str());
    (condition.status == "True") == bad_when_true
}

/// A length of time in its two largest units.
pub(in crate::plugin) fn length(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.as_second().saturating_sub(from.as_second()).max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}
