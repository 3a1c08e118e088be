//! Reads what the checks judge. What the user may not read is said, and the other checks go on.

use std::collections::BTreeSet;

use k8s_openapi::api::{
    apps::v1::Deployment,
    coordination::v1::Lease,
    core::v1::{Event, Pod, PodSpec, Secret},
};
use kube::{Api, Client, ResourceExt, api::ListParams};

use crate::{
    crd::ChatbotEnvironment,
    lease,
    plugin::{
        PluginError,
        target::{Target, within},
    },
    resources::{
        labels::{self, Component},
        names,
    },
};

/// Most warnings that are read.
const EVENTS: u32 = 500;
/// Variable that tells the operator the name of its Lease.
const LEASE_NAME: &str = "LEASE_NAME";

/// What could be read, or why not.
pub(super) type Read<T> = Result<T, String>;

/// Everything that the checks judge.
pub(super) struct Observed {
    /// Where the operator should run.
    pub(super) operator_namespace: String,
    /// Where the environment should be.
    pub(super) namespace: String,
    /// Whether the custom resource is known to the cluster.
    pub(super) installed: bool,
    /// The operator's Lease.
    pub(super) lease: Read<Option<Lease>>,
    /// The environment with what belongs to it.
    pub(super) environment: Read<Surroundings>,
}

/// An environment with what belongs to it.
pub(super) struct Surroundings {
    pub(super) environment: ChatbotEnvironment,
    /// Keys of the Secret of `spec.secretRef`.
    pub(super) secret: Read<Option<BTreeSet<String>>>,
    /// Keys of the Secret that the operator made with `spec.provision`.
    pub(super) provisioned: Read<Option<BTreeSet<String>>>,
    /// App and worker pods.
    pub(super) pods: Read<Vec<Pod>>,
    /// Warnings about the environment's objects.
    pub(super) warnings: Read<Vec<Event>>,
}

/// # Errors
/// When the cluster does not answer at all: then there is nothing to check.
pub(super) async fn observe(target: &Target, name: Option<&str>, operator: &str) -> Result<Observed, PluginError> {
    let found = target.environment(name).await;
    if let Err(error @ PluginError::Api { .. }) = found {
        return Err(error);
    }
    let installed = !matches!(found, Err(PluginError::NotInstalled));
    let environment = match found {
        Ok(environment) => Ok(surroundings(target, environment).await),
        Err(error) => Err(error.to_string()),
    };
    Ok(Observed {
        operator_namespace: operator.to_owned(),
        namespace: target.namespace.clone(),
        installed,
        lease: operator_lease(&target.client, operator).await,
        environment,
    })
}

/// The Lease has the name of the operator's Helm release: its pods know it, and where none is left, its Deployment.
pub(super) async fn operator_lease(client: &Client, namespace: &str) -> Read<Option<Lease>> {
    let (pods, deployments, leases): (Api<Pod>, Api<Deployment>, Api<Lease>) = (
        Api::namespaced(client.clone(), namespace),
        Api::namespaced(client.clone(), namespace),
        Api::namespaced(client.clone(), namespace),
    );
    let operator = ListParams::default().labels(&format!("{}={}", labels::NAME, labels::OPERATOR));
    let pods = within("list the operator's pods", pods.list(&operator)).await;
    let mut name = pods.ok().and_then(|pods| pods.items.iter().find_map(|pod| lease_name(pod.spec.as_ref()?)));
    if name.is_none() {
        let found = within("list the operator's Deployments", deployments.list(&operator)).await;
        name = found.ok().and_then(|found| found.items.iter().find_map(lease_of));
    }
    let name = name.unwrap_or_else(|| lease::NAME.to_owned());
    read(within("read the operator's Lease", leases.get_opt(&name)).await)
}

fn lease_of(deployment: &Deployment) -> Option<String> {
    lease_name(deployment.spec.as_ref()?.template.spec.as_ref()?)
}

/// The name of the Lease that these containers are told.
pub(super) fn lease_name(pod: &PodSpec) -> Option<String> {
    let mut variables = pod.containers.iter().flat_map(|container| container.env.iter().flatten());
    variables.find(|variable| variable.name == LEASE_NAME)?.value.clone()
}

async fn surroundings(target: &Target, environment: ChatbotEnvironment) -> Surroundings {
    let name = environment.name_any();
    Surroundings {
        secret: secret_keys(target, &environment.spec.secret_ref.name).await,
        provisioned: secret_keys(target, &names::provisioned_secret(&name)).await,
        pods: pods(target, &name).await,
        warnings: warnings(target, &name).await,
        environment,
    }
}

/// Only names of keys leave this function.
async fn secret_keys(target: &Target, name: &str) -> Read<Option<BTreeSet<String>>> {
    let secrets: Api<Secret> = target.api();
    let secret = read(within(&format!("read Secret {name}"), secrets.get_opt(name)).await)?;
    Ok(secret.map(|secret| secret.data.unwrap_or_default().into_keys().collect()))
}

async fn pods(target: &Target, name: &str) -> Read<Vec<Pod>> {
    let mut pods = read(target.pods(name, Component::App, None).await)?;
    pods.extend(read(target.pods(name, Component::Worker, None).await)?);
    Ok(pods)
}

async fn warnings(target: &Target, name: &str) -> Read<Vec<Event>> {
    let events: Api<Event> = target.api();
    let params = ListParams::default().fields("type=Warning").limit(EVENTS);
    let mut found = read(within("list events", events.list(&params)).await)?.items;
    let prefix = format!("{name}-");
    found.retain(|event| {
        let object = event.involved_object.name.as_deref().unwrap_or_default();
        object == name || object.starts_with(&prefix)
    });
    Ok(found)
}

fn read<T>(outcome: Result<T, PluginError>) -> Read<T> {
    outcome.map_err(|error| error.to_string())
}
