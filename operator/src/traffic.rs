//! What a server's own metrics tell about its users: how many were served, how many were failed, and how fast.
//!
//! The chatbot publishes `http_requests_total` and `http_request_duration_seconds` in the Prometheus text format. Counters
//! begin at zero with each process, so those of a new release's servers tell of that release alone.

use std::collections::BTreeMap;

use crate::release::Requests;

/// Routes of probes and of Prometheus itself; their callers are no users.
const UNCOUNTED: [&str; 2] = ["/health", "/metrics"];

/// Requests that one or several servers answered since they started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    /// All of them.
    pub requests: u64,
    /// Those that were answered with a status from 500 on.
    pub errors: u64,
    /// How many took at most so many microseconds; the counts grow with the time.
    within: BTreeMap<u64, u64>,
}

impl Traffic {
    /// Reads an answer in the Prometheus text format; lines that it does not know tell nothing.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut traffic = Self::default();
        for sample in text.lines().filter_map(Sample::read).filter(Sample::is_of_users) {
            match sample.name {
                "http_requests_total" => traffic.count_request(&sample),
                "http_request_duration_seconds_bucket" => traffic.count_bucket(&sample),
                _ => {}
            }
        }
        traffic
    }

    /// The traffic of several servers together.
    #[must_use]
    pub fn sum<'a>(servers: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for server in servers {
            sum.requests += server.requests;
            sum.errors += server.errors;
            for (limit, count) in &server.within {
                *sum.within.entry(*limit).or_default() += count;
            }
        }
        sum
    }

    /// The share of requests that failed, from 0 to 1; zero while there was none.
    #[must_use]
    pub fn error_ratio(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { share(self.errors, self.requests) }
    }

    /// The counts without those of some requests.
    #[must_use]
    pub fn without(&self, discounted: Requests) -> Self {
        Self {
            requests: self.requests.saturating_sub(discounted.all),
            errors: self.errors.saturating_sub(discounted.failed),
            within: self.within.clone(),
        }
    }

    /// Seconds within which 95 of 100 requests were answered, as PromQL's `histogram_quantile` estimates it: evenly spread
    /// within the bucket that holds it, and the lower end of the slowest bucket. None where nothing was measured.
    #[must_use]
    pub fn p95(&self) -> Option<f64> {
        let all = self.within.values().max().copied().filter(|all| *all > 0)?;
        let (mut lower, mut before) = (0.0, 0);
        for (limit, count) in &self.within {
            if share(*count, all) >= 0.95 {
                let (wanted, inside) = (share(all, 1).mul_add(0.95, -share(before, 1)), share(*count - before, 1));
                let upper = if *limit == u64::MAX { lower } else { seconds(*limit) };
                return Some((upper - lower).mul_add((wanted / inside).clamp(0.0, 1.0), lower));
            }
            (lower, before) = (seconds(*limit), *count);
        }
        None
    }

    fn count_request(&mut self, sample: &Sample<'_>) {
        self.requests += sample.value;
        if sample.label("status").is_some_and(|status| status.starts_with('5')) {
            self.errors += sample.value;
        }
    }

    fn count_bucket(&mut self, sample: &Sample<'_>) {
        if let Some(limit) = sample.label("le").and_then(microseconds) {
            *self.within.entry(limit).or_default() += sample.value;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of counters needs no more digits than a float has")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[expect(clippy::cast_precision_loss, reason = "limits of buckets are small")]
fn seconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1e6
}

/// A bucket's limit as a whole number, so that buckets of several servers meet.
fn microseconds(limit: &str) -> Option<u64> {
    let seconds: f64 = limit.parse().ok().filter(|seconds: &f64| *seconds >= 0.0)?;
    if seconds.is_infinite() {
        return Some(u64::MAX);
    }
    let duration = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    u64::try_from(duration.as_micros()).ok()
}

/// One line: `name{label="value",…} value`.
struct Sample<'a> {
    name: &'a str,
    labels: &'a str,
    value: u64,
}

impl<'a> Sample<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (name, rest) = line.split_once('{')?;
        let (labels, value) = rest.rsplit_once('}')?;
        let value: f64 = value.split_whitespace().next()?.parse().ok()?;
        let whole = std::time::Duration::try_from_secs_f64(value).ok()?.as_secs();
        (!name.starts_with('#')).then_some(Self { name, labels, value: whole })
    }

    /// The chatbot's labels hold methods, routes, statuses and limits: none has a comma or a quotation mark in it.
    fn label(&self, name: &str) -> Option<&'a str> {
        let of_name = |pair: &'a str| pair.trim().strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"');
        self.labels.split(',').find_map(of_name)
    }

    fn is_of_users(&self) -> bool {
        self.label("path").is_some_and(|path| !UNCOUNTED.iter().any(|route| path.starts_with(route)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = r#"# HELP http_requests Requests answered.
# TYPE http_requests counter
http_requests_total{method="POST",path="/api/v1/chat",status="200"} 90
http_requests_total{method="POST",path="/api/v1/chat",status="502"} 6
http_requests_total{method="GET",path="/api/v1/documents/{id}",status="404"} 4
http_requests_total{method="GET",path="/health/ready",status="503"} 1000
http_requests_total{method="GET",path="/metrics",status="200"} 50
http_request_duration_seconds_bucket{le="0.005",method="POST",path="/api/v1/chat"} 10
http_request_duration_seconds_bucket{le="0.5",method="POST",path="/api/v1/chat"} 94
http_request_duration_seconds_bucket{le="2.5",method="POST",path="/api/v1/chat"} 96
http_request_duration_seconds_bucket{le="+Inf",method="POST",path="/api/v1/chat"} 96
http_request_duration_seconds_bucket{le="0.005",method="GET",path="/health/ready"} 1000
http_requests_active 3
chat_tokens_total{direction="completion"} 12
# EOF
"#;

    #[test]
    fn users_are_counted_and_probes_are_not() {
        let traffic = Traffic::read(METRICS);
        assert_eq!((traffic.requests, traffic.errors), (100, 6));
        assert!((traffic.error_ratio() - 0.06).abs() < 1e-9);
        // 91.2 of 96 is the place; 10 of 96 took up to 5 ms, 94 up to half a second.
        let p95 = traffic.p95().unwrap();
        assert!((p95 - (0.005 + 0.495 * 81.2 / 84.0)).abs() < 1e-6, "{p95}");
    }

    #[test]
    fn servers_are_judged_together() {
        let (one, other) = (Traffic::read(METRICS), Traffic::read(&METRICS.replace(" 94", " 20")));
        let both = Traffic::sum([&one, &other]);
        assert_eq!((both.requests, both.errors), (200, 12));
        assert!((1.0..2.5).contains(&both.p95().unwrap()), "{:?}", both.p95());
        let slow = Traffic::read(
            "http_request_duration_seconds_bucket{le=\"1\",path=\"/\"} 1\nhttp_request_duration_seconds_bucket{le=\"+Inf\",path=\"/\"} 9",
        );
        assert_eq!(slow.p95(), Some(1.0), "it is at least that");
    }

    #[test]
    fn what_is_no_metric_tells_nothing() {
        for text in ["", "<html>", "http_requests_total{", "http_requests_total{path=\"/\"} NaN", "}{"] {
            assert_eq!(Traffic::read(text), Traffic::default(), "{text}");
        }
        assert_eq!(Traffic::default().p95(), None);
    }
}
