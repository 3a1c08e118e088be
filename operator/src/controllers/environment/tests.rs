//! An environment in a cluster that only exists in memory: what the operator writes, and what it says.

mod at_rest;
mod backups;
mod blue_green;
mod needs;
mod owned;
mod releases;
mod standing_still;
mod task_monitor;
mod troubles;

use serde_json::{Value, json};

use super::{reconcile, resolve::fixtures};
use crate::{
    controllers::fake::{Cluster, container},
    crd::{ChatbotEnvironment, Tier, conditions},
};

const APP: &str = "/apis/apps/v1/namespaces/chatbot-dev/deployments/dev-app-blue";
const SERVICE: &str = "/api/v1/namespaces/chatbot-dev/services/dev";
const ENVIRONMENT: &str = "/apis/chatbot.platform/v1alpha1/namespaces/chatbot-dev/chatbotenvironments/dev";

/// For tests in which the first thing is the migration.
const NO_BACKUP: &str = "  migrations: {backupFirst: false}\n";

/// So many seconds later, as the memory of writes counts them.
async fn caches_age(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

fn condition(environment: &ChatbotEnvironment, type_: &str) -> Option<(String, String, String)> {
    let conditions = &environment.status.as_ref()?.conditions;
    let found = conditions::find(conditions, type_)?;
    Some((found.status.clone(), found.reason.clone(), found.message.clone()))
}

/// Status and reason of Ready.
fn ready(cluster: &Cluster) -> (String, String) {
    let (status, reason, _) = condition(&cluster.environment(), conditions::READY).unwrap();
    (status, reason)
}

fn message(cluster: &Cluster) -> String {
    condition(&cluster.environment(), conditions::READY).unwrap().2
}

fn told(status: &str, reason: &str) -> (String, String) {
    (status.to_owned(), reason.to_owned())
}

fn with_secret(cluster: &Cluster) {
    let variables = fixtures::user_variables();
    let pairs: Vec<_> = variables.iter().map(|(key, value)| (*key, value.as_str())).collect();
    cluster.put_secret("chatbot-dev", "chatbot", &pairs);
}

/// Every pod answers that it is well and runs this release.
fn pods_are_well(cluster: &Cluster, release: &str) {
    let services = json!([{"name": "postgresql", "healthy": true, "required": true, "message": "1.2 ms"}, {"name": "redis", "healthy": true}]);
    cluster.pods_answer(
        200,
        json!({"status": "ok", "releaseId": release, "schema": {"compatible": true}, "services": services}),
    );
}

fn candidate(cluster: &Cluster) -> String {
    cluster.environment().status.unwrap().release.unwrap().candidate.unwrap().id
}

pub(crate) async fn new_environment(more: &str) -> Cluster {
    let cluster = Cluster::with(fixtures::environment(Tier::Dev, more)).await;
    with_secret(&cluster);
    cluster
}

/// The candidate's pods answer well, and everything comes to rest.
async fn release(cluster: &Cluster) {
    cluster.reconcile().await;
    pods_are_well(cluster, &candidate(cluster));
    cluster.settle().await;
}

pub(crate) async fn running_environment() -> Cluster {
    let cluster = new_environment("").await;
    release(&cluster).await;
    assert_eq!(ready(&cluster), told("True", "ReleaseActive"));
    cluster
}

fn ask_for(cluster: &Cluster, image: &str) {
    cluster.change(ENVIRONMENT, |environment| {
        environment["spec"]["image"] = json!(image);
        environment["metadata"]["generation"] = json!(2);
    });
}

fn image_of(cluster: &Cluster, path: &str) -> Value {
    cluster.get(path).unwrap()["spec"]["template"]["spec"]["containers"][0]["image"].clone()
}

fn status_of(cluster: &Cluster) -> crate::crd::environment_status::ReleaseStatus {
    cluster.environment().status.unwrap().release.unwrap()
}

fn suspend(cluster: &Cluster, suspend: bool) {
    cluster.change(ENVIRONMENT, |environment| environment["spec"]["suspend"] = json!(suspend));
}

/// A second release whose servers are being checked, and do not pass.
async fn checked_environment() -> Cluster {
    let cluster = running_environment().await;
    ask_for(&cluster, "chatbot:2");
    while status_of(&cluster).phase != crate::crd::Phase::Check {
        cluster.reconcile().await;
        cluster.run_pods();
    }
    cluster
}

async fn look_at_dev(cluster: &Cluster) -> Result<(), crate::error::Error> {
    let is_dev = |found: &ChatbotEnvironment| found.metadata.namespace.as_deref() == Some("chatbot-dev");
    let environment = cluster.ctx.stores.environments.find(is_dev).unwrap();
    reconcile(environment, std::sync::Arc::clone(&cluster.ctx)).await.map(drop)
}
