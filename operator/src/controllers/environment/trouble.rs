//! What is wrong with the pods, as a person would say it: a list of small checks, of which the first that holds speaks.
//!
//! Messages hold no counts, times or names of pods: a trouble that lasts must read the same at every look.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod};
use kube::ResourceExt;

use super::{jobs, observe::Observed};
use crate::{
    crd::reasons,
    resources::labels::{self, Component, Labels},
};

/// What is said of an image that lacks the program with which every container of a chatbot begins.
pub const NO_CHATBOT: &str = "spec.image is no chatbot image";

/// Longest quotation in a message.
const LONGEST: usize = 300;

/// The Secret of a release that is not asked for any more cannot be made from the spec.
const LOST_VARIABLES: &str = "; if this lasts, the Secret of a release that the spec no longer asks for was deleted: \
     let the release under way finish, or set image and settings back to those of the release that serves";

/// Something that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// One of [`reasons`].
    pub reason: &'static str,
    /// What it is, and what to do next.
    pub message: String,
}

impl Trouble {
    pub(super) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// Looks at one pod, with what it says about itself.
type PodCheck = fn(&Pod, &Observed) -> Option<Trouble>;

/// The most specific first.
const POD_CHECKS: [PodCheck; 6] = [image, memory, crash, config, unschedulable, health];

/// What is wrong with pods and Deployments of these releases, the first release's troubles first.
#[must_use]
pub fn trouble(observed: &Observed, releases: &[&str]) -> Option<Trouble> {
    let of_release = |release: &str| of_pods(observed.pods_of(release), observed);
    releases.iter().find_map(|release| of_release(release)).or_else(|| refused_pods(observed))
}

/// What is wrong with these pods.
pub(super) fn of_pods<'a>(pods: impl Iterator<Item = &'a Pod>, observed: &Observed) -> Option<Trouble> {
    let pods: Vec<&Pod> = pods.collect();
    POD_CHECKS.iter().find_map(|check| pods.iter().find_map(|pod| check(pod, observed)))
}

fn refused_pods(observed: &Observed) -> Option<Trouble> {
    let is_monitor = |deployment: &&Deployment| component_in(deployment.labels()) == Component::Monitor.as_str();
    let mut deployments = observed.deployments.values().filter(|deployment| !is_monitor(deployment));
    deployments.find_map(no_pods).or_else(|| observed.refused_jobs.first().map(|message| refusal(message)))
}

/// A ResourceQuota or an admission policy stands between a Deployment and its pods.
pub(super) fn no_pods(deployment: &Deployment) -> Option<Trouble> {
    let conditions = deployment.status.as_ref()?.conditions.as_ref()?;
    let is_failure = |type_: &str, status: &str| type_ == "ReplicaFailure" && status == "True";
    let failure = conditions.iter().find(|condition| is_failure(&condition.type_, &condition.status))?;
    failure.message.as_deref().map(refusal)
}

/// Tells a quota from other refusals of the API server.
pub(super) fn refusal(message: &str) -> Trouble {
    let (_, why) = message.split_once(" is forbidden: ").unwrap_or(("", message));
    let why = short(why);
    if why.contains("exceeded quota")
        || why.contains("must specify")
        || why.contains("per Container")
        || why.contains("per Pod")
    {
        let next =
            "raise the namespace's ResourceQuota or LimitRange, or lower the environment's replicas or resources";
        Trouble::new(reasons::QUOTA_EXCEEDED, format!("the namespace refuses pods: {why}; {next}"))
    } else {
        Trouble::new(reasons::APPLY_REFUSED, format!("the API server refuses an object: {why}"))
    }
}

fn image(pod: &Pod, _: &Observed) -> Option<Trouble> {
    let (status, reason, detail) = waiting(pod)?;
    let detail = match reason.as_str() {
        "InvalidImageName" => "its name is no image reference",
        "ErrImageNeverPull" => "no node has it, and imagePullPolicy is Never",
        "ErrImagePull" | "ImagePullBackOff" | "ImageInspectError" | "RegistryUnavailable" => pull_problem(&detail),
        _ => return None,
    };
    let next = "check spec.image, and spec.imagePullSecrets for a private registry";
    Some(Trouble::new(reasons::IMAGE_PULL_FAILED, format!("image {} cannot be pulled: {detail}; {next}", status.image)))
}

