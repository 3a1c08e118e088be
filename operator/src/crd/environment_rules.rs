//! The CEL rules of a ChatbotEnvironment that need more than one field, or a pattern with an explanation.
//!
//! The API server evaluates them; there is no webhook. Lengths are bounded in the schema so that their estimated cost
//! stays inside the API server's budget.

use kube::core::{Reason, Rule};

use super::image;

fn rule(expression: impl Into<String>, message: &str) -> Rule {
    Rule::new(expression).message(message)
}

/// A rule that names the field it blames, relative to the spec.
fn blaming(field: &str, expression: &str, message: &str) -> Rule {
    rule(expression, message).field_path(field).reason(Reason::FieldValueForbidden)
}

pub(super) fn name_length() -> Rule {
    rule(
        "self.metadata.name.size() <= 40",
        "metadata.name: write at most 40 characters, because names of Deployments and Jobs are made from it",
    )
}

pub(super) fn name_label() -> Rule {
    rule(
        "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "metadata.name: write lower-case letters, digits and hyphens, beginning with a letter, such as chat-prod",
    )
}

pub(super) fn tier_immutable() -> Rule {
    rule(
        "self == oldSelf",
        "tier cannot be changed: create another ChatbotEnvironment and move the data by backup and restore",
    )
}

pub(super) fn prefix_immutable() -> Rule {
    let prefix = |this: &str| format!("(has({this}.resourcePrefix) ? {this}.resourcePrefix : {this}.tier + '_')");
    rule(
        format!("self.tier != oldSelf.tier || {} == {}", prefix("self"), prefix("oldSelf")),
        "resourcePrefix cannot be changed, the data would be left behind: write the old one, or create another ChatbotEnvironment",
    )
    .field_path(".resourcePrefix")
}

pub(super) fn prefix_format() -> Rule {
    rule(
        "self.matches('^[a-z][a-z0-9_]*_$')",
        "write lower-case letters, digits and _, beginning with a letter and ending with _, such as prod_",
    )
}

pub(super) fn image_format() -> Rule {
    rule(
        concat!("self.matches(r'", image::pattern!(), "')"),
        "write an image reference such as registry.example/team/chatbot:1.4.0, without https:// and spaces",
    )
}

pub(super) fn image_tag() -> Rule {
    blaming(
        ".image",
        "self.tier == 'dev' || self.image.matches('@sha256:') || self.image.matches(':[A-Za-z0-9_][A-Za-z0-9_.-]*$') && !self.image.endsWith(':latest')",
        "stage and prod need an image with a fixed tag or a digest: write for example chatbot:1.4.0 instead of latest or no tag",
    )
}

pub(super) fn host_format() -> Rule {
    rule(
        "self.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$')",
        "write only the DNS name in lower case, such as chat.example.org, without https://, port, path or *",
    )
}

pub(super) fn object_name() -> Rule {
    rule(
        "self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",
        "write the name of an object in the namespace: lower-case letters, digits, hyphens and dots",
    )
}

pub(super) fn settings_names() -> Rule {
    rule(
        "self.all(key, key.matches('^[A-Z][A-Z0-9_]{0,127}$'))",
        "settings are environment variables: write names such as LLM_MODEL, in capitals, digits and _",
    )
}

pub(super) fn settings_no_secrets() -> Rule {
    rule(
        "!self.exists(key, key.matches('(^|_)(SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)(_|$)|(^|_)TOKEN$|(^|_)(API|ACCESS|PRIVATE|ENCRYPTION|SIGNING)_?KEY(_|$)|^(ADMIN_)?(DATABASE|REDIS)_URL$|_DSN$'))",
        "settings must not hold credentials: write this variable into the Secret that secretRef names",
    )
    .reason(Reason::FieldValueForbidden)
}

pub(super) fn settings_not_managed() -> Rule {
    rule(
        "!self.exists(key, key in ['ENVIRONMENT', 'RELEASE_ID', 'RESOURCE_PREFIX', 'WORKERS', 'PORT', 'HOST', 'MONITOR_PORT', 'QUEUE_HIGH', 'QUEUE_MEDIUM', 'QUEUE_LOW', 'DRAIN_TIMEOUT', 'TERMINATION_LOG'])",
        "the operator sets ENVIRONMENT, RELEASE_ID, RESOURCE_PREFIX, WORKERS, PORT, HOST, MONITOR_PORT, QUEUE_*, DRAIN_TIMEOUT and TERMINATION_LOG itself: use tier, resourcePrefix, app.workers, worker.queues and worker.drainTimeout",
    )
    .reason(Reason::FieldValueForbidden)
}

