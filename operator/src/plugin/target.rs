//! Which cluster, namespace and environment a subcommand is about.

use std::{future::Future, time::Duration};

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, Config, ResourceExt,
    api::ListParams,
    config::{KubeConfigOptions, Kubeconfig},
};

use super::{Options, PluginError};
use crate::{
    crd::{ChatbotEnvironment, Colour},
    resources::labels::{self, Component},
};

/// Deadline of one request.
const REQUEST: Duration = Duration::from_secs(15);

/// A cluster and a namespace.
#[derive(Clone)]
pub struct Target {
    /// The connection.
    pub client: Client,
    /// The namespace.
    pub namespace: String,
}

impl Target {
    /// Reads the kubeconfig; connects with the first request.
    ///
    /// # Errors
    /// When there is no usable kubeconfig.
    pub async fn connect(options: &Options) -> Result<Self, PluginError> {
        let config = config(options).await?;
        let namespace = options.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| PluginError::api("set up the connection", &error))?;
        Ok(Self { client, namespace })
    }

    /// Objects of the namespace.
    #[must_use]
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The environment of that name, or the only one of the namespace.
    ///
    /// # Errors
    /// When there is none, or more than one without a name.
    pub async fn environment(&self, name: Option<&str>) -> Result<ChatbotEnvironment, PluginError> {
        let namespace = self.namespace.clone();
        let environments = self.environments().await?;
        match name {
            Some(name) => {
                let found = environments.into_iter().find(|environment| environment.name_any() == name);
                found.ok_or_else(|| PluginError::UnknownEnvironment { name: name.to_owned(), namespace })
            }
            None => only(environments, namespace),
        }
    }

    async fn environments(&self) -> Result<Vec<ChatbotEnvironment>, PluginError> {
        let api: Api<ChatbotEnvironment> = self.api();
        let doing = format!("list ChatbotEnvironments in namespace {}", self.namespace);
        let listed = deadline(&doing, async { Ok(api.list(&ListParams::default()).await) }).await?;
        match listed {
            Ok(list) => Ok(list.items),
            Err(kube::Error::Api(status)) if status.code == 404 => Err(PluginError::NotInstalled),
            Err(error) => Err(PluginError::api(&doing, &error)),
        }
    }

    /// Pods of one component; of one colour where one is given.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn pods(
        &self,
        name: &str,
        component: Component,
        colour: Option<Colour>,
    ) -> Result<Vec<Pod>, PluginError> {
        let selector = match colour {
            Some(_) => labels::selector(name, component, colour),
            None => labels::component_selector(name, component),
        };
        let pods: Api<Pod> = self.api();
        let params = ListParams::default().labels(&labels::selector_string(&selector));
        let doing = format!("list pods in namespace {}", self.namespace);
        Ok(within(&doing, pods.list(&params)).await?.items)
    }
}

async fn config(options: &Options) -> Result<Config, PluginError> {
    let failed = |error: &dyn std::error::Error| PluginError::Kubeconfig(super::error::with_causes(error));
    let context = KubeConfigOptions { context: options.context.clone(), ..KubeConfigOptions::default() };
    match &options.kubeconfig {
        Some(path) => {
            let file = Kubeconfig::read_from(path).map_err(|error| failed(&error))?;
            Config::from_custom_kubeconfig(file, &context).await.map_err(|error| failed(&error))
        }
        None => Config::from_kubeconfig(&context).await.map_err(|error| failed(&error)),
    }
}

fn only(environments: Vec<ChatbotEnvironment>, namespace: String) -> Result<ChatbotEnvironment, PluginError> {
    let names: Vec<_> = environments.iter().map(ResourceExt::name_any).collect();
    let mut all = environments.into_iter();
    match (all.next(), names.len()) {
        (None, _) => Err(PluginError::NoEnvironment { namespace }),
        (Some(environment), 1) => Ok(environment),
        (Some(_), _) => Err(PluginError::Ambiguous { namespace, names: names.join(", ") }),
    }
}

/// The colour that gets the traffic.
///
/// # Errors
/// Before the first release.
pub fn active(environment: &ChatbotEnvironment) -> Result<Colour, PluginError> {
    let release = environment.status.as_ref().and_then(|status| status.release.as_ref());
    release.and_then(|release| release.active).ok_or_else(|| PluginError::NoActiveRelease {
        name: environment.name_any(),
        namespace: environment.namespace().unwrap_or_default(),
    })
}

/// Whether a pod takes requests.
#[must_use]
pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready =
        conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    ready && pod.metadata.deletion_timestamp.is_none()
}

/// One request with a deadline.
///
/// # Errors
/// When it fails or takes too long; `doing` says what was being done.
pub async fn within<T>(doing: &str, request: impl Future<Output = kube::Result<T>>) -> Result<T, PluginError> {
    deadline(doing, async { request.await.map_err(|error| PluginError::api(doing, &error)) }).await
}

async fn deadline<T>(doing: &str, work: impl Future<Output = Result<T, PluginError>>) -> Result<T, PluginError> {
    tokio::time::timeout(REQUEST, work).await.unwrap_or_else(|_| {
        let cause = format!("no answer within {} s: is the cluster reachable?", REQUEST.as_secs());
        Err(PluginError::Api { doing: doing.to_owned(), cause })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> ChatbotEnvironment {
        let spec = serde_json::json!({ "tier": "dev", "image": "chatbot", "secretRef": { "name": "chatbot" } });
        ChatbotEnvironment::new(name, serde_json::from_value(spec).unwrap())
    }

    #[test]
    fn without_a_name_the_only_environment_is_meant() {
        assert_eq!(only(vec![environment("dev")], "ns".to_owned()).unwrap().name_any(), "dev");
    }

    #[test]
    fn none_and_several_are_told_apart() {
        let none = only(Vec::new(), "ns".to_owned()).unwrap_err().to_string();
        assert!(none.contains("namespace ns: apply one"), "{none}");
        let several = only(vec![environment("a"), environment("b")], "ns".to_owned()).unwrap_err().to_string();
        assert!(several.contains("(a, b)"), "{several}");
    }

    #[test]
    fn an_environment_without_a_release_has_no_active_colour() {
        assert!(matches!(active(&environment("dev")), Err(PluginError::NoActiveRelease { .. })));
    }
}
