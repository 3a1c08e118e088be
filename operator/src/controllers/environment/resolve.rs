//! Spec, tier defaults and references become one [`Resolved`]: nothing later reads the raw spec.
//!
//! Pure: the references were read before, and what is missing or wrong in them comes back as [`Unresolved`], all of it at
//! once. Each topic has its file; this one says what belongs together.

pub mod backups;
pub mod database;
pub mod endpoints;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod grace;
pub mod identity;
pub mod image;
pub mod not_acted_on;
pub mod policies;
pub mod provision;
pub mod release_id;
pub mod routing;
pub mod secret_data;
#[cfg(test)]
mod tests;
pub mod unresolved;
pub mod variables;
pub mod workloads;

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::NetworkPolicyPeer;
use secrecy::SecretString;

pub use backups::Backups;
pub use database::{Database, DatabaseClaim};
pub use endpoints::Endpoints;
pub use grace::Graces;
pub use identity::Identity;
pub use image::Image;
pub use not_acted_on::NotActedOn;
pub use policies::{Migrations, Monitoring, ReleasePolicy};
pub use provision::{Credentials, Provision, provisioning};
pub use routing::{Certificate, Gateway, Routing, Way};
pub use secret_data::{SecretData, Variables};
pub use unresolved::{Problem, Unresolved};
pub use workloads::{App, Scale, TaskMonitor, Worker};

use crate::crd::environment::PullPolicy;
use crate::crd::{ChatbotEnvironment, ChatbotEnvironmentSpec, TierDefaults, tier};
use crate::release::Placed;

/// What the spec refers to, as it was read from the cluster.
#[derive(Clone, Debug, Default)]
pub struct References {
    /// The Secret of `spec.secretRef`, if it exists.
    pub secret: Option<SecretData>,
    /// The Secret `<env>-provisioned`, if it exists.
    pub provisioned: Option<SecretData>,
    /// The Secret of `spec.provision.adminSecretRef`, if it exists.
    pub admin: Option<SecretData>,
    /// The Secrets of `spec.backups.repository` and `.offsite` that exist, by name.
    pub repositories: BTreeMap<String, SecretData>,
    /// Databases of every environment, this one included.
    pub claims: Vec<DatabaseClaim>,
    /// Optional APIs that the cluster has.
    pub apis: Apis,
    /// Namespace of the operator's own pods; any namespace when unknown.
    pub operator_namespace: Option<String>,
}

/// Which optional APIs the cluster has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent fact about the cluster")]
pub struct Apis {
    /// HTTPRoute of the Gateway API.
    pub gateway: bool,
    /// ServiceMonitor of the Prometheus operator.
    pub service_monitor: bool,
    /// PodMonitor of the Prometheus operator.
    pub pod_monitor: bool,
    /// PrometheusRule of the Prometheus operator.
    pub prometheus_rule: bool,
    /// Certificate of cert-manager.
    pub cert_manager: bool,
}

/// Who may reach the pods, and what they reach.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Whether NetworkPolicies are made.
    pub policies: bool,
    /// Who else may reach the app.
    pub allow_from: Vec<NetworkPolicyPeer>,
    /// What app and worker connect to.
    pub endpoints: Endpoints,
    /// Namespace of the operator; any namespace when unset.
    pub operator_namespace: Option<String>,
}

/// An environment with nothing left to look up.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Which environment, and which generation of its spec.
    pub identity: Identity,
    /// The image of the release that the spec asks for.
    pub image: Image,
    /// Prefix that keeps the environment's data apart on shared services.
    pub prefix: String,
    /// Every variable of the release that the spec asks for, RELEASE_ID among them.
    pub variables: Variables,
    /// Id of the release that the spec asks for.
    pub release_id: String,
    /// The HTTP servers.
    pub app: App,
    /// The background workers.
    pub worker: Worker,
    /// The task monitor; none where the spec switches it off.
    pub monitor: Option<TaskMonitor>,
    /// How long app pods may take to end: those of this release, and of others that may run.
    pub graces: Graces,
    /// How users reach the environment; only through its Service when unset.
    pub routing: Option<Routing>,
    /// NetworkPolicies.
    pub network: Network,
    /// Whether node drains are held to one pod at a time.
    pub disruption_budget: bool,
    /// Whether pods are spread over nodes and zones.
    pub topology_spread: bool,
    /// How the schema moves.
    pub migrations: Migrations,
    /// How a release proceeds.
    pub release: ReleasePolicy,
    /// Objects for Prometheus.
    pub monitoring: Monitoring,
    /// Whether everything is scaled to zero.
    pub suspend: bool,
    /// Backups and drills.
    pub backups: Backups,
    /// Where the data lives.
    pub database: Database,
    /// Since when the environment has used that database; unset before its first release there.
    pub database_since: Option<jiff::Timestamp>,
    /// What has to be made on shared services, if anything.
    pub provision: Option<Provision>,
    /// What the spec says and has no effect.
    pub not_acted_on: Vec<NotActedOn>,
}

impl Resolved {
    /// As if the spec wanted everything at zero.
    pub fn stop(&mut self) {
        self.suspend = true;
        self.app.scale = Scale::Fixed(0);
        self.worker.scale = Scale::Fixed(0);
        if let Some(monitor) = &mut self.monitor {
            monitor.replicas = 0;
        }
    }
}