/// The kubelet's own words change with every attempt.
fn pull_problem(detail: &str) -> &'static str {
    let detail = detail.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| detail.contains(word));
    if says(&["not found", "manifest unknown", "does not exist"]) {
        "the registry does not have it"
    } else if says(&["unauthorized", "denied", "forbidden"]) {
        "the registry refuses access"
    } else if says(&["no such host", "refused", "timeout", "unreachable", "dial tcp", "no route"]) {
        "the registry cannot be reached"
    } else {
        "the node cannot get it"
    }
}

fn memory(pod: &Pod, _: &Observed) -> Option<Trouble> {
    let killed = containers(pod)
        .find(|status| terminated(status).is_some_and(|end| end.reason.as_deref() == Some("OOMKilled")))?;
    if killed.ready {
        return None;
    }
    let next = match jobs::job_of(pod) {
        None if is_monitor(pod) => "its limit is the tier's: where this lasts, set monitor.enabled to false".to_owned(),
        None => format!("raise spec.{}.resources.limits.memory", component(pod)),
        Some(_) => "the limit of a Job is fixed, so its work has to be cut into smaller steps".to_owned(),
    };
    let message = format!("container {} used more memory than its limit: {next}", killed.name);
    Some(Trouble::new(reasons::OUT_OF_MEMORY, message))
}

/// Between two starts the container may look healthy for a moment; that it ended badly before and is not ready now says enough.
fn crash(pod: &Pod, _: &Observed) -> Option<Trouble> {
    let message = crashes(pod, |status| !status.ready && status.restart_count > 0)?;
    Some(Trouble::new(reasons::CRASH_LOOP, message))
}

/// What a container says that ended badly and is as `is_meant` says.
pub(super) fn crashes(pod: &Pod, is_meant: impl Fn(&ContainerStatus) -> bool) -> Option<String> {
    let crashed = containers(pod).find(|status| ended_badly(status) && is_meant(status))?;
    let words = terminated(crashed).map(end_words).unwrap_or_default();
    Some(format!("container {} ends again and again: {words}", crashed.name))
}

fn config(pod: &Pod, _: &Observed) -> Option<Trouble> {
    let (status, reason, detail) = waiting(pod)?;
    let known = ["CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"];
    let is_lost = detail.contains("-release-") && detail.contains("not found");
    let next = if is_lost { LOST_VARIABLES } else { "" };
    let message = missing_program(&detail)
        .unwrap_or_else(|| format!("container {} cannot be created: {}{next}", status.name, short(&detail)));
    known.contains(&reason.as_str()).then(|| Trouble::new(reasons::PODS_NOT_READY, message))
}

fn unschedulable(pod: &Pod, _: &Observed) -> Option<Trouble> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let refused = conditions.iter().find(|condition| {
        condition.type_ == "PodScheduled"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("Unschedulable")
    })?;
    let why = short(refused.message.as_deref().unwrap_or("no reason given"));
    let next = match jobs::job_of(pod) {
        None if !is_monitor(pod) => format!("add nodes, or lower spec.{}.resources.requests", component(pod)),
        None | Some(_) => "add nodes, or make room on them".to_owned(),
    };
    Some(Trouble::new(reasons::UNSCHEDULABLE, format!("no node takes a pod: {why}; {next}")))
}

fn health(pod: &Pod, observed: &Observed) -> Option<Trouble> {
    if is_ready(pod) {
        return None;
    }
    let health = observed.answers.get(&pod.name_any())?.as_ref().ok()?;
    let ill = health.services.iter().find(|service| service.required && !service.healthy);
    if let Some(service) = ill {
        let why = service_words(service.message.as_deref().unwrap_or_default());
        let next = format!("mend it, or its address in the environment's Secret; {} pods wait for it", component(pod));
        return Some(Trouble::new(reasons::PODS_NOT_READY, format!("{} is down: {why}; {next}", service.name)));
    }
    let schema = health.schema.as_ref().filter(|schema| !schema.compatible)?;
    let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
    let (current, required) = (version(&schema.current), version(&schema.required));
    Some(Trouble::new(reasons::PODS_NOT_READY, format!("the database's schema is {current}, and {required} is needed")))
}

/// A service that is down now refuses, now does not answer: that is one trouble, and reads as one.
fn service_words(message: &str) -> String {
    let lower = message.to_lowercase();
    let unreachable = ["refused", "timed out", "timeout", "unreachable", "reset by peer", "no route"];
    if message.trim().is_empty() {
        "it does not answer".to_owned()
    } else if unreachable.iter().any(|word| lower.contains(word)) {
        "it cannot be reached".to_owned()
    } else {
        short(message)
    }
}

