//! How long an app pod may take to end before it is killed: as long as its release may take for the answer that it is in.
//!
//! The time is part of the pod template, so it must come from the variables of the pod's own release alone: with those of
//! another one, a release that serves would be restarted while the next is on its way.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::Variables;
use super::workloads::seconds;

/// No app pod has less, so that ordinary settings change no pod template. It is what the chatbot's own defaults add up to.
const SHORTEST: i64 = 180;
/// What an answer takes beside the model: the search before it, keeping it afterwards.
const AROUND_THE_MODEL: Duration = Duration::from_secs(15);
/// What the chatbot itself allows beyond the deadline of the last request, and what its end takes.
const MARGIN: Duration = Duration::from_secs(25);

/// A variable of the chatbot that holds seconds: its name, what it may be, and what it is when it is not set.
type Seconds = (&'static str, RangeInclusive<f64>, Duration);

const REQUEST_TIMEOUT: Seconds = ("REQUEST_TIMEOUT", 1.0..=3600.0, Duration::from_secs(150));
const LLM_TIMEOUT: Seconds = ("LLM_TIMEOUT", 1.0..=600.0, Duration::from_mins(2));
const DRAIN_DELAY: Seconds = ("DRAIN_DELAY", 0.0..=300.0, Duration::from_secs(5));

/// Seconds that app pods may take to end, by the id of their release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graces(BTreeMap<String, i64>);

impl Graces {
    /// That of one release, with these variables.
    pub(super) fn of(release_id: &str, variables: &Variables) -> Self {
        let answer = read(variables, REQUEST_TIMEOUT).max(read(variables, LLM_TIMEOUT) + AROUND_THE_MODEL);
        let longest = seconds(read(variables, DRAIN_DELAY) + answer + MARGIN);
        Self(BTreeMap::from([(release_id.to_owned(), longest.max(SHORTEST))]))
    }

    /// These, and those of other releases.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        let mut all = others.0;
        all.extend(self.0);
        Self(all)
    }

    /// Seconds for the pods of a release.
    #[must_use]
    pub fn seconds(&self, release_id: &str) -> i64 {
        self.0.get(release_id).copied().unwrap_or(SHORTEST)
    }
}

impl FromIterator<(String, i64)> for Graces {
    fn from_iter<T: IntoIterator<Item = (String, i64)>>(graces: T) -> Self {
        Self(graces.into_iter().collect())
    }
}

/// As the chatbot reads it. What it cannot read ends it at its start, so any time will do.
fn read(variables: &Variables, (name, range, default): Seconds) -> Duration {
    let text = variables.get(name).map(|value| value.expose_secret().trim());
    let number = text.and_then(|text| text.strip_suffix('s').unwrap_or(text).parse().ok());
    number
        .filter(|number| range.contains(number))
        .and_then(|number| Duration::try_from_secs_f64(number).ok())
        .unwrap_or(default)
}
