//! The checks, each a judgement of what was read.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::ResourceExt;

use super::{
    Check,
    Outcome::{Fail, Pass, Skipped, Warn},
    observe::{Observed, Surroundings},
};
use crate::{
    controllers::environment::resolve::variables::required_of_user,
    crd::{ChatbotEnvironment, conditions, image, reasons},
    lease,
    plugin::target::is_ready,
};

/// How far back warnings are of interest, in seconds.
const RECENT: i64 = 3600;

/// Every check, from the cluster down to the pods.
pub(super) fn all(observed: &Observed, now: Timestamp) -> Vec<Check> {
    let mut found = vec![installed(observed), operator(observed, now)];
    match &observed.environment {
        Err(cause) => found.push(Check::new("environment", Fail, cause)),
        Ok(surroundings) => {
            found.push(ready(&surroundings.environment));
            found.push(secret(surroundings, &observed.namespace));
            found.push(pods(surroundings));
            found.push(services(&surroundings.environment));
            found.extend(monitor(&surroundings.environment));
            found.push(warnings(surroundings, now));
            found.push(versions(observed, &surroundings.environment));
        }
    }
    found
}

fn installed(observed: &Observed) -> Check {
    if observed.installed {
        return Check::new("resource definition", Pass, "ChatbotEnvironment is installed");
    }
    Check::new(
        "resource definition",
        Fail,
        "ChatbotEnvironment is not installed: helm install the chart chatbot-crds, then chatbot-operator",
    )
}

/// The holder renews its Lease every few seconds; three times its duration without is too long.
fn operator(observed: &Observed, now: Timestamp) -> Check {
    let name = "operator";
    let namespace = &observed.operator_namespace;
    let lease = match &observed.lease {
        Err(cause) => return Check::new(name, Skipped, cause),
        Ok(None) => {
            let detail = format!(
                "it has never run in namespace {namespace}: install the chart chatbot-operator, or name its namespace with --operator-namespace"
            );
            return Check::new(name, Fail, detail);
        }
        Ok(Some(lease)) => lease.spec.clone().unwrap_or_default(),
    };
    let holder = lease.holder_identity.unwrap_or_else(|| "nobody".to_owned());
    let limit = i64::from(lease.lease_duration_seconds.unwrap_or(15)) * 3;
    let age = lease.renew_time.map(|renewed| now.as_second() - renewed.0.as_second());
    match age {
        Some(age) if age <= limit => Check::new(name, Pass, format!("{holder} is at work")),
        Some(age) => {
            let detail = format!(
                "{holder} last worked {age} s ago: see kubectl get pods -n {namespace} and kubectl logs -n {namespace} -l app.kubernetes.io/name=chatbot-operator --prefix"
            );
            Check::new(name, Fail, detail)
        }
        None => Check::new(name, Fail, format!("nobody holds its Lease: see kubectl get pods -n {namespace}")),
    }
}

fn ready(environment: &ChatbotEnvironment) -> Check {
    let name = "environment";
    let Some(status) = &environment.status else {
        return Check::new(name, Fail, "the operator has not seen it: check that the operator watches this namespace");
    };
    let stalled = conditions::find(&status.conditions, conditions::STALLED);
    match (stalled.filter(|stalled| stalled.status == "True"), conditions::find(&status.conditions, conditions::READY))
    {
        (_, Some(ready)) if is_wished(&ready.reason) => {
            Check::new(name, Warn, format!("as a person wishes, {}: {}", ready.reason, ready.message))
        }
        (Some(stalled), _) => Check::new(name, Fail, format!("stalled, {}: {}", stalled.reason, stalled.message)),
        (None, Some(ready)) if ready.status == "True" => Check::new(name, Pass, format!("ready: {}", ready.message)),
        (None, Some(ready)) => Check::new(name, Fail, format!("not ready, {}: {}", ready.reason, ready.message)),
        (None, None) => Check::new(name, Fail, "the operator has not judged it yet: wait a moment"),
    }
}

/// What somebody asked for is no fault.
fn is_wished(reason: &str) -> bool {
    [reasons::ROLLED_BACK, reasons::AWAITING_PROMOTION, reasons::PAUSED, reasons::SUSPENDED].contains(&reason)
}

fn secret(surroundings: &Surroundings, namespace: &str) -> Check {
    let name = "secret";
    let environment = &surroundings.environment;
    let secret = &environment.spec.secret_ref.name;
    let keys = match &surroundings.secret {
        Err(cause) => return Check::new(name, Skipped, cause),
        Ok(None) => {
            let detail = format!(
                "{secret} does not exist: kubectl create secret generic {secret} -n {namespace} --from-env-file=FILE"
            );
            return Check::new(name, Fail, detail);
        }
        Ok(Some(keys)) => keys,
    };
    let missing = missing(surroundings, keys);
    if missing.is_empty() {
        return Check::new(name, Pass, format!("{secret} has every variable that is needed"));
    }
    Check::new(name, Fail, format!("{secret} lacks {}: add them", missing.join(", ")))
}

