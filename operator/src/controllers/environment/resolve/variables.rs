//! The variables of a release: which source wins, which are required, which the operator alone decides.
//!
//! From the lowest layer to the highest: the tier's settings, credentials made on shared services, the user's Secret,
//! `spec.settings`, and what the spec says outright (ENVIRONMENT, RESOURCE_PREFIX).

use secrecy::{ExposeSecret, SecretString};

use super::{NotActedOn, Problem, References, Variables};
use crate::crd::{ChatbotEnvironment, Tier, tier};
use crate::resources::names;

/// Variables without which the chatbot does not start.
pub const REQUIRED: [&str; 5] = ["DATABASE_URL", "REDIS_URL", "QDRANT_URL", "SECRET_KEY", "OPENROUTER_API_KEY"];
/// Of these, what nobody but the user can supply when the operator makes the rest.
const REQUIRED_WITH_PROVISION: [&str; 2] = ["SECRET_KEY", "OPENROUTER_API_KEY"];

/// What the chatbot takes as LOG_LEVEL, in small letters; empty counts as unset.
const LOG_LEVELS: [&str; 9] = ["", "trace", "debug", "info", "warning", "warn", "error", "critical", "fatal"];

/// Variables that the operator sets on the pods, with the field that decides. Elsewhere they would have no effect.
const OPERATOR_OWNED: [(&str, &str); 10] = [
    ("RELEASE_ID", "the operator sets it"),
    ("PORT", "the operator sets it"),
    ("HOST", "the operator sets it"),
    ("MONITOR_PORT", "the operator sets it"),
    ("WORKERS", "spec.app.workers decides"),
    ("QUEUE_HIGH", "spec.worker.queues.high decides"),
    ("QUEUE_MEDIUM", "spec.worker.queues.medium decides"),
    ("QUEUE_LOW", "spec.worker.queues.low decides"),
    ("DRAIN_TIMEOUT", "spec.worker.drainTimeout decides"),
    ("TERMINATION_LOG", "the operator sets it"),
];

/// What the layers add up to.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// Every variable of the release, RELEASE_ID excepted.
    pub(super) variables: Variables,
    /// What is wrong with them.
    pub(super) problems: Vec<Problem>,
    /// What was given and has no effect.
    pub(super) not_acted_on: Vec<NotActedOn>,
}

/// Lays the sources over one another and checks the result.
pub(super) fn collect(environment: &ChatbotEnvironment, references: &References, prefix: &str) -> Layers {
    let mut layers = Layers::default();
    let spec = &environment.spec;
    layers.variables.extend(of_tier(spec.tier));
    layers.add_secret(references.provisioned.as_ref());
    layers.add_secret(references.secret.as_ref());
    layers
        .variables
        .extend(spec.settings.iter().map(|(name, value)| (name.clone(), SecretString::from(value.as_str()))));
    layers.take_operator_owned();
    layers.decide("ENVIRONMENT", spec.tier.as_str(), "tier");
    layers.decide("RESOURCE_PREFIX", prefix, "resourcePrefix");
    layers.refuse_unknown_level();
    if spec.tier != Tier::Dev {
        layers.refuse_debugging(spec.tier);
    }
    layers.require(environment, references);
    layers
}

impl Layers {
    fn add_secret(&mut self, secret: Option<&super::SecretData>) {
        let Some(secret) = secret else { return };
        let (variables, problems) = secret.variables();
        self.variables.extend(variables);
        self.problems.extend(problems);
    }

    fn take_operator_owned(&mut self) {
        for (name, who) in OPERATOR_OWNED {
            if self.variables.remove(name).is_some() {
                self.not_acted_on.push(NotActedOn::new(format!("variable {name}"), who));
            }
        }
    }

    /// Sets a variable to what the spec says. Another value in a lower layer is a mistake of the kind that mixes up two
    /// environments, so it is refused and not overruled.
    fn decide(&mut self, variable: &'static str, value: &str, field: &'static str) {
        let given = self.variables.insert(variable.to_owned(), SecretString::from(value));
        if given.is_some_and(|given| given.expose_secret() != value) {
            self.problems.push(Problem::Contradiction { variable, expected: value.to_owned(), field });
        }
    }

    /// From wherever they come; the same words are refused in `spec.settings` by the CRD.
    fn refuse_debugging(&mut self, tier: Tier) {
        if !self.is_one_of("DEBUG", &["", "false", "0", "off", "no"]) {
            self.problems.push(Problem::DebugRefused { tier });
        }
        if self.variables.contains_key("LOG_LEVEL") && self.is_one_of("LOG_LEVEL", &["debug", "trace"]) {
            self.problems.push(Problem::LogLevelRefused { tier });
        }
    }

    /// The chatbot does not start with a level that it does not know.
    fn refuse_unknown_level(&mut self) {
        if !self.is_one_of("LOG_LEVEL", &LOG_LEVELS) {
            self.problems.push(Problem::LogLevelUnknown);
        }
    }

    /// Whether a variable, in small letters, is one of `words`; also where there is none.
    fn is_one_of(&self, variable: &str, words: &[&str]) -> bool {
        let value = self.variables.get(variable).map(|value| value.expose_secret().trim().to_lowercase());
        value.is_none_or(|value| words.contains(&value.as_str()))
    }

    /// A missing Secret is one problem, not one for each key.
    fn require(&mut self, environment: &ChatbotEnvironment, references: &References) {
        let secret = environment.spec.secret_ref.name.clone();
        if references.secret.is_none() {
            let namespace = environment.metadata.namespace.clone().unwrap_or_default();
            let keys = required_of_user(environment).to_vec();
            self.problems.insert(0, Problem::SecretNotFound { secret, namespace, keys });
            return;
        }
        if environment.spec.provision.is_some() && references.provisioned.is_none() {
            let name = environment.metadata.name.as_deref().unwrap_or_default();
            self.problems.push(Problem::NotProvisioned { secret: names::provisioned_secret(name) });
            return;
        }
        let keys = missing(&self.variables, &REQUIRED);
        if !keys.is_empty() {
            self.problems.insert(0, Problem::KeysMissing { secret, keys });
        }
    }
}

/// Those of `required` that are absent or blank.
pub(super) fn missing(variables: &Variables, required: &[&'static str]) -> Vec<&'static str> {
    let present = |name: &str| variables.get(name).is_some_and(|value| !value.expose_secret().trim().is_empty());
    required.iter().copied().filter(|name| !present(name)).collect()
}

/// Variables that the user's Secret, or `spec.settings`, must bring.
#[must_use]
pub fn required_of_user(environment: &ChatbotEnvironment) -> &'static [&'static str] {
    if environment.spec.provision.is_some() { &REQUIRED_WITH_PROVISION } else { &REQUIRED }
}

fn of_tier(tier: Tier) -> Variables {
    let defaults = tier::defaults(tier);
    let pairs = [("DEBUG", defaults.debug.to_string()), ("LOG_LEVEL", defaults.log_level.to_owned())];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), SecretString::from(value))).collect()
}