pub(super) fn settings_log_level() -> Rule {
    rule(
        "!('LOG_LEVEL' in self) || self['LOG_LEVEL'].upperAscii() in ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'WARN', 'ERROR', 'CRITICAL']",
        "LOG_LEVEL is none that the chatbot knows: write DEBUG, INFO, WARNING, ERROR or CRITICAL",
    )
}

pub(super) fn no_debug() -> Rule {
    blaming(
        ".settings",
        "self.tier == 'dev' || !has(self.settings) || !('DEBUG' in self.settings) || self.settings['DEBUG'].lowerAscii() in ['false', '0', 'off', 'no']",
        "DEBUG is only for dev: remove it from settings, or write DEBUG: \"false\"",
    )
}

pub(super) fn no_debug_log() -> Rule {
    blaming(
        ".settings",
        "self.tier == 'dev' || !has(self.settings) || !('LOG_LEVEL' in self.settings) || !(self.settings['LOG_LEVEL'].upperAscii() in ['DEBUG', 'TRACE'])",
        "LOG_LEVEL outside dev is INFO, WARNING or ERROR: DEBUG and TRACE would write users' words into the log",
    )
}

pub(super) fn prod_replicas() -> Rule {
    blaming(
        ".app.replicas",
        "self.tier != 'prod' || !has(self.app) || has(self.app.autoscaling) || !has(self.app.replicas) || self.app.replicas >= 2",
        "prod needs at least 2 app replicas: write 2 or more, or set app.autoscaling",
    )
}

pub(super) fn prod_autoscaling() -> Rule {
    blaming(
        ".app.autoscaling",
        "self.tier != 'prod' || !has(self.app) || !has(self.app.autoscaling) || self.app.autoscaling.max >= 2 && (!has(self.app.autoscaling.min) || self.app.autoscaling.min >= 2)",
        "prod needs at least 2 app replicas: write 2 or more as autoscaling.min and autoscaling.max",
    )
}

pub(super) fn tls_required() -> Rule {
    blaming(
        ".tls",
        "self.tier == 'dev' || !has(self.host) || has(self.tls)",
        "stage and prod need TLS when host is set: write tls.secretName or tls.issuerRef",
    )
}

pub(super) fn tls_needs_host() -> Rule {
    blaming(
        ".tls",
        "!has(self.tls) || has(self.host)",
        "tls needs a host: write host, such as chat.example.org, or remove tls",
    )
}

pub(super) fn routing_needs_host() -> Rule {
    blaming(
        ".routing",
        "!has(self.routing) || has(self.host)",
        "routing needs a host: write host, such as chat.example.org, or remove routing",
    )
}

pub(super) fn prod_backups_not_suspended() -> Rule {
    blaming(
        ".backups.suspend",
        "self.tier != 'prod' || !has(self.backups) || !has(self.backups.suspend) || !self.backups.suspend",
        "backups stay on in prod: remove suspend, or write false",
    )
}

pub(super) fn prod_incremental() -> Rule {
    prod_schedule(
        "incremental",
        "incremental backups stay on in prod: write a schedule such as '*/30 * * * *', or remove the field",
    )
}

pub(super) fn prod_full() -> Rule {
    prod_schedule("full", "full backups stay on in prod: write a schedule such as '0 2 * * *', or remove the field")
}

pub(super) fn prod_drill() -> Rule {
    prod_schedule(
        "drill",
        "rehearsed restores stay on in prod: write a schedule such as '0 4 * * 0', or remove the field",
    )
}

fn prod_schedule(name: &str, message: &str) -> Rule {
    let schedules = "self.backups.schedules";
    blaming(
        &format!(".backups.schedules.{name}"),
        &format!(
            "self.tier != 'prod' || !has(self.backups) || !has({schedules}) || !has({schedules}.{name}) || {schedules}.{name} != ''"
        ),
        message,
    )
}

pub(super) fn prod_backup_first() -> Rule {
    blaming(
        ".migrations.backupFirst",
        "self.tier != 'prod' || !has(self.migrations) || !has(self.migrations.backupFirst) || self.migrations.backupFirst",
        "prod makes a backup before migrating: remove backupFirst, or write true",
    )
}
