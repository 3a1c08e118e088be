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
    let alerts = alerts(resolved, &Environment::of(resolved)).into_iter().filter(|alert| alert.is_for(resolved));
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

const CRITICAL: &str = "critical";
const WARNING: &str = "warning";

impl Alert {
    /// One for every environment, whose backups tell what to do.
    fn new(
        name: &'static str,
        expression: String,
        lasting: impl Into<String>,
        severity: &'static str,
        summary: &'static str,
    ) -> Self {
        let (lasting, next) = (lasting.into(), "kubectl chatbot backups ENV");
        Self { name, expression, lasting, severity, summary, next, wanted: Wanted::Always }
    }

    fn next(self, next: &'static str) -> Self {
        Self { next, ..self }
    }

    fn wanted(self, wanted: Wanted) -> Self {
        Self { wanted, ..self }
    }

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

/// The labels of one environment, in the metrics of the operator.
struct Environment {
    labels: String,
}

impl Environment {
    fn of(resolved: &Resolved) -> Self {
        let (namespace, name) = (&resolved.identity.namespace, &resolved.identity.name);
        Self { labels: format!("namespace=\"{namespace}\",name=\"{name}\"") }
    }

    fn metric(&self, name: &str) -> String {
        format!("chatbot_{name}{{{}}}", self.labels)
    }

    fn phase(&self, phase: &str) -> String {
        format!("chatbot_release_phase{{{},phase=\"{phase}\"}}", self.labels)
    }

    fn age(&self, name: &str) -> String {
        format!("time() - {}", self.metric(name))
    }

    /// What is expected of an environment, and was never seen: a metric that is not there is older than any limit.
    fn never(&self, name: &str) -> String {
        format!("{} unless on (namespace, name) {}", self.metric("backup_rpo_seconds"), self.metric(name))
    }
}

fn alerts(resolved: &Resolved, environment: &Environment) -> Vec<Alert> {
    let rpo = resolved.backups.rpo.to_std().as_secs();
    let full = late(resolved.backups.full.as_deref());
    let drill = late(resolved.backups.drill.as_deref());
    let mut alerts = of_releases(environment);
    alerts.extend(of_backups(environment, rpo, full));
    alerts.extend(of_restores(environment, drill));
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

fn of_releases(environment: &Environment) -> Vec<Alert> {
    let ready = environment.metric("operator_environment_ready");
    let served = format!("{ready} == 0 unless on (namespace, name) {}", environment.phase("Suspended"));
    let doctor = "kubectl chatbot doctor ENV";
    vec![
        Alert::new("ChatbotNotReady", served, "15m", CRITICAL, "users are not served as the spec asks").next(doctor),
        Alert::new(
            "ChatbotReleaseHeld",
            format!("{} == 1", environment.phase("Held")),
            "1m",
            WARNING,
            "a release failed in its bake and waits for a person",
        )
        .next("kubectl chatbot status ENV"),
    ]
}

fn of_backups(environment: &Environment, rpo: u64, full: u64) -> Vec<Alert> {
    let (last, offsite) = ("backup_last_success_timestamp_seconds", "backup_offsite_timestamp_seconds");
    let verified = "backup_verified_timestamp_seconds";
    let (rpo_seconds, then) = (environment.metric("backup_rpo_seconds"), format!("{full}s"));
    let older = |metric| format!("{} > {full}", environment.age(metric));
    let not_offsite = "the second repository has had no new backup for longer than one full backup may be missed";
    let unverified = "the backup repository has not been found sound for longer than one full backup may be missed";
    vec![
        Alert::new(
            "ChatbotBackupTooOld",
            format!("{} > on (namespace, name) {rpo_seconds}", environment.age(last)),
            "1m",
            CRITICAL,
            "the newest good backup is older than backups.rpo: more would be lost than was promised",
        )
        .wanted(Wanted::WithBackups),
        Alert::new(
            "ChatbotBackupMissing",
            environment.never(last),
            format!("{}s", rpo + 3600),
            CRITICAL,
            "there is no good backup at all",
        )
        .wanted(Wanted::WithBackups),
        Alert::new("ChatbotBackupNotOffsite", older(offsite), "5m", WARNING, not_offsite).wanted(Wanted::WithOffsite),
        Alert::new("ChatbotBackupNeverOffsite", environment.never(offsite), then.clone(), WARNING, not_offsite)
            .wanted(Wanted::WithOffsite),
        Alert::new("ChatbotBackupUnverified", older(verified), "5m", WARNING, unverified).wanted(Wanted::WithFull),
        Alert::new("ChatbotBackupNeverVerified", environment.never(verified), then, WARNING, unverified)
            .wanted(Wanted::WithFull),
    ]
}

fn of_restores(environment: &Environment, drill: u64) -> Vec<Alert> {
    let drilled = "drill_last_success_timestamp_seconds";
    let failed = format!("{} == 0", environment.metric("drill_recoverable"));
    let older = format!("{} > {drill}", environment.age(drilled));
    let never = environment.never(drilled);
    let not_recoverable = "the last rehearsed restore failed, or took longer than backups.rto";
    let overdue = "no restore has come back in a rehearsal for longer than one rehearsal may be missed";
    let alerts = vec![
        Alert::new("ChatbotNotRecoverable", failed, "1m", CRITICAL, not_recoverable),
        Alert::new("ChatbotDrillOverdue", older, "5m", WARNING, overdue),
        Alert::new("ChatbotNeverDrilled", never, format!("{drill}s"), WARNING, overdue),
    ];
    alerts.into_iter().map(|alert| alert.wanted(Wanted::WithDrills)).collect()
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