fn missing(surroundings: &Surroundings, keys: &BTreeSet<String>) -> Vec<&'static str> {
    let provisioned = surroundings.provisioned.as_ref().ok().and_then(Option::as_ref);
    let settings = &surroundings.environment.spec.settings;
    let given = |key: &str| {
        keys.contains(key)
            || settings.contains_key(key)
            || provisioned.is_some_and(|provisioned| provisioned.contains(key))
    };
    required_of_user(&surroundings.environment).iter().copied().filter(|key| !given(key)).collect()
}

fn pods(surroundings: &Surroundings) -> Check {
    let name = "pods";
    let pods = match &surroundings.pods {
        Err(cause) => return Check::new(name, Skipped, cause),
        Ok(pods) => pods,
    };
    let environment = &surroundings.environment;
    let unready: Vec<_> = pods.iter().filter(|pod| !is_ready(pod)).map(describe).collect();
    match (pods.len(), unready.len()) {
        (0, _) if environment.spec.suspend => Check::new(name, Pass, "none, because spec.suspend is true"),
        (0, _) => Check::new(name, Fail, "there are none: what keeps the environment from being ready stands above"),
        (count, 0) => Check::new(name, Pass, format!("all {count} are ready")),
        (count, bad) => {
            let detail = format!(
                "{bad} of {count} are not ready: {}; see kubectl chatbot logs {}",
                unready.join("; "),
                environment.name_any()
            );
            Check::new(name, Fail, detail)
        }
    }
}

/// A pod and the first thing that its containers wait for.
fn describe(pod: &Pod) -> String {
    let status = pod.status.as_ref();
    let containers = status.and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
    let waiting = containers.iter().find_map(|container| container.state.as_ref()?.waiting.as_ref()?.reason.clone());
    let cause = waiting.or_else(|| status.and_then(|status| status.phase.clone())).unwrap_or_default();
    format!("{} ({cause})", pod.name_any())
}

fn services(environment: &ChatbotEnvironment) -> Check {
    let services = environment.status.as_ref().map(|status| status.services.as_slice()).unwrap_or_default();
    let down: Vec<_> = services.iter().filter(|service| !service.healthy).collect();
    if services.is_empty() {
        return Check::new("services", Skipped, "no pod has been asked yet");
    }
    if down.is_empty() {
        return Check::new("services", Pass, format!("all {} answer", services.len()));
    }
    let told: Vec<_> = down.iter().map(|service| format!("{} ({})", service.name, service.message)).collect();
    Check::new("services", Warn, format!("the chatbot does without {}", told.join(", ")))
}

/// That it is ill keeps nobody from being served.
fn monitor(environment: &ChatbotEnvironment) -> Option<Check> {
    let conditions = environment.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let condition = conditions::find(conditions, conditions::MONITOR_HEALTHY)?;
    let outcome = match condition.status.as_str() {
        "True" => Pass,
        "False" => Warn,
        _ if condition.reason == reasons::MONITOR_OFF => Pass,
        _ => Skipped,
    };
    Some(Check::new("task monitor", outcome, &condition.message))
}

fn warnings(surroundings: &Surroundings, now: Timestamp) -> Check {
    let name = "recent warnings";
    let events = match &surroundings.warnings {
        Err(cause) => return Check::new(name, Skipped, cause),
        Ok(events) => events,
    };
    let mut recent: Vec<_> = events.iter().filter_map(|event| Some((last_seen(event)?, event))).collect();
    recent.retain(|(at, _)| now.as_second() - at.as_second() <= RECENT);
    recent.sort_by_key(|(at, _)| *at);
    let Some((at, newest)) = recent.last() else { return Check::new(name, Pass, "none in the last hour") };
    let object = newest.involved_object.name.as_deref().unwrap_or_default();
    let (reason, message) =
        (newest.reason.as_deref().unwrap_or_default(), newest.message.as_deref().unwrap_or_default());
    let minutes = (now.as_second() - at.as_second()) / 60;
    Check::new(
        name,
        Warn,
        format!("{} in the last hour, the newest {minutes} min ago: {object}, {reason}: {message}", recent.len()),
    )
}

fn last_seen(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    series.or(last).or_else(|| event.event_time.as_ref().map(|time| time.0))
}

fn versions(observed: &Observed, environment: &ChatbotEnvironment) -> Check {
    let plugin = env!("CARGO_PKG_VERSION");
    let wanted = image::tag(&environment.spec.image);
    let release = environment.status.as_ref().and_then(|status| status.release.as_ref());
    let active = release.and_then(|release| release.image_tag.clone()).unwrap_or_else(|| "none".to_owned());
    let operator = operator_version(observed);
    let text = format!("plugin {plugin}, operator {}, chatbot {active}", operator.unwrap_or("unknown"));
    if operator.is_some_and(|operator| operator != plugin) {
        return Check::new("versions", Warn, format!("{text}: use the plugin of the operator's version"));
    }
    if active != wanted {
        return Check::new("versions", Warn, format!("{text}: the spec asks for {wanted}; see kubectl chatbot status"));
    }
    Check::new("versions", Pass, text)
}

/// As the operator itself says it. The tag of its image, and labels made of it, are what somebody called the image.
fn operator_version(observed: &Observed) -> Option<&str> {
    let lease = observed.lease.as_ref().ok()?.as_ref()?;
    lease.annotations().get(lease::VERSION).map(String::as_str)
}
