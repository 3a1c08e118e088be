//! What a release failed of, told from the words that it ended with: a word for metrics, and for people what to do next.
//!
//! The status keeps the words alone. They are written in `watch`, `facts`, `trouble` and the state machine's `verdict`: who changes them
//! there changes them here too.

use super::{facts::NO_ANSWER, trouble::NO_CHATBOT};
use crate::{crd::Phase, release::is_by_a_person};

/// What a release failed of, or gave way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A person took it back.
    Person,
    /// Another spec took its place.
    Superseded,
    /// Too many of its users' requests failed.
    Errors,
    /// They took too long.
    Latency,
    /// A container ended again and again.
    Crash,
    /// Its servers were up, and are not any more.
    Unready,
    /// Its workers did not come up.
    Workers,
    /// Its image is another program's.
    NoChatbot,
    /// It answers in another release's name.
    OtherRelease,
    /// It does not fit the schema that its own migrations left.
    Schema,
    /// A service is ill for it that was well before.
    Service,
    /// It gives no answer to a question.
    NoAnswer,
    /// Something else, which the words themselves say.
    Other,
}

/// How the words begin; the first that fits is taken.
const BEGINNINGS: [(&str, Cause); 5] = [
    ("the workers do not come up: ", Cause::Workers),
    ("95 of 100 requests took up to ", Cause::Latency),
    ("a server says that it runs release ", Cause::OtherRelease),
    ("the database's schema does not fit the release", Cause::Schema),
    (NO_ANSWER, Cause::NoAnswer),
];

/// What they contain, where they begin with a number or a name.
const CONTENTS: [(&str, Cause); 6] = [
    (NO_CHATBOT, Cause::NoChatbot),
    (" ends again and again: ", Cause::Crash),
    (" requests failed, more than ", Cause::Errors),
    (" servers are not ready any more", Cause::Unready),
    ("at the end of its bake ", Cause::Unready),
    (" is not healthy: ", Cause::Service),
];

impl Cause {
    /// The cause that these words tell of.
    #[must_use]
    pub fn of(words: &str) -> Self {
        if is_by_a_person(words) {
            return Self::Person;
        }
        let words = words.strip_prefix("timed out: ").unwrap_or(words);
        let begins = BEGINNINGS.iter().find(|(beginning, _)| words.starts_with(beginning));
        let contains = || CONTENTS.iter().find(|(content, _)| words.contains(content));
        begins.or_else(contains).map_or(Self::Other, |(_, cause)| *cause)
    }

    /// Why a release was taken back that had the traffic, as the label of a metric.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Superseded => "superseded",
            Self::Errors => "errors",
            Self::Latency => "latency",
            Self::Crash => "crash",
            Self::Unready => "unready",
            Self::Workers => "workers",
            Self::NoChatbot | Self::OtherRelease | Self::Schema | Self::Service | Self::NoAnswer | Self::Other => {
                "other"
            }
        }
    }

    /// What a person does about a release that failed of it in this phase, beside asking for it once more.
    #[must_use]
    pub const fn next(self, phase: Phase) -> &'static str {
        match self {
            Self::Errors => "see in your log collector what its servers said, and mend the image or the settings",
            Self::Latency => "mend the image, or raise release.analysis.maxP95",
            Self::Crash | Self::Unready => "mend the image, or the settings with which it ends",
            Self::NoChatbot => "write a chatbot's image into spec.image",
            Self::OtherRelease => {
                "build the image anew, so that it answers with the RELEASE_ID that it is given, and write it into spec.image"
            }
            Self::Schema => "build the image with every migration that it needs, and write it into spec.image",
            Self::Service => "mend the service, or correct its address in the spec or the Secret",
            Self::NoAnswer => "correct the model's address, name or key in the spec or the Secret",
            Self::Other if matches!(phase, Phase::Migrate) => "write the mended image into spec.image",
            Self::Person | Self::Superseded | Self::Workers | Self::Other => "change the spec or the Secret",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words as they stand in the status, with what became of the schema behind them.
    #[test]
    fn the_cause_is_told_from_the_words_that_a_release_ended_with() {
        let table = [
            ("a person took it back; schema: reverted 1 migration", Cause::Person, "person"),
            ("6.2 % of 211 requests failed, more than 5.0 %; schema: nothing to revert", Cause::Errors, "errors"),
            ("95 of 100 requests took up to 4.75 s, more than 2 s", Cause::Latency, "latency"),
            ("container worker ends again and again: out of luck; the schema stays", Cause::Crash, "crash"),
            ("3 of 3 servers are not ready any more", Cause::Unready, "unready"),
            ("2 of 3 servers are not ready any more: container app ended: exit code 1", Cause::Unready, "unready"),
            ("the workers do not come up: no node takes a pod: Insufficient cpu", Cause::Workers, "workers"),
            ("the workers do not come up: container worker ends again and again: no", Cause::Workers, "workers"),
            (
                "timed out: provisioning: spec.image is no chatbot image: exec: provision: not found",
                Cause::NoChatbot,
                "other",
            ),
            ("timed out: a server says that it runs release 0000000000", Cause::OtherRelease, "other"),
            ("timed out: the database's schema does not fit the release", Cause::Schema, "other"),
            ("timed out: qdrant is not healthy: connection refused", Cause::Service, "other"),
            (
                "timed out: a server gives no answer to a question: it answered 503; look at its log",
                Cause::NoAnswer,
                "other",
            ),
            ("timed out: image chatbot:9 cannot be pulled: the registry does not have it", Cause::Other, "other"),
            ("", Cause::Other, "other"),
        ];
        for (words, cause, label) in table {
            assert_eq!((Cause::of(words), Cause::of(words).label()), (cause, label), "{words}");
        }
        assert_eq!(Cause::Superseded.label(), "superseded");
    }

    #[test]
    fn each_cause_has_a_next_step_of_its_own_and_a_migration_needs_another_image() {
        let next = |words: &str, phase| Cause::of(words).next(phase);
        assert_eq!(next("timed out: a migration failed", Phase::Migrate), "write the mended image into spec.image");
        assert_eq!(next("timed out: image x cannot be pulled", Phase::Backup), "change the spec or the Secret");
        assert_eq!(
            next(&format!("timed out: {NO_CHATBOT}: exec"), Phase::Migrate),
            "write a chatbot's image into spec.image"
        );
        let causes = [
            Cause::Errors,
            Cause::Latency,
            Cause::Crash,
            Cause::NoChatbot,
            Cause::OtherRelease,
            Cause::Schema,
            Cause::Service,
            Cause::NoAnswer,
            Cause::Other,
        ];
        let steps: std::collections::BTreeSet<_> = causes.iter().map(|cause| cause.next(Phase::Check)).collect();
        assert_eq!(steps.len(), causes.len());
    }
}
