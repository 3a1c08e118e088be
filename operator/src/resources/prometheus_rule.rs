//! When a person has to be called: alerts on what the operator measures of one environment.
//!
//! Backups are judged by the age of the newest good one, and restores by the last rehearsal; failures are not counted, since one
//! that is made good within its time harms nobody.

use std::str::FromStr;

use croner::Cron;
use jiff::{Timestamp, Zoned, tz::TimeZone};
use kube::api::{ApiResource, DynamicObject};
use serde_json::{Value, json};

use super::{monitor, names};
use crate::controllers::environment::resolve::Resolved;

/// Kind and plural for a dynamic client.
#[must_use]
pub fn resource() -> ApiResource {
    monitor::resource("PrometheusRule", "prometheusrules")
}

/// Nothing where the level is not Full or the kind is unknown to the cluster.
#[must_use]
pub fn build(resolved: &Resolved) -> Option<DynamicObject> {
    resolved.monitoring.prometheus_rule.then(|| {
        let name = names::environment(&resolved.identity.name);
        monitor::object(resolved, &resource(), name, &json!({ "groups": [group(resolved)] }))
    })
}

/// The alerts of an environment, as a Prometheus reads them.
#[must_use]
pub fn group(resolved: &Resolved) -> Value {
    let (namespace, name) = (&resolved.identity.namespace, &resolved.identity.name);
    let of_it = format!("{{namespace=\"{namespace}\",name=\"{name}\"}}");
    let alerts = alerts(resolved, &of_it).into_iter().filter(|alert| alert.is_for(resolved));
    let rules: Vec<Value> = alerts.map(|alert| alert.rule(name, namespace)).collect();
    json!({ "name": format!("chatbot-{namespace}-{name}"), "rules": rules })
}

/// Which environments an alert is for.
enum Wanted {
    Always,
    WithBackups,
    WithFull,
    WithOffsite,
    WithDrills,
}

struct Alert {
    name: &'static str,
    expression: String,
    lasting: String,
    severity: &'static str,
    summary: &'static str,
    /// The runbook, or command, that says what to do.
    next: &'static str,
    wanted: Wanted,
}

impl Alert {
    fn is_for(&self, resolved: &Resolved) -> bool {
        match self.wanted {
            Wanted::Always => true,
            Wanted::WithBackups => resolved.backups.are_scheduled(),
            Wanted::WithFull => resolved.backups.are_scheduled() && resolved.backups.full.is_some(),
            Wanted::WithOffsite => {
                let backups = &resolved.backups;
                backups.are_scheduled() && backups.full.is_some() && backups.offsite.is_some()
            }
            Wanted::WithDrills => !resolved.backups.suspend && resolved.backups.drill.is_some(),
        }
    }

    fn rule(&self, name: &str, namespace: &str) -> Value {
        let next = self.next.replace("ENV", &format!("{name} -n {namespace}"));
        json!({
            "alert": self.name, "expr": self.expression, "for": self.lasting, "labels": { "severity": self.severity },
            "annotations": {
                "summary": format!("{name} in {namespace}: {}", self.summary),
                "description": format!("See {next}"),
            },
        })
    }
}

fn alerts(resolved: &Resolved, of_it: &str) -> Vec<Alert> {
    let rpo = resolved.backups.rpo.to_std().as_secs();
    let full = late(resolved.backups.full.as_deref());
    let drill = late(resolved.backups.drill.as_deref());
    let mut alerts = of_releases(of_it);
    alerts.extend(of_backups(of_it, rpo, full));
    alerts.extend(of_restores(of_it, drill));
    alerts
}

/// After so many seconds a run of this schedule is missing: one and a half times its longest pause of the next ones.
fn late(schedule: Option<&str>) -> u64 {
    const LOOKS: usize = 10;
    const DAY: i64 = 24 * 3600;
    let start = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    let cron = schedule.and_then(|schedule| Cron::from_str(schedule).ok());
    let next = |time: &Zoned| cron.as_ref()?.find_next_occurrence(time, false).ok();
    let times: Vec<i64> =
        std::iter::successors(next(&start), next).take(LOOKS).map(|it| it.timestamp().as_second()).collect();
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(DAY);
    u64::try_from(longest).unwrap_or_default() * 3 / 2
}

/// What is expected of an environment, and was never seen: a metric that is not there is older than any limit.
fn never(metric: &str, of_it: &str) -> String {
    format!("chatbot_backup_rpo_seconds{of_it} unless on (namespace, name) chatbot_{metric}{of_it}")
}

