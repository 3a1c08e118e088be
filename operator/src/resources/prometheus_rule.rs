//! When a person has to be called: alerts on what the operator measures of one environment.
//!
//! Backups are judged by the age of the newest good one, and restores by the last rehearsal; failures are not counted, since one
//! that is made good within its time harms nobody.

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
    let alerts = alerts(&of_it).into_iter().filter(|alert| alert.is_for(resolved));
    let rules: Vec<Value> = alerts.map(|alert| alert.rule(name, namespace)).collect();
    json!({ "name": format!("chatbot-{namespace}-{name}"), "rules": rules })
}

/// Which environments an alert is for.
enum Wanted {
    Always,
    WithBackups,
    WithOffsite,
    WithDrills,
}

struct Alert {
    name: &'static str,
    expression: String,
    lasting: &'static str,
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
            Wanted::WithOffsite => resolved.backups.are_scheduled() && resolved.backups.offsite.is_some(),
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

fn alerts(of_it: &str) -> Vec<Alert> {
    [of_releases(of_it), of_backups(of_it), of_restores(of_it)].into_iter().flatten().collect()
}

fn age(metric: &str, of_it: &str) -> String {
    format!("time() - chatbot_{metric}{of_it}")
}

fn of_releases(of_it: &str) -> Vec<Alert> {
    vec![
        Alert {
            name: "ChatbotNotReady",
            expression: format!("chatbot_operator_environment_ready{of_it} == 0"),
            lasting: "15m",
            severity: "critical",
            summary: "users are not served as the spec asks",
            next: "kubectl chatbot doctor ENV",
            wanted: Wanted::Always,
        },
        Alert {
            name: "ChatbotReleaseHeld",
            expression: format!("chatbot_release_phase{{phase=\"Held\",{} == 1", &of_it[1..]),
            lasting: "1m",
            severity: "warning",
            summary: "a release failed in its bake and waits for a person",
            next: "kubectl chatbot status ENV",
            wanted: Wanted::Always,
        },
    ]
}

fn of_backups(of_it: &str) -> Vec<Alert> {
    vec![
        Alert {
            name: "ChatbotBackupTooOld",
            expression: format!(
                "{} > on (namespace, name) chatbot_backup_rpo_seconds{of_it}",
                age("backup_last_success_timestamp_seconds", of_it)
            ),
            lasting: "1m",
            severity: "critical",
            summary: "the newest good backup is older than backups.rpo: more would be lost than was promised",
            next: "kubectl chatbot backups ENV",
            wanted: Wanted::WithBackups,
        },
        Alert {
            name: "ChatbotBackupMissing",
            expression: format!(
                "chatbot_backup_rpo_seconds{of_it} unless on (namespace, name) chatbot_backup_last_success_timestamp_seconds{of_it}"
            ),
            lasting: "2h",
            severity: "critical",
            summary: "there is no good backup at all",
            next: "kubectl chatbot backups ENV",
            wanted: Wanted::WithBackups,
        },
    ]
}

fn of_restores(of_it: &str) -> Vec<Alert> {
    vec![
        Alert {
            name: "ChatbotBackupNotOffsite",
            expression: format!("{} > 129600", age("backup_offsite_timestamp_seconds", of_it)),
            lasting: "5m",
            severity: "warning",
            summary: "the second repository has had no new backup for a day and a half",
            next: "kubectl chatbot backups ENV",
            wanted: Wanted::WithOffsite,
        },
        Alert {
            name: "ChatbotBackupUnverified",
            expression: format!("{} > 259200", age("backup_verified_timestamp_seconds", of_it)),
            lasting: "5m",
            severity: "warning",
            summary: "the backup repository has not been found sound for three days",
            next: "kubectl chatbot backups ENV",
            wanted: Wanted::WithBackups,
        },
        Alert {
            name: "ChatbotNotRecoverable",
            expression: format!("chatbot_drill_recoverable{of_it} == 0"),
            lasting: "1m",
            severity: "critical",
            summary: "the last rehearsed restore failed, or took longer than backups.rto",
            next: "kubectl chatbot backups ENV",
            wanted: Wanted::WithDrills,
        },
    ]
}
