//! How a release fares in its bake: what its servers' own metrics say, and whether they stay up. Pure.

use kube::ResourceExt;

use super::{facts::available, observe::Observed, resolve::Resolved, trouble::trouble};
use crate::{
    crd::{Analysis, reasons},
    release::{Placed, ReleaseState, Watch},
    resources::labels::Component,
    traffic::Traffic,
};

/// Troubles of a pod that come from its release, not from its node.
const FATAL: [&str; 2] = [reasons::CRASH_LOOP, reasons::OUT_OF_MEMORY];

/// How the active release fares, beside the one before.
#[must_use]
pub fn watch(resolved: &Resolved, observed: &Observed, state: &ReleaseState) -> Watch {
    let (Some(active), Some(previous)) = (&state.active, &state.previous) else { return Watch::Unknown };
    if let Some(message) = downfall(resolved, active, observed) {
        return Watch::Ill { message };
    }
    match (traffic_of(active, observed), traffic_of(previous, observed)) {
        (None, _) => Watch::Unknown,
        (Some(now), before) => judge(&now, &before.unwrap_or_default(), &resolved.release.analysis),
    }
}

/// Servers that end again and again, or of which more than half are not up.
fn downfall(resolved: &Resolved, active: &Placed, observed: &Observed) -> Option<String> {
    let ill = trouble(observed, &[&active.release.id]).filter(|trouble| FATAL.contains(&trouble.reason));
    let (up, wanted) = available(&resolved.identity.name, Component::App, active, observed);
    let few = || format!("{up} of {wanted} servers are up");
    ill.map(|trouble| trouble.message).or_else(|| (up * 2 < wanted).then(few))
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

/// The slowest bucket has no end.
fn time(seconds: f64) -> String {
    if seconds.is_finite() { format!("{seconds} s") } else { "more than is measured".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("all is well", traffic(1000, 50, "1"), well(), "1000 requests, 5.0 % failed, 95 of 100 within 1 s"),
            ("errors", traffic(1000, 51, "1"), well(), "ill: 5.1 % of 1000 requests failed, more than 5.0 %"),
            (
                "errors as before",
                traffic(1000, 80, "1"),
                traffic(1000, 80, "1"),
                "1000 requests, 8.0 % failed, 95 of 100 within 1 s",
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
            ("slow", traffic(1000, 0, "5"), well(), "ill: 95 of 100 requests took up to 5 s, more than 2 s"),
            (
                "slow as before",
                traffic(1000, 0, "5"),
                traffic(1000, 0, "5"),
                "1000 requests, 0.0 % failed, 95 of 100 within 5 s",
            ),
        ];
        for (name, now, before, expected) in table {
            let said = match judge(&now, &before, &policy) {
                Watch::Ill { message } => format!("ill: {message}"),
                Watch::Well { message } => message,
                Watch::Unknown => "unknown".to_owned(),
            };
            assert_eq!(said, expected, "{name}");
        }
    }
}
