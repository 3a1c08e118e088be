//! What is watched and cached: environments, what they own, and their pods; by namespace or cluster-wide.
//!
//! Only objects with the operator's own label are cached, and of Secrets nothing but metadata. Every watch feeds one queue of
//! environments to look at.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, SinkExt, Stream, StreamExt, channel::mpsc, future::join_all};
use k8s_openapi::api::{
    apps::v1::Deployment,
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::{CronJob, Job},
    core::v1::{Pod, Secret, Service, ServiceAccount},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, PartialObjectMeta},
    runtime::{
        Predicate, WatchStreamExt, predicates,
        reflector::{self, ObjectRef, Store, store::Writer},
        watcher,
    },
};
use serde::de::DeserializeOwned;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout_at},
};

use super::environment::resolve::Apis;
use crate::{
    crd::{ChatbotBackup, ChatbotEnvironment, ChatbotRestore},
    resources::{http_route, labels, pod_monitor, prometheus_rule, service_monitor},
};

/// An environment to look at.
pub type Target = ObjectRef<ChatbotEnvironment>;
/// Where watches report what is to be looked at.
pub type Queue<K = ChatbotEnvironment> = mpsc::Sender<ObjectRef<K>>;

/// Where watches report, by the kind that is to be looked at.
#[derive(Clone)]
pub struct Queues {
    /// Environments.
    pub environments: Queue,
    /// Backups.
    pub backups: Queue<ChatbotBackup>,
    /// Restores.
    pub restores: Queue<ChatbotRestore>,
}

/// Caches of one namespace, or of the cluster.
#[derive(Clone)]
pub struct Stores {
    /// Environments.
    pub environments: Store<ChatbotEnvironment>,
    /// Backups, whoever asked for them.
    pub backups: Store<ChatbotBackup>,
    /// Restores.
    pub restores: Store<ChatbotRestore>,
    /// Pods of environments.
    pub pods: Store<Pod>,
    /// Metadata of the Secrets that the operator made.
    pub secrets: Store<PartialObjectMeta<Secret>>,
    /// Everything else that it made, by kind.
    owned: Arc<Vec<(ApiResource, Store<DynamicObject>)>>,
}

impl Stores {
    /// Caches that somebody else fills.
    pub(super) fn new(
        (environments, backups, restores): (Store<ChatbotEnvironment>, Store<ChatbotBackup>, Store<ChatbotRestore>),
        pods: Store<Pod>,
        secrets: Store<PartialObjectMeta<Secret>>,
        owned: Vec<(ApiResource, Store<DynamicObject>)>,
    ) -> Self {
        Self { environments, backups, restores, pods, secrets, owned: Arc::new(owned) }
    }

    /// The backups of an environment, whoever asked for them, in the order of their names.
    #[must_use]
    pub fn backups_of(&self, namespace: &str, environment: &str) -> Vec<Arc<ChatbotBackup>> {
        let mut found = self.backups.state_filter(|backup| {
            backup.metadata.namespace.as_deref() == Some(namespace) && backup.spec.environment_ref.name == environment
        });
        found.sort_by(|one, other| one.metadata.name.cmp(&other.metadata.name));
        found
    }

    /// The restores of an environment, the oldest first.
    #[must_use]
    pub fn restores_of(&self, namespace: &str, environment: &str) -> Vec<Arc<ChatbotRestore>> {
        let mut found = self.restores.state_filter(|restore| {
            restore.metadata.namespace.as_deref() == Some(namespace) && restore.spec.environment_ref.name == environment
        });
        let age = |restore: &ChatbotRestore| (restore.creation_timestamp(), restore.name_any());
        found.sort_by_key(|restore| age(restore));
        found
    }

    /// An owned object other than a Secret.
    #[must_use]
    pub fn owned(&self, resource: &ApiResource, namespace: &str, name: &str) -> Option<Arc<DynamicObject>> {
        let (known, store) = self.owned.iter().find(|(known, _)| known.kind == resource.kind)?;
        store.get(&ObjectRef::new_with(name, known.clone()).within(namespace))
    }

    /// Every owned object of an environment other than Secrets, with its kind.
    #[must_use]
    pub fn all_owned(&self, namespace: &str, environment: &str) -> Vec<(ApiResource, Arc<DynamicObject>)> {
        let of_kind = |(resource, store): &(ApiResource, Store<DynamicObject>)| {
            let found = store.state_filter(|object| belongs_to(object, namespace, environment));
            found.into_iter().map(|object| (resource.clone(), object)).collect::<Vec<_>>()
        };
        self.owned.iter().flat_map(of_kind).collect()
    }