fn age(metric: &str, of_it: &str) -> String {
    format!("time() - chatbot_{metric}{of_it}")
}

fn of_releases(of_it: &str) -> Vec<Alert> {
    vec![
        Alert {
            name: "ChatbotNotReady",
            expression: format!(
                "chatbot_operator_environment_ready{of_it} == 0 unless on (namespace, name) chatbot_release_phase{{phase=\"Suspended\",{}",
                &of_it[1..]
            ),
            lasting: "15m".to_owned(),
            severity: "critical",
            summary: "users are not served as the spec asks",
            next: "kubectl chatbot doctor ENV",
            wanted: Wanted::Always,
        },
        Alert {
            name: "ChatbotReleaseHeld",
            expression: format!("chatbot_release_phase{{phase=\"Held\",{} == 1", &of_it[1..]),
            lasting: "1m".to_owned(),
            severity: "warning",
            summary: "a release failed in its bake and waits for a person",
            next: "kubectl chatbot status ENV",
            wanted: Wanted::Always,
        },
    ]
}

fn of_backups(of_it: &str, rpo: u64, full: u64) -> Vec<Alert> {
    let backups = |name, expression, lasting, severity, summary, wanted| Alert {
        name,
        expression,
        lasting,
        severity,
        summary,
        next: "kubectl chatbot backups ENV",
        wanted,
    };
    let (last, offsite) = ("backup_last_success_timestamp_seconds", "backup_offsite_timestamp_seconds");
    let verified = "backup_verified_timestamp_seconds";
    let older = |metric| format!("{} > {full}", age(metric, of_it));
    let soon = || "5m".to_owned();
    let then = || format!("{full}s");
    let not_offsite = "the second repository has had no new backup for longer than one full backup may be missed";
    let unverified = "the backup repository has not been found sound for longer than one full backup may be missed";
    vec![
        backups(
            "ChatbotBackupTooOld",
            format!("{} > on (namespace, name) chatbot_backup_rpo_seconds{of_it}", age(last, of_it)),
            "1m".to_owned(),
            "critical",
            "the newest good backup is older than backups.rpo: more would be lost than was promised",
            Wanted::WithBackups,
        ),
        backups(
            "ChatbotBackupMissing",
            never(last, of_it),
            format!("{}s", rpo + 3600),
            "critical",
            "there is no good backup at all",
            Wanted::WithBackups,
        ),
        backups("ChatbotBackupNotOffsite", older(offsite), soon(), "warning", not_offsite, Wanted::WithOffsite),
        backups(
            "ChatbotBackupNeverOffsite",
            never(offsite, of_it),
            then(),
            "warning",
            not_offsite,
            Wanted::WithOffsite,
        ),
        backups("ChatbotBackupUnverified", older(verified), soon(), "warning", unverified, Wanted::WithFull),
        backups("ChatbotBackupNeverVerified", never(verified, of_it), then(), "warning", unverified, Wanted::WithFull),
    ]
}

fn of_restores(of_it: &str, drill: u64) -> Vec<Alert> {
    let drills = |name, expression, lasting, severity, summary| Alert {
        name,
        expression,
        lasting,
        severity,
        summary,
        next: "kubectl chatbot backups ENV",
        wanted: Wanted::WithDrills,
    };
    let drilled = "drill_last_success_timestamp_seconds";
    let overdue = "no restore has come back in a rehearsal for longer than one rehearsal may be missed";
    vec![
        drills(
            "ChatbotNotRecoverable",
            format!("chatbot_drill_recoverable{of_it} == 0"),
            "1m".to_owned(),
            "critical",
            "the last rehearsed restore failed, or took longer than backups.rto",
        ),
        drills(
            "ChatbotDrillOverdue",
            format!("{} > {drill}", age(drilled, of_it)),
            "5m".to_owned(),
            "warning",
            overdue,
        ),
        drills("ChatbotNeverDrilled", never(drilled, of_it), format!("{drill}s"), "warning", overdue),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_late_after_one_and_a_half_pauses_of_its_schedule() {
        let (hour, day) = (3600, 24 * 3600);
        for (schedule, expected) in [
            ("*/30 * * * *", hour / 2 * 3 / 2),
            ("0 2 * * *", day * 3 / 2),
            ("0 4 * * 0", 7 * day * 3 / 2),
            ("@daily", day * 3 / 2),
            ("0 2 * * 1-5", 3 * day * 3 / 2),
        ] {
            assert_eq!(late(Some(schedule)), expected, "{schedule}");
        }
    }
}