/// Resolves an environment.
///
/// # Errors
/// Everything that is missing or wrong in the references, each with what to do next.
pub fn resolve(environment: &ChatbotEnvironment, references: &References) -> Result<Resolved, Unresolved> {
    let layers = variables::collect(environment, references, &prefix(environment));
    Unresolved::unless_empty(layers.problems)?;
    Unresolved::unless_empty(backups::problems(environment, references))?;
    let database = database(environment, references, &layers.variables)?;
    let mut resolved = assemble(environment, references, layers.variables, database);
    resolved.provision = provision::job(environment, references, &resolved.release_id)?;
    resolved.not_acted_on.extend(layers.not_acted_on);
    Ok(resolved)
}

/// The environment as if it asked for a release that runs, with the variables that this was started with: what stands in while
/// those of the spec cannot be used. Nothing where they cannot be used either.
#[must_use]
pub fn as_released(
    environment: &ChatbotEnvironment,
    references: &References,
    released: &SecretData,
    placed: &Placed,
) -> Option<Resolved> {
    let references = References { secret: Some(released.clone()), ..references.clone() };
    let mut resolved = resolve(environment, &references).ok()?;
    resolved.release_id.clone_from(&placed.release.id);
    resolved.image.reference.clone_from(&placed.release.image);
    Some(resolved)
}

/// How releases and migrations of an environment proceed; nothing has to be read for it.
#[must_use]
pub fn policies(environment: &ChatbotEnvironment) -> (ReleasePolicy, Migrations) {
    let defaults = tier::defaults(environment.spec.tier);
    let spec = &environment.spec;
    (ReleasePolicy::of(&spec.release, &defaults), Migrations::of(&spec.migrations, &defaults))
}

/// When an environment is backed up and what is promised; nothing has to be read for it.
#[must_use]
pub fn backups(environment: &ChatbotEnvironment) -> Backups {
    Backups::of(&environment.spec.backups, &tier::defaults(environment.spec.tier), Endpoints::default())
}

/// The environment's prefix on shared services.
#[must_use]
pub fn prefix(environment: &ChatbotEnvironment) -> String {
    environment.spec.resource_prefix.clone().unwrap_or_else(|| environment.spec.tier.resource_prefix())
}

/// The database, if it may be used: encrypted where the tier wants it, and nobody else's.
fn database(
    environment: &ChatbotEnvironment,
    references: &References,
    variables: &Variables,
) -> Result<Database, Problem> {
    let identity = Identity::of(environment);
    let url = variables.get("DATABASE_URL").cloned().unwrap_or_default();
    let database = Database::parse(&url, &identity.namespace)?;
    if tier::defaults(identity.tier).database_tls_required && !database.tls {
        return Err(Problem::DatabaseTlsRequired { tier: identity.tier });
    }
    match database::earlier_owner(&database, &identity, &references.claims) {
        Some(owner) => Err(Problem::DatabaseShared { owner }),
        None => Ok(database),
    }
}

fn assemble(
    environment: &ChatbotEnvironment,
    references: &References,
    variables: Variables,
    database: Database,
) -> Resolved {
    let (spec, identity) = (&environment.spec, Identity::of(environment));
    let defaults = tier::defaults(identity.tier);
    let backups = Backups::of(&spec.backups, &defaults, backups::reached(references, &identity.namespace));
    let mut not_acted_on = not_acted_on::of_release(&spec.release, &defaults);
    not_acted_on.extend(not_acted_on::by_other_fields(spec, &backups));
    let monitoring = Monitoring::of(&spec.monitoring, &defaults, references.apis);
    not_acted_on.extend(not_acted_on::monitoring(&monitoring, references.apis));
    let (variables, release_id) = with_release_id(&spec.image, variables);
    Resolved {
        image: image(spec),
        prefix: prefix(environment),
        app: workloads::app(&spec.app, &defaults, spec.suspend),
        worker: workloads::worker(&spec.worker, &defaults, spec.suspend),
        monitor: monitor(spec, &variables, &identity, &defaults),
        graces: Graces::of(&release_id, &variables),
        routing: routing::routing(spec, &identity, references.apis, &mut not_acted_on),
        network: network(spec, references, endpoints::endpoints(&variables, &identity.namespace)),
        disruption_budget: defaults.disruption_budget,
        topology_spread: defaults.topology_spread,
        migrations: Migrations::of(&spec.migrations, &defaults),
        release: ReleasePolicy::of(&spec.release, &defaults),
        monitoring,
        suspend: spec.suspend,
        backups,
        database_since: database::since(&database, &identity, &references.claims),
        database,
        provision: None,
        not_acted_on,
        identity,
        variables,
        release_id,
    }
}

fn monitor(
    spec: &ChatbotEnvironmentSpec,
    variables: &Variables,
    identity: &Identity,
    defaults: &TierDefaults,
) -> Option<TaskMonitor> {
    let endpoints = endpoints::of_monitor(variables, &identity.namespace);
    workloads::monitor(&spec.monitor, defaults, spec.suspend, endpoints)
}

/// RELEASE_ID is a variable of the release, but cannot be part of its own hash.
fn with_release_id(image: &str, mut variables: Variables) -> (Variables, String) {
    let release_id = release_id::release_id(image, &variables);
    variables.insert("RELEASE_ID".to_owned(), SecretString::from(release_id.as_str()));
    (variables, release_id)
}

fn image(spec: &ChatbotEnvironmentSpec) -> Image {
    Image {
        reference: spec.image.clone(),
        pull_policy: spec.image_pull_policy.map(|policy| PullPolicy::as_str(policy).to_owned()),
        pull_secrets: spec.image_pull_secrets.iter().map(|secret| secret.name.clone()).collect(),
    }
}

fn network(spec: &ChatbotEnvironmentSpec, references: &References, endpoints: Endpoints) -> Network {
    Network {
        policies: spec.network.policies,
        allow_from: spec.network.allow_from.clone(),
        endpoints,
        operator_namespace: references.operator_namespace.clone(),
    }
}