fn containers(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().filter_map(|status| status.container_statuses.as_ref()).flatten()
}

fn waiting(pod: &Pod) -> Option<(&ContainerStatus, String, String)> {
    containers(pod).find_map(|status| {
        let waiting = status.state.as_ref()?.waiting.as_ref()?;
        Some((status, waiting.reason.clone()?, waiting.message.clone().unwrap_or_default()))
    })
}

/// How the container ended: now, or the last time.
fn terminated(status: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let of = |state: &'_ Option<ContainerState>| state.as_ref().is_some_and(|state| state.terminated.is_some());
    let state = if of(&status.state) { &status.state } else { &status.last_state };
    state.as_ref()?.terminated.as_ref()
}

fn ended_badly(status: &ContainerStatus) -> bool {
    terminated(status).is_some_and(|end| end.exit_code != 0)
}

/// Why servers are down that were up: how a container of one that is not ready ended, in its last words.
#[must_use]
pub fn why_down<'a>(pods: impl IntoIterator<Item = &'a Pod>) -> Option<String> {
    let ended = |pod: &'a Pod| containers(pod).find(|status| !status.ready && ended_badly(status));
    let fallen = pods.into_iter().filter(|pod| !is_ready(pod)).find_map(ended)?;
    Some(format!("container {} ended: {}", fallen.name, terminated(fallen).map(end_words)?))
}

/// What the pod's container said when it ended badly.
pub(super) fn last_words(pod: &Pod) -> Option<String> {
    containers(pod).filter(|status| ended_badly(status)).find_map(terminated).map(end_words)
}

/// Exit codes that say that there is no such program, or that it cannot be run: a shell's, and the container runtime's.
const NO_PROGRAM: [i32; 3] = [126, 127, 128];

fn end_words(end: &ContainerStateTerminated) -> String {
    let message = end.message.as_deref().unwrap_or_default();
    let lines = || message.lines().map(str::trim).filter(|line| !line.is_empty());
    // A command line that is not understood is followed by how it should be.
    let line = lines().rfind(|line| line.starts_with("error: ")).map(str::to_owned);
    let line = line.or_else(|| lines().rev().find_map(spoken));
    let missing = line.as_deref().filter(|_| NO_PROGRAM.contains(&end.exit_code)).and_then(missing_program);
    missing
        .or_else(|| line.map(|line| short(line.trim_start_matches("error: "))))
        .unwrap_or_else(|| format!("exit code {}", end.exit_code))
}

/// What a line of output says to people: of a log line for machines only that something went wrong. Of a long log Kubernetes keeps
/// the end, which may begin in the middle of such a line.
fn spoken(line: &str) -> Option<String> {
    let is_rest = !line.starts_with('{') && line.ends_with('}') && line.contains("\":");
    if is_rest {
        return None;
    }
    if !line.starts_with('{') {
        return Some(line.to_owned());
    }
    let log: serde_json::Value = serde_json::from_str(line).ok()?;
    let is_error = log["level"].as_str().is_some_and(|level| level.eq_ignore_ascii_case("error"));
    log["message"].as_str().filter(|_| is_error).map(str::to_owned)
}

/// The image lacks the program that it was to run: the words of shells and of container runtimes, from where they speak of it.
fn missing_program(words: &str) -> Option<String> {
    let at = words.find("exec: ").or_else(|| words.find("exec "))?;
    let words = words.get(at..)?;
    let is_missing =
        ["executable file not found", "no such file or directory", ": not found"].iter().any(|why| words.contains(why));
    is_missing.then(|| format!("{NO_CHATBOT}: {}", short(words)))
}

/// Whether the kubelet calls the pod ready.
#[must_use]
pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().filter_map(|status| status.conditions.as_ref()).flatten();
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn component(pod: &Pod) -> &str {
    component_in(pod.labels())
}

fn component_in(labels: &Labels) -> &str {
    labels.get(labels::COMPONENT).map_or("app", String::as_str)
}

/// Of its size the spec says nothing.
fn is_monitor(pod: &Pod) -> bool {
    component(pod) == Component::Monitor.as_str()
}

/// A quotation for a message or a log: of bounded length, and without credentials.
pub(crate) fn short(text: &str) -> String {
    let text = without_credentials(text.trim());
    if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST).chain("…".chars()).collect() }
}

