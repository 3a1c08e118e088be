//! The cluster under test, with the product's charts installed once for all tests of a run.

use kube::Client;
use tokio::sync::OnceCell;

use crate::shell::{apply, kubectl, must};

/// Where the operator runs.
pub const OPERATOR_NAMESPACE: &str = "chatbot-system";
/// Where the platform services run.
pub const SERVICES_NAMESPACE: &str = "chatbot-platform";

/// The upstream that says what a test tells it to, as a manifest: exact words, errors and delays.
pub const UPSTREAM: &str = include_str!("../manifests/upstream.yaml");

static INSTALLED: OnceCell<()> = OnceCell::const_new();

/// A cluster with CRDs, operator and platform services.
#[derive(Clone)]
pub struct Cluster {
    /// A client with the rights of the KUBECONFIG.
    pub client: Client,
}

impl Cluster {
    /// The cluster of the KUBECONFIG; installs the product if this run has not yet.
    ///
    /// # Panics
    /// When the cluster cannot be reached or a chart does not install.
    pub async fn get() -> Self {
        // Every client of HTTPS in this process needs one; the second time it is refused, and does no harm.
        drop(rustls::crypto::ring::default_provider().install_default());
        INSTALLED.get_or_init(install).await;
        let client = Client::try_default().await.expect("KUBECONFIG names a reachable cluster");
        Self { client }
    }
}

async fn install() {
    helm_install("chatbot-crds", OPERATOR_NAMESPACE, &[]).await;
    helm_install("platform-services", SERVICES_NAMESPACE, &["--values", &service_values()]).await;
    helm_install("chatbot-operator", OPERATOR_NAMESPACE, &[]).await;
    apply(UPSTREAM).await;
    rolled_out(SERVICES_NAMESPACE).await;
    rolled_out(OPERATOR_NAMESPACE).await;
}

/// The values files of the services: the images that are built here, then those of `SERVICES_VALUES`, which may put others in their place.
fn service_values() -> String {
    let further = std::env::var("SERVICES_VALUES").unwrap_or_default();
    ["charts/platform-services/values-local.yaml", &further].join(",").trim_end_matches(',').to_owned()
}

/// Installs or upgrades one of our charts under its own name.
///
/// # Panics
/// With what helm said, when it fails.
pub async fn helm_install(chart: &str, namespace: &str, more: &[&str]) {
    let path = format!("charts/{chart}");
    let mut args =
        vec!["upgrade", "--install", chart, &path, "--namespace", namespace, "--create-namespace", "--reset-values"];
    args.extend_from_slice(more);
    must("helm", &args, "").await;
}

/// Waits until every Deployment and StatefulSet of a namespace has its pods.
///
/// # Panics
/// When one does not within two minutes.
pub async fn rolled_out(namespace: &str) {
    for kind in ["statefulset", "deployment"] {
        kubectl(&["--namespace", namespace, "rollout", "status", kind, "--timeout=120s"]).await;
    }
}
