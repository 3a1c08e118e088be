//! Which optional APIs the cluster has. They may come and go while the operator runs.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIGroupList;
use kube::Client;
use tokio::{sync::watch, time::sleep};

use super::environment::resolve::Apis;
use crate::error::{Error, within};

/// Pause between two looks.
const EVERY: Duration = Duration::from_mins(1);

/// Looks once.
///
/// # Errors
/// When the API server does not answer.
pub async fn discover(client: &Client) -> Result<Apis, Error> {
    within(|| "listing the API groups".to_owned(), client.list_api_groups()).await.map(|groups| present(&groups))
}

/// Looks again and again, and tells `tell` what changed; ends when nobody listens any more.
pub async fn follow(client: Client, tell: watch::Sender<Apis>) {
    while !tell.is_closed() {
        sleep(EVERY).await;
        match discover(&client).await {
            Ok(apis) => {
                tell.send_if_modified(|known| std::mem::replace(known, apis) != apis);
            }
            Err(error) => tracing::warn!(%error, "optional APIs are taken as they were"),
        }
    }
}

fn present(groups: &APIGroupList) -> Apis {
    let has = |name: &str| groups.groups.iter().any(|group| group.name == name);
    let prometheus = has("monitoring.coreos.com");
    Apis {
        gateway: has("gateway.networking.k8s.io"),
        service_monitor: prometheus,
        prometheus_rule: prometheus,
        cert_manager: has("cert-manager.io"),
    }
}