/// Who knows a password may have quoted it in a URL. Passwords hold slashes too, so everything up to the last `@` of a word goes.
fn without_credentials(text: &str) -> String {
    let mut parts = text.split("://");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |cleaned, rest| {
        let end =
            rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        match word.rsplit_once('@') {
            Some((_, host)) => format!("{cleaned}://***@{host}{tail}"),
            None => format!("{cleaned}://{rest}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_holds_no_credentials() {
        let cases = [
            ("cannot reach postgres://chat:hunter2@db:5432/chat: no", "cannot reach postgres://***@db:5432/chat: no"),
            ("redis://:hunter2@r:6379 and \"http://a:hun/ter2@q\" too", "redis://***@r:6379 and \"http://***@q\" too"),
            ("postgres://chat:hun@ter2@db", "postgres://***@db"),
            ("http://qdrant:6333 answered to me@example.org", "http://qdrant:6333 answered to me@example.org"),
            ("chatbot@sha256:12", "chatbot@sha256:12"),
        ];
        for (said, quoted) in cases {
            assert_eq!(short(said), quoted);
        }
    }

    fn ended(exit_code: i32, message: &str) -> ContainerStateTerminated {
        ContainerStateTerminated { exit_code, message: Some(message.to_owned()), ..ContainerStateTerminated::default() }
    }

    #[test]
    fn last_words_are_for_people_and_an_image_of_another_program_is_called_so() {
        let runc = "failed to create containerd task: OCI runtime create failed: runc create failed: unable to start container \
            process: error during container init: exec: \"migrate\": executable file not found in $PATH: unknown";
        let table = [
            (
                1,
                "usage: …\nerror: SECRET_KEY is too short\nFor more information, try --help",
                "SECRET_KEY is too short",
            ),
            (
                127,
                "starting\n/usr/local/bin/entrypoint: 7: exec: provision: not found",
                "spec.image is no chatbot image: exec: provision: not found",
            ),
            (
                128,
                runc,
                "spec.image is no chatbot image: exec: \"migrate\": executable file not found in $PATH: unknown",
            ),
            (
                128,
                "exec /app/run: no such file or directory",
                "spec.image is no chatbot image: exec /app/run: no such file or directory",
            ),
            (1, "exec: provision: not found", "exec: provision: not found"),
            (1, "/data/model: no such file or directory", "/data/model: no such file or directory"),
            (
                128,
                "error mounting /x to rootfs: no such file or directory",
                "error mounting /x to rootfs: no such file or directory",
            ),
            (101, "{\"level\":\"INFO\",\"message\":\"ready\",\"timestamp\":\"12:00\"}", "exit code 101"),
            (1, "751697Z\",\"level\":\"INFO\",\"message\":\"answered\"}", "exit code 1"),
            (
                101,
                "{\"level\":\"ERROR\",\"message\":\"out of luck\"}\n{\"level\":\"INFO\",\"message\":\"bye\"}\n",
                "out of luck",
            ),
            (137, "{ half a line", "exit code 137"),
            (2, "", "exit code 2"),
        ];
        for (code, message, expected) in table {
            assert_eq!(end_words(&ended(code, message)), expected, "{message}");
        }
    }

    #[test]
    fn why_servers_are_down_is_told_by_one_that_is_not_ready() {
        let pod = |ready: bool, code: i32, words: &str| {
            let status = if ready { "True" } else { "False" };
            let ended = serde_json::json!({"terminated": {"exitCode": code, "message": words}});
            let container = serde_json::json!({"name": "app", "image": "", "imageID": "", "ready": ready, "restartCount": 1,
                "state": {"running": {}}, "lastState": ended});
            let conditions = serde_json::json!([{"type": "Ready", "status": status}]);
            let pod = serde_json::json!({"status": {"conditions": conditions, "containerStatuses": [container]}});
            serde_json::from_value::<Pod>(pod).unwrap()
        };
        let fallen = [pod(true, 1, "long ago"), pod(false, 0, "as told"), pod(false, 1, "error: out of luck")];
        assert_eq!(why_down(&fallen).as_deref(), Some("container app ended: out of luck"));
        assert_eq!(why_down(&fallen[..2]), None, "who ended well, or is ready again, says nothing");
    }

    #[test]
    fn a_service_that_is_down_reads_the_same_however_it_fails() {
        let words = ["connection refused (os error 111)", "operation timed out", "Connection reset by peer"];
        assert!(words.iter().all(|message| service_words(message) == "it cannot be reached"));
        assert_eq!(service_words("the password is wrong"), "the password is wrong");
        assert_eq!(service_words(" "), "it does not answer");
    }
}
