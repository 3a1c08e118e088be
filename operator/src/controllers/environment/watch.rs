//! How a release fares while the one before stands ready: what its servers' own metrics say, and whether they stay up. Pure.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition};
use kube::ResourceExt;

use super::{
    observe::Observed,
    resolve::Resolved,
    trouble::{crashes, is_ready, why_down},
};
use crate::{
    crd::Analysis,
    release::{Placed, ReleaseState, Requests, Watch},
    traffic::Traffic,
};

/// Restarts of one container that its node, or a moment's bad luck, does not explain.
const MANY_RESTARTS: i32 = 2;

/// How the active release fares, beside the one before.
#[must_use]
pub fn watch(resolved: &Resolved, observed: &Observed, state: &ReleaseState) -> Watch {
    let (Some(active), Some(previous)) = (&state.active, &state.previous) else { return Watch::Unknown };
    let policy = &resolved.release.analysis;
    if let Some(message) = downfall(active, previous, observed, state, &Limits::of(resolved)) {
        return Watch::Ill { message };
    }
    if let Some(message) = shared_outage(active, previous, observed) {
        return Watch::Outage { message };
    }
    match (traffic_of(active, observed), traffic_of(previous, observed)) {
        (None, _) => Watch::Unknown,
        (Some(now), before) => {
            // Until it is known what its servers answered before they had the traffic, all of it counts as that.
            let discounted =
                state.discounted.unwrap_or(Requests { all: now.requests, failed: now.errors, in_outage: false });
            // Slow answers of an outage cannot be told from others afterwards.
            let policy = Analysis { max_p95: policy.max_p95.filter(|_| !discounted.in_outage), ..policy.clone() };
            judge(&now.without(discounted), &before.unwrap_or_default(), &policy)
        }
    }
}

/// What the servers of the release that serves have answered since they started; none where one that is up could not be asked.
#[must_use]
pub fn requests(observed: &Observed, state: &ReleaseState) -> Option<Requests> {
    let active = state.active.as_ref()?;
    let has_answered = |pod: &Pod| observed.traffic.get(&pod.name_any()).is_some_and(Result::is_ok);
    let is_whole = observed.servers_of(&active.release.id).filter(|pod| is_ready(pod)).all(has_answered);
    let traffic = traffic_of(active, observed).filter(|_| is_whole)?;
    Some(Requests { all: traffic.requests, failed: traffic.errors, in_outage: false })
}

/// A service without which no server can answer, and that servers of both releases find down: what fails speaks against neither.
fn shared_outage(active: &Placed, previous: &Placed, observed: &Observed) -> Option<String> {
    let down = |placed: &Placed| {
        let answers = observed.servers_of(&placed.release.id).filter_map(|pod| observed.answers.get(&pod.name_any()));
        let services = answers.filter_map(|answer| answer.as_ref().ok()).flat_map(|health| health.services.clone());
        let needed = services.filter(|service| service.required || service.name == "llm");
        let down = needed.filter(|service| !service.healthy).map(|service| service.name);
        down.collect::<Vec<_>>()
    };
    let before = down(previous);
    down(active).into_iter().find(|name| before.contains(name)).map(|name| format!("{name} is down"))
}

/// Containers that end again and again since the release has the traffic, or servers most of which were up and are not.
fn downfall(
    active: &Placed,
    previous: &Placed,
    observed: &Observed,
    state: &ReleaseState,
    limits: &Limits,
) -> Option<String> {
    let since = state.steps.iter().find(|step| step.name == crate::crd::Phase::Switch)?.started_at.0;
    let pods = || observed.pods_of(&active.release.id);
    let crashed = pods().find_map(|pod| crashes(pod, |container| ends_again_and_again(container, since)));
    crashed.or_else(|| {
        let down = Downed::of(active, observed, since, limits);
        let spared = Downed::of(previous, observed, since, limits).is_less_than(down);
        (down.down * 2 > down.servers && spared).then(|| {
            let why = why_down(observed.servers_of(&active.release.id));
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            format!("{} of {} servers are not ready any more{why}", down.down, down.servers)
        })
    })
}

