//! A length of time as people write it in Kubernetes and Prometheus: `30s`, `10m`, `1h30m`, `7d`.

use std::{borrow::Cow, fmt, str::FromStr, time};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Units from the longest to the shortest, with their length in milliseconds.
const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// What the CRD accepts: at least one number with its unit. Lengths are bounded so that no sum overflows.
const PATTERN: &str = "^([0-9]{1,9}(ms|s|m|h|d|w))+$";
/// The same without days and weeks: what CEL's own `duration()` understands.
const GO_PATTERN: &str = "^([0-9]{1,9}(ms|s|m|h))+$";
const MAX_LENGTH: usize = 24;

/// A length of time of millisecond precision. Kept in the text form of its largest exact unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(time::Duration);

impl Duration {
    /// That many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(time::Duration::from_millis(millis))
    }

    /// That many seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(time::Duration::from_secs(seconds))
    }

    /// That many minutes.
    #[must_use]
    pub const fn from_minutes(minutes: u64) -> Self {
        Self::from_secs(minutes * 60)
    }

    /// That many hours.
    #[must_use]
    pub const fn from_hours(hours: u64) -> Self {
        Self::from_minutes(hours * 60)
    }

    /// The standard library's type, for everything that computes or waits.
    #[must_use]
    pub const fn to_std(self) -> time::Duration {
        self.0
    }
}

impl From<Duration> for time::Duration {
    fn from(duration: Duration) -> Self {
        duration.to_std()
    }
}

/// A text that is no duration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no duration: write a number and a unit (ms, s, m, h, d, w), such as 30s, 10m or 7d")]
pub struct ParseDurationError(String);

impl FromStr for Duration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        total_millis(text).map(Self::from_millis).ok_or_else(|| ParseDurationError(text.to_owned()))
    }
}

/// The sum of all parts, or nothing where the text does not follow the grammar.
fn total_millis(text: &str) -> Option<u64> {
    let (mut rest, mut total) = (text, 0_u64);
    if rest.is_empty() || rest.len() > MAX_LENGTH {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let tail = rest.get(digits..)?;
        let unit_length = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, after) = tail.split_at_checked(unit_length)?;
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(*millis)?)?;
        rest = after;
    }
    Some(total)
}

impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return out.write_str("0s");
        }
        for (unit, millis) in UNITS {
            if rest >= millis && unit != "w" {
                write!(out, "{}{unit}", rest / millis)?;
                rest %= millis;
            }
        }
        Ok(())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": MAX_LENGTH,
            "x-kubernetes-validations": [{
                "rule": format!("self.matches('{PATTERN}')"),
                "message": "write a number and a unit (ms, s, m, h, d, w), such as 30s, 10m, 1h30m or 7d",
            }],
        })
    }
}

/// Schema of a timeout: from one second to one day, in units up to hours.
pub(crate) fn timeout(_: &mut SchemaGenerator) -> Schema {
    bounded("1s", "24h", "write a duration from 1s to 24h, such as 30s, 10m or 1h30m")
}

/// Schema of a latency: from one millisecond to ten minutes.
pub(crate) fn latency(_: &mut SchemaGenerator) -> Schema {
    bounded("1ms", "10m", "write a duration from 1ms to 10m, such as 800ms or 2s")
}

fn bounded(min: &str, max: &str, message: &str) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": MAX_LENGTH,
        "x-kubernetes-validations": [{
            "rule": format!(
                "self.matches('{GO_PATTERN}') && duration(self) >= duration('{min}') && duration(self) <= duration('{max}')"
            ),
            "message": message,
        }],
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_with_every_unit() {
        for (text, millis) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("10m", 600_000),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
            ("2w", 1_209_600_000),
            ("0s", 0),
        ] {
            assert_eq!(text.parse(), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn a_text_without_number_or_unit_is_refused() {
        for text in ["", "10", "m", "10 m", "-5m", "1.5h", "10min", "1h-", "1h30", "éh"] {
            assert!(text.parse::<Duration>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_duration_is_written_in_its_largest_units() {
        for (millis, text) in [(0, "0s"), (90_000, "1m30s"), (604_800_000, "7d"), (1_500, "1s500ms")] {
            assert_eq!(Duration::from_millis(millis).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0_u64..10_000_000) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
        }
    }
}