    /// Metadata of an environment's own Secrets.
    #[must_use]
    pub fn own_secrets(&self, namespace: &str, environment: &str) -> Vec<Arc<PartialObjectMeta<Secret>>> {
        self.secrets.state_filter(|secret| belongs_to(secret, namespace, environment))
    }

    /// The pods of an environment.
    #[must_use]
    pub fn own_pods(&self, namespace: &str, environment: &str) -> Vec<Arc<Pod>> {
        self.pods.state_filter(|pod| belongs_to(pod, namespace, environment))
    }

    /// Waits until the first list of every kind has arrived; optional kinds may never.
    ///
    /// # Errors
    /// When lists are still missing after [`FIRST_LISTS`].
    pub async fn ready(&self) -> Result<(), Missing> {
        let deadline = Instant::now() + FIRST_LISTS;
        let required = self.owned.iter().filter(|(resource, _)| required_api(&resource.kind).is_none());
        let owned = required.map(|(resource, store)| filled(&resource.kind, store, deadline).boxed());
        let others = [
            filled("ChatbotEnvironment", &self.environments, deadline).boxed(),
            filled("ChatbotBackup", &self.backups, deadline).boxed(),
            filled("ChatbotRestore", &self.restores, deadline).boxed(),
            filled("Pod", &self.pods, deadline).boxed(),
            filled("Secret", &self.secrets, deadline).boxed(),
        ];
        let missing: Vec<String> = join_all(others.into_iter().chain(owned)).await.into_iter().flatten().collect();
        if missing.is_empty() { Ok(()) } else { Err(Missing { kinds: missing }) }
    }
}

/// The first lists arrive in a moment; a watch that is refused is tried again without end.
const FIRST_LISTS: Duration = Duration::from_mins(1);

/// Kinds whose first list did not arrive. Without them the operator would lead, do nothing, and keep others from it.
#[derive(Debug, thiserror::Error)]
#[error(
    "the first list of {} has not arrived within {}s: check that the operator may list and watch them there \
     (RBAC, as charts/chatbot-operator writes it), and that the CRDs are installed (charts/chatbot-crds)",
    .kinds.join(", "),
    FIRST_LISTS.as_secs()
)]
pub struct Missing {
    kinds: Vec<String>,
}

/// The kind, if its cache is not filled in time. A cache that nobody fills any more never will be.
async fn filled<K>(kind: &str, store: &Store<K>, deadline: Instant) -> Option<String>
where
    K: reflector::Lookup + Clone + 'static,
    K::DynamicType: Eq + std::hash::Hash + Clone,
{
    let is_filled = matches!(timeout_at(deadline, store.wait_until_ready()).await, Ok(Ok(())));
    (!is_filled).then(|| kind.to_owned())
}

fn belongs_to<K: Resource>(object: &K, namespace: &str, environment: &str) -> bool {
    object.meta().namespace.as_deref() == Some(namespace)
        && object.labels().get(labels::ENVIRONMENT).is_some_and(|name| name == environment)
}

/// Starts the watches of one scope: a namespace, or the whole cluster. They run until `tasks` is dropped.
pub fn start(
    client: &Client,
    scope: Option<&str>,
    apis: &watch::Receiver<Apis>,
    queues: &Queues,
    tasks: &mut JoinSet<()>,
) -> Stores {
    let queue = &queues.environments;
    let (environments, writer) = reflector::store();
    tasks.spawn(feed(environment_triggers(api(client, scope), writer), queue.clone()));
    let (backups, writer) = reflector::store();
    tasks.spawn(feed_both(wishes(api(client, scope), writer), queues.backups.clone(), queue.clone()));
    let (restores, writer) = reflector::store();
    tasks.spawn(feed_both(wishes(api(client, scope), writer), queues.restores.clone(), queue.clone()));
    let (pods, writer) = reflector::store();
    tasks.spawn(feed(owned_triggers(api::<Pod>(client, scope), writer, forget_pod_details), queue.clone()));
    let (secrets, writer) = reflector::store();
    tasks.spawn(feed(owned_triggers(api(client, scope), writer, forget_managed_fields), queue.clone()));
    let kinds = kinds().into_iter();
    let owned = kinds
        .map(|kind| (kind.clone(), start_owned(client, scope, kind, apis.clone(), queue.clone(), tasks)))
        .collect();
    Stores::new((environments, backups, restores), pods, secrets, owned)
}