/// In so short a time neither the node nor the rescheduling of a pod ends a container twice.
fn ends_again_and_again(container: &ContainerStatus, since: Timestamp) -> bool {
    let ended = container.last_state.iter().chain(&container.state).filter_map(|state| state.terminated.as_ref());
    let lately = ended.filter_map(|end| end.finished_at.as_ref()).any(|at| at.0 >= since);
    let backs_off = container.state.as_ref().and_then(|state| state.waiting.as_ref()?.reason.as_deref());
    lately && !container.ready && (container.restart_count >= MANY_RESTARTS || backs_off == Some("CrashLoopBackOff"))
}

/// Seconds that a server may take.
struct Limits {
    /// To become ready.
    start: i64,
    /// To become ready again.
    patience: i64,
}

impl Limits {
    fn of(resolved: &Resolved) -> Self {
        let seconds = |time: std::time::Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let release = &resolved.release;
        Self { start: seconds(release.check_timeout.to_std()), patience: seconds(release.analysis.interval.to_std()) }
    }
}

/// Servers that had their time to come up, and those of them that have not been ready for a while.
#[derive(Clone, Copy)]
struct Downed {
    servers: usize,
    down: usize,
}

impl Downed {
    /// A pod that is younger than the switch may still be starting: a Deployment that was scaled up has some.
    fn of(placed: &Placed, observed: &Observed, since: Timestamp, limits: &Limits) -> Self {
        let is_settled = |pod: &&Pod| {
            pod.creation_timestamp().is_some_and(|created| {
                let age = observed.at.as_second().saturating_sub(created.0.as_second());
                created.0 < since || age >= limits.start
            })
        };
        let servers: Vec<&Pod> = observed.servers_of(&placed.release.id).filter(is_settled).collect();
        let is_down = |pod: &&&Pod| {
            let lost = readiness(pod).and_then(|ready| ready.last_transition_time.as_ref());
            let for_long = lost.is_none_or(|lost| observed.at.as_second() - lost.0.as_second() >= limits.patience);
            !is_ready(pod) && !containers_are_ready(pod) && for_long
        };
        Self { servers: servers.len(), down: servers.iter().filter(is_down).count() }
    }

    /// By its share; none of nothing is no trouble.
    fn is_less_than(self, other: Self) -> bool {
        self.down * other.servers < other.down * self.servers || self.servers == 0
    }
}

/// While its node does not report, a pod counts as not ready, and its containers as they were: nobody knows of any trouble of theirs.
fn containers_are_ready(pod: &Pod) -> bool {
    let containers = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    containers.is_some_and(|containers| containers.iter().all(|container| container.ready))
}

fn readiness(pod: &Pod) -> Option<&PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == "Ready")
}

/// Servers that could not be asked at this look do not count; none where no one could.
fn traffic_of(placed: &Placed, observed: &Observed) -> Option<Traffic> {
    let answers = observed.servers_of(&placed.release.id).filter_map(|pod| observed.traffic.get(&pod.name_any()));
    let known: Vec<&Traffic> = answers.filter_map(|answer| answer.as_ref().ok()).collect();
    (!known.is_empty()).then(|| Traffic::sum(known))
}

/// A release is ill that is worse than the policy allows, and worse than the one before was: a trouble that both have is not
/// the release's, and taking it back would mend nothing.
fn judge(now: &Traffic, before: &Traffic, policy: &Analysis) -> Watch {
    let enough = u64::from(policy.min_requests);
    if now.requests < enough {
        return Watch::Well { message: format!("inconclusive: {} of {enough} requests so far", now.requests) };
    }
    let comparable = before.requests >= enough;
    let ratio = now.error_ratio();
    if ratio > policy.max_error_ratio && !(comparable && ratio <= before.error_ratio()) {
        let (share, limit) = (percent(ratio), percent(policy.max_error_ratio));
        return Watch::Ill { message: format!("{share} of {} requests failed, more than {limit}", now.requests) };
    }
    let (p95, usual) = (now.p95().unwrap_or(0.0), before.p95().unwrap_or(0.0));
    if let Some(limit) = policy.max_p95.map(|limit| limit.to_std().as_secs_f64())
        && p95 > limit
        && !(comparable && p95 <= usual)
    {
        return Watch::Ill { message: format!("95 of 100 requests took up to {}, more than {limit} s", time(p95)) };
    }
    let message = format!("{} requests, {} failed, 95 of 100 within {}", now.requests, percent(ratio), time(p95));
    Watch::Well { message }
}

