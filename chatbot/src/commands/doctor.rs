//! `chatbot doctor`: configuration, every service, clock and disk; each with what to do when it is wrong.

use std::{io::Write, process::ExitCode};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sqlx::PgPool;

use super::{CommandError, output, process};
use crate::{app::App, config::Config, health::Report, store::users};

/// Clocks further apart than this make expiries and schedules wrong.
const LARGEST_SKEW: SignedDuration = SignedDuration::from_secs(5);

const NO_ADMIN: &str = "nobody is an admin yet: make the first with `chatbot user create NAME --role admin --password-stdin`, or `chatbot user role NAME admin`";

/// What one check found.
#[derive(Debug, PartialEq, Serialize)]
struct Finding {
    name: String,
    outcome: Outcome,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    Warning,
    Error,
}

impl Finding {
    fn new(name: &str, outcome: Outcome, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), outcome, message: message.into() }
    }
}

pub(super) fn run(env: impl Fn(&str) -> Option<String>, json: bool) -> Result<ExitCode, CommandError> {
    let config = Config::from_env(env)?;
    let findings = process::runtime(1)?.block_on(async {
        let app = App::new(config, "chatbot-doctor")?;
        Ok::<_, CommandError>(examine(&app).await)
    })?;
    if json {
        output::line(&output::json(&findings));
    } else {
        for finding in &findings {
            output::line(&row(finding));
        }
    }
    let failed = findings.iter().any(|finding| finding.outcome == Outcome::Error);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn examine(app: &App) -> Vec<Finding> {
    let report = app.health().await;
    let mut findings = vec![configuration(&app.config.unused())];
    findings.extend(services(&report));
    findings.push(schema(&report));
    if report.services.iter().any(|service| service.name == "postgresql" && service.healthy) {
        findings.push(clock(&app.db, app.clock.now()).await);
        findings.push(admin(&app.db).await);
    }
    findings.push(disk());
    findings
}

fn configuration(unused: &[&str]) -> Finding {
    if unused.is_empty() {
        return Finding::new("configuration", Outcome::Ok, "every variable is understood");
    }
    let message = format!("every variable is understood; without effect in this version: {}", unused.join(", "));
    Finding::new("configuration", Outcome::Warning, message)
}

fn services(report: &Report) -> Vec<Finding> {
    let outcome = |healthy, required| match (healthy, required) {
        (true, _) => Outcome::Ok,
        (false, true) => Outcome::Error,
        (false, false) => Outcome::Warning,
    };
    let finding = |service: &crate::health::Service| {
        Finding::new(
            service.name,
            outcome(service.healthy, service.required),
            service.detail.as_ref().unwrap_or(&service.message),
        )
    };
    report.services.iter().map(finding).collect()
}

fn schema(report: &Report) -> Finding {
    let outcome = if report.schema.compatible { Outcome::Ok } else { Outcome::Error };
    Finding::new("schema", outcome, report.schema_message.clone())
}

async fn clock(db: &PgPool, now: Timestamp) -> Finding {
    let theirs: Result<jiff_sqlx::Timestamp, _> = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(db).await;
    match theirs {
        Ok(theirs) => judge_skew(now.duration_since(theirs.to_jiff())),
        Err(error) => Finding::new("clock", Outcome::Warning, format!("the database's time cannot be read: {error}")),
    }
}

/// An environment without one works by keys, and nobody can look after its people but from here.
async fn admin(db: &PgPool) -> Finding {
    match users::any_admin(db).await {
        Ok(true) => Finding::new("admin", Outcome::Ok, "somebody is an admin"),
        Ok(false) => Finding::new("admin", Outcome::Warning, NO_ADMIN),
        Err(error) => Finding::new("admin", Outcome::Warning, format!("whether there is one cannot be told: {error}")),
    }
}

fn judge_skew(skew: SignedDuration) -> Finding {
    let seconds = skew.as_secs_f64();
    if skew.abs() <= LARGEST_SKEW {
        return Finding::new("clock", Outcome::Ok, format!("{seconds:+.1} s from the database's"));
    }
    Finding::new(
        "clock",
        Outcome::Warning,
        format!("{seconds:+.1} s from the database's: synchronise this machine's clock"),
    )
}

/// Uploads and model files pass through the temporary folder.
fn disk() -> Finding {
    let folder = std::env::temp_dir();
    let path = folder.join(format!("chatbot-doctor-{}", uuid::Uuid::new_v4()));
    let written = std::fs::File::create_new(&path).and_then(|mut file| file.write_all(&vec![0; 1 << 20]));
    let removed = std::fs::remove_file(&path);
    match written.and(removed) {
        Ok(()) => Finding::new("disk", Outcome::Ok, format!("{} can be written", folder.display())),
        Err(error) => {
            let message =
                format!("{} cannot be written ({error}): mount an emptyDir there, or free space", folder.display());
            Finding::new("disk", Outcome::Error, message)
        }
    }
}

fn row(finding: &Finding) -> String {
    let mark = match finding.outcome {
        Outcome::Ok => "ok     ",
        Outcome::Warning => "warning",
        Outcome::Error => "error  ",
    };
    format!("{mark}  {:<14}  {}", finding.name, finding.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_and_has_no_effect_is_named() {
        assert_eq!(configuration(&[]).outcome, Outcome::Ok);
        let finding = configuration(&["SMTP_HOST", "LANGFUSE_PUBLIC_KEY"]);
        assert_eq!(finding.outcome, Outcome::Warning);
        assert!(finding.message.ends_with("without effect in this version: SMTP_HOST, LANGFUSE_PUBLIC_KEY"));
    }

    #[test]
    fn a_clock_that_is_off_is_told_with_direction_and_next_step() {
        assert_eq!(judge_skew(SignedDuration::from_millis(-400)).outcome, Outcome::Ok);
        let finding = judge_skew(SignedDuration::from_secs(-90));
        assert_eq!(finding.outcome, Outcome::Warning);
        assert_eq!(finding.message, "-90.0 s from the database's: synchronise this machine's clock");
    }
}