fn start_owned(
    client: &Client,
    scope: Option<&str>,
    resource: ApiResource,
    mut apis: watch::Receiver<Apis>,
    queue: Queue,
    tasks: &mut JoinSet<()>,
) -> Store<DynamicObject> {
    let writer = Writer::new(resource.clone());
    let store = writer.as_reader();
    let api = match scope {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    tasks.spawn(async move {
        if let Some(is_present) = required_api(&resource.kind)
            && apis.wait_for(is_present).await.is_err()
        {
            return std::future::pending().await;
        }
        // Of Deployments it matters who owns the number of replicas.
        let forget = if resource.kind == "Deployment" { forget_nothing } else { forget_managed_fields };
        feed(owned_triggers(api, writer, forget), queue).await;
    });
    store
}

/// Kinds that an environment owns, Secrets excepted.
pub(super) fn kinds() -> Vec<ApiResource> {
    vec![
        ApiResource::erase::<ServiceAccount>(&()),
        ApiResource::erase::<NetworkPolicy>(&()),
        ApiResource::erase::<CronJob>(&()),
        ApiResource::erase::<Job>(&()),
        ApiResource::erase::<Deployment>(&()),
        ApiResource::erase::<HorizontalPodAutoscaler>(&()),
        ApiResource::erase::<PodDisruptionBudget>(&()),
        ApiResource::erase::<Service>(&()),
        ApiResource::erase::<Ingress>(&()),
        http_route::resource(),
        service_monitor::resource(),
        pod_monitor::resource(),
        prometheus_rule::resource(),
    ]
}

/// What must be installed before a kind can be watched; nothing for Kubernetes' own.
fn required_api(kind: &str) -> Option<fn(&Apis) -> bool> {
    match kind {
        "HTTPRoute" => Some(|apis| apis.gateway),
        "ServiceMonitor" => Some(|apis| apis.service_monitor),
        "PodMonitor" => Some(|apis| apis.pod_monitor),
        "PrometheusRule" => Some(|apis| apis.prometheus_rule),
        _ => None,
    }
}

fn api<K>(client: &Client, scope: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
{
    scope.map_or_else(|| Api::all(client.clone()), |namespace| Api::namespaced(client.clone(), namespace))
}

/// A change of status alone is the operator's own doing, and no reason to look again.
fn environment_triggers(
    api: Api<ChatbotEnvironment>,
    writer: Writer<ChatbotEnvironment>,
) -> impl Stream<Item = Result<Target, watcher::Error>> + Send {
    let changes = predicates::generation.combine(predicates::annotations).combine(predicates::labels);
    watcher(api, watcher::Config::default())
        .default_backoff()
        .modify(|environment| environment.managed_fields_mut().clear())
        .reflect(writer)
        .touched_objects()
        .predicate_filter(changes, kube::runtime::PredicateConfig::default())
        .map(|seen| seen.map(|environment| ObjectRef::from_obj(&environment)))
}

fn owned_triggers<K>(
    api: Api<K>,
    writer: Writer<K>,
    forget: fn(&mut K),
) -> impl Stream<Item = Result<Target, watcher::Error>> + Send
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
    K::DynamicType: Eq + std::hash::Hash + Clone + Send + Sync,
{
    let selector = format!("{}={}", labels::MANAGED_BY, labels::OPERATOR);
    watcher(api, watcher::Config::default().labels(&selector))
        .default_backoff()
        .modify(forget)
        .reflect(writer)
        .touched_objects()
        .filter_map(async |seen| seen.map(|object| owner(&object)).transpose())
}

fn owner<K: Resource>(object: &K) -> Option<Target> {
    let environment = object.labels().get(labels::ENVIRONMENT)?;
    Some(ObjectRef::new(environment).within(object.meta().namespace.as_deref()?))
}

/// Backups and restores: what a person asked for, and what came of it.
fn wishes<K>(api: Api<K>, writer: Writer<K>) -> impl Stream<Item = Result<K, watcher::Error>> + Send
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
{
    watcher(api, watcher::Config::default())
        .default_backoff()
        .modify(forget_managed_fields)
        .reflect(writer)
        .touched_objects()
}

/// A watch mends itself after an error; it is said and no more.
async fn feed(triggers: impl Stream<Item = Result<Target, watcher::Error>> + Send, mut queue: Queue) {
    let mut triggers = std::pin::pin!(triggers);
    while let Some(seen) = triggers.next().await {
        match seen {
            Ok(target) => {
                if queue.send(target).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!(%error, "{BROKEN}"),
        }
    }
}

/// What a person asked for is looked at, and so is its environment.
async fn feed_both<K>(
    seen: impl Stream<Item = Result<K, watcher::Error>> + Send,
    mut queue: Queue<K>,
    mut environments: Queue,
) where
    K: Resource<DynamicType = ()> + OfEnvironment,
{
    let mut seen = std::pin::pin!(seen);
    while let Some(seen) = seen.next().await {
        match seen {
            Ok(object) => {
                let owner = ObjectRef::new(object.environment()).within(&object.namespace().unwrap_or_default());
                if queue.send(ObjectRef::from_obj(&object)).await.is_err() || environments.send(owner).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!(%error, "{BROKEN}"),
        }
    }
}

const BROKEN: &str = "a watch broke off and is started again";

/// What is asked of one environment.
trait OfEnvironment {
    /// Its name; both are in one namespace.
    fn environment(&self) -> &str;
}

impl OfEnvironment for ChatbotBackup {
    fn environment(&self) -> &str {
        &self.spec.environment_ref.name
    }
}

impl OfEnvironment for ChatbotRestore {
    fn environment(&self) -> &str {
        &self.spec.environment_ref.name
    }
}

fn forget_managed_fields<K: Resource>(object: &mut K) {
    object.managed_fields_mut().clear();
}

fn forget_nothing(_: &mut DynamicObject) {}

/// Of a pod only names, labels and status are read.
fn forget_pod_details(pod: &mut Pod) {
    forget_managed_fields(pod);
    pod.spec = None;
}

#[cfg(test)]
mod tests {
    use super::*;

    type Writers =
        (Writer<ChatbotEnvironment>, Writer<Pod>, Writer<PartialObjectMeta<Secret>>, Vec<Writer<DynamicObject>>);

    /// Nobody asks for backups or restores.
    fn empty() -> (Stores, Writers) {
        let ((environments, environment), (pods, pod), (secrets, secret)) =
            (reflector::store(), reflector::store(), reflector::store());
        let ((backups, mut backup), (restores, mut restore)) = (reflector::store(), reflector::store());
        fill(&mut backup);
        fill(&mut restore);
        let writers: Vec<_> = kinds().into_iter().map(Writer::new).collect();
        let owned = kinds().into_iter().zip(writers.iter().map(Writer::as_reader)).collect();
        (Stores::new((environments, backups, restores), pods, secrets, owned), (environment, pod, secret, writers))
    }

    fn fill<K>(writer: &mut Writer<K>)
    where
        K: reflector::Lookup + Clone + 'static,
        K::DynamicType: Eq + std::hash::Hash + Clone,
    {
        writer.apply_watcher_event(&watcher::Event::Init);
        writer.apply_watcher_event(&watcher::Event::InitDone);
    }

    #[tokio::test(start_paused = true)]
    async fn a_kind_whose_first_list_never_arrives_is_named_with_what_to_check() {
        let (stores, (mut environments, mut pods, _secrets, mut owned)) = empty();
        fill(&mut environments);
        fill(&mut pods);
        for (kind, writer) in kinds().iter().zip(&mut owned) {
            if kind.kind != "Ingress" {
                fill(writer);
            }
        }
        let message = stores.ready().await.unwrap_err().to_string();
        assert!(
            message.starts_with("the first list of Secret, Ingress has not arrived within 60s: check"),
            "{message}"
        );
        assert!(message.contains("RBAC") && message.contains("CRDs"), "{message}");
    }

    #[tokio::test(start_paused = true)]
    async fn kinds_that_the_cluster_may_lack_are_not_waited_for() {
        let (stores, (mut environments, mut pods, mut secrets, mut owned)) = empty();
        fill(&mut environments);
        fill(&mut pods);
        fill(&mut secrets);
        for (kind, writer) in kinds().iter().zip(&mut owned) {
            if required_api(&kind.kind).is_none() {
                fill(writer);
            }
        }
        stores.ready().await.unwrap();
    }
}