fn percent(ratio: f64) -> String {
    format!("{:.1} %", ratio * 100.0)
}

fn time(seconds: f64) -> String {
    format!("{seconds:.2} s")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        controllers::environment::resolve::fixtures,
        crd::{Colour, Tier, environment_status::Outcome},
        release::Release,
    };

    /// Second 0 of the switch.
    const SWITCH: i64 = 1_790_000_000;

    fn time(second: i64) -> String {
        Timestamp::from_second(SWITCH + second).unwrap().to_string()
    }

    /// A server, made and last changed at these seconds after the switch.
    fn server(release: &str, number: usize, made: i64, ready: bool, since: i64) -> Value {
        json!({
            "metadata": {"name": format!("{release}-{number}"), "creationTimestamp": time(made), "labels": {
                "chatbot.platform/release": release, "app.kubernetes.io/component": "app"}},
            "status": {"phase": "Running", "conditions": [
                {"type": "Ready", "status": if ready { "True" } else { "False" }, "lastTransitionTime": time(since)}]},
        })
    }

    fn with_container(mut pod: Value, restarts: i32, ended: i64, waiting: Option<&str>) -> Value {
        let state = waiting.map_or_else(|| json!({"running": {}}), |reason| json!({"waiting": {"reason": reason}}));
        pod["status"]["containerStatuses"] = json!([{"name": "app", "ready": false, "restartCount": restarts, "image": "",
            "imageID": "", "state": state,
            "lastState": {"terminated": {"exitCode": 1, "message": "error: out of luck", "finishedAt": time(ended)}}}]);
        pod
    }

    fn placed(id: &str, colour: Colour) -> Placed {
        Placed { release: Release { id: id.to_owned(), image: "chatbot:1".to_owned() }, colour, schema: None }
    }

    /// What is made of these pods 60 seconds after the switch from `old` to `new`.
    fn seen(pods: Vec<Value>) -> Watch {
        seen_after(60, pods)
    }

    fn seen_after(seconds: i64, pods: Vec<Value>) -> Watch {
        let pods = pods.into_iter().map(|pod| Arc::new(serde_json::from_value(pod).unwrap())).collect();
        let at = Timestamp::from_second(SWITCH + seconds).unwrap();
        let observed = Observed { at, pods, ..Observed::default() };
        let step = crate::crd::environment_status::Step {
            name: crate::crd::Phase::Switch,
            started_at: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::from_second(SWITCH).unwrap()),
            finished_at: None,
            held_seconds: None,
            outcome: Outcome::Succeeded,
            message: String::new(),
        };
        let state = ReleaseState {
            active: Some(placed("new", Colour::Green)),
            previous: Some(placed("old", Colour::Blue)),
            steps: vec![step],
            ..ReleaseState::default()
        };
        watch(&fixtures::resolved(Tier::Prod), &observed, &state)
    }

    #[test]
    fn servers_that_fell_speak_against_a_release_and_what_happens_to_every_pod_does_not() {
        let up = |release: &str| (0..3).map(|number| server(release, number, -100, true, -50)).collect::<Vec<_>>();
        let down = |release: &str| (0..3).map(|number| server(release, number, -100, false, 10)).collect::<Vec<_>>();
        let unreported = |release: &str| {
            let ready = json!([{"name": "app", "ready": true, "restartCount": 0, "image": "", "imageID": ""}]);
            let pods = down(release).into_iter();
            pods.map(|mut pod| {
                pod["status"]["containerStatuses"] = ready.clone();
                pod
            })
            .collect::<Vec<_>>()
        };
        let starting = (3..9).map(|number| server("new", number, 5, false, 5)).collect::<Vec<_>>();
        let lately = (0..3).map(|number| server("new", number, -100, false, 45)).collect::<Vec<_>>();
        let crashing = |restarts, ended, waiting| {
            vec![with_container(server("new", 0, -100, false, 10), restarts, ended, waiting)]
        };
        let fallen = Some("3 of 3 servers are not ready any more");
        let table = [
            ("all are up", [up("new"), up("old")].concat(), None),
            ("they fell", [down("new"), up("old")].concat(), fallen),
            ("all fell", [down("new"), down("old")].concat(), None),
            ("they are unready for a moment", [lately, up("old")].concat(), None),
            ("their node does not report", [unreported("new"), up("old")].concat(), None),
            ("it is scaled up", [up("new"), starting, up("old")].concat(), None),
            (
                "a container ended twice",
                [crashing(2, 20, None), up("old")].concat(),
                Some("container app ends again and again: out of luck"),
            ),
            (
                "it backs off",
                [crashing(1, 20, Some("CrashLoopBackOff")), up("old")].concat(),
                Some("container app ends again"),
            ),
            ("it ended once, with its node perhaps", [crashing(1, 20, None), up("new"), up("old")].concat(), None),
            ("it ended before it had the traffic", [crashing(4, -10, None), up("new"), up("old")].concat(), None),
        ];
        for (name, pods, expected) in table {
            match (seen(pods), expected) {
                (Watch::Ill { message }, Some(words)) => assert!(message.starts_with(words), "{name}: {message}"),
                (Watch::Ill { message }, None) => panic!("{name}: {message}"),
                (other, Some(_)) => panic!("{name}: {other:?}"),
                (_, None) => {}
            }
        }
    }

    /// A drained node, or an eviction: the pods in their place are younger than the switch.
    #[test]
    fn servers_that_were_replaced_and_do_not_come_up_speak_against_a_release_after_their_time_to_start() {
        let replaced = || (0..3).map(|number| server("new", number, 5, false, 5));
        let up = || (0..3).map(|number| server("old", number, -100, true, -50));
        let look = |seconds| seen_after(seconds, replaced().chain(up()).collect());
        assert_eq!(look(604), Watch::Unknown);
        assert!(matches!(look(605), Watch::Ill { .. }), "after checkTimeout");
    }

    /// So many requests, so many of them failed, all within `seconds`.
    fn traffic(requests: u32, errors: u32, seconds: &str) -> Traffic {
        Traffic::read(&format!(
            "http_requests_total{{path=\"/\",status=\"200\"}} {}\nhttp_requests_total{{path=\"/\",status=\"500\"}} {errors}\n\
             http_request_duration_seconds_bucket{{path=\"/\",le=\"{seconds}\"}} {requests}\n",
            requests - errors
        ))
    }

    #[test]
    fn a_release_is_ill_when_it_is_worse_than_the_policy_and_than_the_release_before() {
        let policy = Analysis { max_p95: Some("2s".parse().unwrap()), ..Analysis::default() };
        let well = || traffic(1000, 1, "0.1");
        let table = [
            ("few requests", traffic(99, 99, "9"), well(), "inconclusive: 99 of 100 requests so far"),
            ("all is well", traffic(1000, 50, "1"), well(), "1000 requests, 5.0 % failed, 95 of 100 within 0.95 s"),
            ("errors", traffic(1000, 51, "1"), well(), "ill: 5.1 % of 1000 requests failed, more than 5.0 %"),
            (
                "errors as before",
                traffic(1000, 80, "1"),
                traffic(1000, 80, "1"),
                "1000 requests, 8.0 % failed, 95 of 100 within 0.95 s",
            ),
            (
                "more errors than before",
                traffic(1000, 90, "1"),
                traffic(1000, 80, "1"),
                "ill: 9.0 % of 1000 requests failed, more than 5.0 %",
            ),
            (
                "errors, and few before",
                traffic(1000, 90, "1"),
                traffic(9, 9, "1"),
                "ill: 9.0 % of 1000 requests failed, more than 5.0 %",
            ),
            ("slow", traffic(1000, 0, "5"), well(), "ill: 95 of 100 requests took up to 4.75 s, more than 2 s"),
            (
                "slow as before",
                traffic(1000, 0, "5"),
                traffic(1000, 0, "5"),
                "1000 requests, 0.0 % failed, 95 of 100 within 4.75 s",
            ),
        ];
        for (name, now, before, expected) in table {
            let said = match judge(&now, &before, &policy) {
                Watch::Ill { message } => format!("ill: {message}"),
                Watch::Well { message } => message,
                Watch::Outage { message } => format!("outage: {message}"),
                Watch::Unknown => "unknown".to_owned(),
            };
            assert_eq!(said, expected, "{name}");
        }
    }
}
