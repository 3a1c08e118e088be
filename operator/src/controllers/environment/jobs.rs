//! What a Job and its pods tell.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::api::{
    batch::v1::{Job, JobCondition},
    core::v1::Pod,
};
use kube::ResourceExt;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    observe::Observed,
    trouble::{last_words, short},
};
use crate::release;

/// So long a Job may take to its first pod before that is worth a question.
const SECONDS_TO_FIRST_POD: i64 = 3;

/// So long after the end of a Job the last words of its pod may be waited for.
const SECONDS_TO_LAST_WORDS: i64 = 30;

/// Label that Kubernetes puts on the pods of a Job.
const JOB_NAME: &str = "batch.kubernetes.io/job-name";

/// What the chatbot's commands write as their last words when they succeed.
#[derive(Deserialize)]
struct LastWords {
    schema: Option<String>,
    #[serde(default)]
    applied: Vec<String>,
    #[serde(default)]
    skipped: bool,
    #[serde(default)]
    question: bool,
    #[serde(default)]
    message: String,
}

/// Name of the Job that a pod belongs to.
#[must_use]
pub fn job_of(pod: &Pod) -> Option<&str> {
    pod.labels().get(JOB_NAME).map(String::as_str)
}

/// Whether every container of the pod ended for good. Of a Deployment's pod only its record is left, often of an eviction: another
/// has taken its place.
#[must_use]
pub fn is_over(pod: &Pod) -> bool {
    pod.status
        .as_ref()
        .and_then(|status| status.phase.as_deref())
        .is_some_and(|phase| matches!(phase, "Failed" | "Succeeded"))
}

/// Whether the Job ended well.
#[must_use]
pub fn succeeded(job: &Job) -> bool {
    condition(job, "Complete").is_some()
}

/// Whether the Job gave up.
#[must_use]
pub fn failed(job: &Job) -> bool {
    condition(job, "Failed").is_some()
}

/// Jobs that should have had a pod for a while, and have none.
#[must_use]
pub fn without_pods(jobs: &BTreeMap<String, Job>, pods: &[Arc<Pod>], now: Timestamp) -> Vec<String> {
    let has_pods = |name: &str| pods.iter().any(|pod| job_of(pod) == Some(name));
    let is_new = |job: &Job| {
        job.creation_timestamp().is_none_or(|created| now.as_second() - created.0.as_second() < SECONDS_TO_FIRST_POD)
    };
    let open = jobs.iter().filter(|(name, job)| !succeeded(job) && !failed(job) && !is_new(job) && !has_pods(name));
    open.map(|(name, _)| name.clone()).collect()
}

/// The Job of this name as the state machine sees it.
#[must_use]
pub fn fact(name: &str, observed: &Observed) -> release::Job {
    let job = observed.jobs.get(name);
    job.map_or(release::Job::Absent, |job| match fact_of(job, &observed.pods) {
        release::Job::Succeeded(report) if report.lost && is_fresh(job, observed.at) => {
            release::Job::Running { message: String::new() }
        }
        fact @ (release::Job::Absent
        | release::Job::Running { .. }
        | release::Job::Succeeded(_)
        | release::Job::Failed { .. }) => fact,
    })
}

/// Jobs and pods are watched one beside the other: a Job may be seen to have ended before its pod is.
fn is_fresh(job: &Job, at: Timestamp) -> bool {
    ended_at(job).is_some_and(|ended| at.as_second().saturating_sub(ended.as_second()) < SECONDS_TO_LAST_WORDS)
}

/// When it ended well, if it did.
#[must_use]
pub fn ended_at(job: &Job) -> Option<Timestamp> {
    job.status.as_ref()?.completion_time.as_ref().map(|time| time.0)
}

/// A Job as the state machine sees it.
#[must_use]
pub fn fact_of(job: &Job, pods: &[Arc<Pod>]) -> release::Job {
    let name = job.metadata.name.as_deref().unwrap_or_default();
    let words = || pods.iter().filter(|pod| job_of(pod) == Some(name)).find_map(|pod| last_words(pod));
    if succeeded(job) {
        return release::Job::Succeeded(report(name, pods));
    }
    match condition(job, "Failed") {
        Some(failed) => release::Job::Failed {
            at: failed.last_transition_time.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0),
            message: words()
                .or_else(|| failed.message.as_deref().map(short))
                .unwrap_or_else(|| "no reason given".to_owned()),
        },
        None => release::Job::Running { message: words().unwrap_or_default() },
    }
}

fn condition<'a>(job: &'a Job, type_: &str) -> Option<&'a JobCondition> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == type_ && condition.status == "True")
}

/// What the pod of a Job said last, where that is what is expected of it.
#[must_use]
pub fn said<T: DeserializeOwned>(job: &str, pods: &[Arc<Pod>]) -> Option<T> {
    let of_job = pods.iter().filter(|pod| job_of(pod) == Some(job));
    let mut ends = of_job.filter_map(|pod| {
        pod.status.as_ref()?.container_statuses.as_ref()?.first()?.state.as_ref()?.terminated.as_ref()
    });
    ends.find_map(|end| {
        let line = end.message.as_deref()?.lines().rfind(|line| line.starts_with('{'))?;
        serde_json::from_str(line).ok()
    })
}

fn report(job: &str, pods: &[Arc<Pod>]) -> release::Report {
    let is_seen = pods.iter().any(|pod| job_of(pod) == Some(job) && pod.status.is_some());
    let silent = release::Report { lost: !is_seen, ..release::Report::default() };
    said::<LastWords>(job, pods).map_or(silent, |words| release::Report {
        lost: false,
        schema: words.schema.filter(|schema| !schema.is_empty()),
        migrations: words.applied.len(),
        skipped: words.skipped,
        question: words.question,
        message: short(&words.message),
    })
}
