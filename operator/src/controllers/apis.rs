//! Which optional APIs the cluster has. They may come and go while the operator runs.

use std::{collections::BTreeSet, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIGroupList;
use kube::Client;
use tokio::{sync::watch, time::sleep};

use super::environment::resolve::Apis;
use crate::error::{Error, within};

/// Pause between two looks.
const EVERY: Duration = Duration::from_mins(1);

/// Kinds that are used where the cluster has them: group and version, and the kind.
const OPTIONAL: [(&str, &str); 5] = [GATEWAY, SERVICE_MONITOR, POD_MONITOR, PROMETHEUS_RULE, CERTIFICATE];
const GATEWAY: (&str, &str) = ("gateway.networking.k8s.io/v1", "HTTPRoute");
const SERVICE_MONITOR: (&str, &str) = ("monitoring.coreos.com/v1", "ServiceMonitor");
const POD_MONITOR: (&str, &str) = ("monitoring.coreos.com/v1", "PodMonitor");
const PROMETHEUS_RULE: (&str, &str) = ("monitoring.coreos.com/v1", "PrometheusRule");
const CERTIFICATE: (&str, &str) = ("cert-manager.io/v1", "Certificate");

/// Looks once. A group alone says little: it may be there in another version, or with a part of its kinds.
///
/// # Errors
/// When the API server does not answer.
pub async fn discover(client: &Client) -> Result<Apis, Error> {
    let groups = within(|| "listing the API groups".to_owned(), client.list_api_groups()).await?;
    let mut kinds = Vec::new();
    for version in wanted(&groups) {
        let listed =
            within(|| format!("listing the kinds of {version}"), client.list_api_group_resources(version)).await;
        match listed {
            Ok(listed) => kinds.extend(listed.resources.into_iter().map(|resource| (version, resource.kind))),
            // The group is going, or its own server is down: as good as absent.
            Err(Error::Api { source, .. }) if is_absent(&source) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(present(&kinds))
}

/// Which of the optional versions the cluster serves at all; each once.
fn wanted(groups: &APIGroupList) -> BTreeSet<&'static str> {
    let served = groups.groups.iter().flat_map(|group| &group.versions).map(|version| version.group_version.as_str());
    let served: BTreeSet<&str> = served.collect();
    OPTIONAL.into_iter().map(|(version, _)| version).filter(|version| served.contains(version)).collect()
}

fn is_absent(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 404 | 503))
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

fn present(kinds: &[(&str, String)]) -> Apis {
    let has = |(version, kind): (&str, &str)| kinds.iter().any(|(found, of)| *found == version && of == kind);
    Apis {
        gateway: has(GATEWAY),
        service_monitor: has(SERVICE_MONITOR),
        pod_monitor: has(POD_MONITOR),
        prometheus_rule: has(PROMETHEUS_RULE),
        cert_manager: has(CERTIFICATE),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_group_in_another_version_or_without_the_kind_is_as_good_as_absent() {
        let version = |name: &str| json!({"groupVersion": name, "version": name.rsplit('/').next()});
        let versions = [version("gateway.networking.k8s.io/v1beta1"), version("monitoring.coreos.com/v1")];
        let groups = json!({"groups": [{"name": "any", "versions": versions}]});
        let groups: APIGroupList = serde_json::from_value(groups).unwrap();
        assert_eq!(wanted(&groups), BTreeSet::from(["monitoring.coreos.com/v1"]));
        let found = present(&[("monitoring.coreos.com/v1", "PrometheusRule".to_owned())]);
        assert_eq!(found, Apis { prometheus_rule: true, ..Apis::default() });
    }
}
