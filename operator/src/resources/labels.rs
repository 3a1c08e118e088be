//! Label keys, and the label sets built from them.
//!
//! Selectors of Deployments cannot change after creation: [`selector`] holds only what never changes for a colour.

use std::collections::BTreeMap;
use std::fmt;

use crate::controllers::environment::resolve::Identity;
use crate::crd::Colour;

/// Labels of one object, or of one selector.
pub type Labels = BTreeMap<String, String>;

/// Name of the application, one of the labels that Kubernetes recommends.
pub const NAME: &str = "app.kubernetes.io/name";
/// The environment, under the name that generic tools look for.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// The part of the environment that an object belongs to: see [`Component`].
pub const COMPONENT: &str = "app.kubernetes.io/component";
/// Who writes the object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Tag of the chatbot image.
pub const VERSION: &str = "app.kubernetes.io/version";
/// The platform that the application belongs to.
pub const PART_OF: &str = "app.kubernetes.io/part-of";
/// The environment that owns the object.
pub const ENVIRONMENT: &str = "chatbot.platform/environment";
/// The slot that the object fills: blue or green.
pub const COLOUR: &str = "chatbot.platform/colour";
/// Id of the release that the object was made for.
pub const RELEASE: &str = "chatbot.platform/release";
/// On Services: which pods stand behind it, [`ACTIVE`] or [`PREVIEW`].
pub const SERVICE: &str = "chatbot.platform/service";
/// Tier of the environment.
pub const TIER: &str = "chatbot.platform/tier";
/// Fingerprint of the database that a release uses; on release Secrets only.
pub const DATABASE: &str = "chatbot.platform/database";
/// On Jobs of single runs: the uid of the object that asked for it.
pub const FOR: &str = "chatbot.platform/for";
/// On Jobs that back up or restore, and their pods: `incremental`, `full`, `drill`, or `restore-` and the step.
pub const BACKUP: &str = "chatbot.platform/backup";
/// On a namespace: its pods are an ingress controller and may reach the apps of environments.
pub const INGRESS_NAMESPACE: &str = "chatbot.platform/ingress";
/// On a namespace: its Prometheus may read the metrics of environments.
pub const MONITORING_NAMESPACE: &str = "chatbot.platform/monitoring";

/// Value of [`NAME`] on every object of an environment.
pub const APPLICATION: &str = "chatbot";
/// Value of [`NAME`] on the pods of the operator.
pub const OPERATOR: &str = "chatbot-operator";
/// Value of [`SERVICE`]: the pods that users reach.
pub const ACTIVE: &str = "active";
/// Value of [`SERVICE`]: the candidate's pods.
pub const PREVIEW: &str = "preview";
/// Value of [`COLOUR`] that no pod carries.
pub const NO_COLOUR: &str = "none";

/// The part of an environment that an object belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// HTTP servers.
    App,
    /// Background workers.
    Worker,
    /// The task monitor.
    Monitor,
    /// Jobs that back the database up, and those that bring it back.
    Backup,
    /// Jobs that migrate the schema.
    Migrate,
    /// Jobs that make database, role, bucket and collections.
    Provision,
}

impl Component {
    /// The value of [`COMPONENT`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Worker => "worker",
            Self::Monitor => "monitor",
            Self::Backup => "backup",
            Self::Migrate => "migrate",
            Self::Provision => "provision",
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Labels of every object of an environment.
#[must_use]
pub fn common(identity: &Identity) -> Labels {
    labels([
        (NAME, APPLICATION),
        (INSTANCE, &identity.name),
        (MANAGED_BY, OPERATOR),
        (PART_OF, "chatbot-platform"),
        (ENVIRONMENT, &identity.name),
        (TIER, identity.tier.as_str()),
    ])
}

/// [`common`] labels of an object that belongs to one component.
#[must_use]
pub fn of_component(identity: &Identity, component: Component) -> Labels {
    with(common(identity), COMPONENT, component.as_str())
}

/// `labels` and one more.
#[must_use]
pub fn with(mut labels: Labels, key: &str, value: &str) -> Labels {
    labels.insert(key.to_owned(), value.to_owned());
    labels
}

/// Selects every pod of an environment.
#[must_use]
pub fn environment_selector(environment: &str) -> Labels {
    labels([(NAME, APPLICATION), (ENVIRONMENT, environment)])
}

/// Selects the pods of one component, whatever their colour.
#[must_use]
pub fn component_selector(environment: &str, component: Component) -> Labels {
    with(environment_selector(environment), COMPONENT, component.as_str())
}

/// Selects the pods of one component in one colour; without a colour it selects none.
#[must_use]
pub fn selector(environment: &str, component: Component, colour: Option<Colour>) -> Labels {
    let colour = colour.map_or(NO_COLOUR, Colour::as_str);
    with(component_selector(environment, component), COLOUR, colour)
}

/// `key=value,…`, the form that list and watch calls take.
#[must_use]
pub fn selector_string(selector: &Labels) -> String {
    let pairs: Vec<String> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(",")
}

fn labels<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
