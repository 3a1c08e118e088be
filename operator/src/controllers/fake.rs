//! A cluster in memory for tests: an API server that remembers every call, and a kubelet that does as it is told.

mod api_server;
mod kubelet;
mod server_side_apply;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use futures::channel::mpsc;
use jiff::Timestamp;
use kube::{Client, runtime::reflector::ObjectRef};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};

pub(crate) use self::kubelet::container;
use self::{
    api_server::{Call, State, serve_api, stores},
    kubelet::{Answers, serve_pods},
};
use super::{
    context::Context,
    environment::{reconcile, resolve::Apis},
    memory::Memory,
    secrets::SecretWatches,
    stores::Stores,
};
use crate::{
    clock::Clock,
    crd::ChatbotEnvironment,
    lease::Term,
    metrics::Metrics,
    notify::{Delivery, Format, Notifier},
    probe::Prober,
    traces::Traces,
};

/// The cluster, and the context of an operator that works in it.
pub(crate) struct Cluster {
    state: Arc<Mutex<State>>,
    pub(crate) ctx: Arc<Context>,
    now: Arc<Mutex<Timestamp>>,
    pods: Arc<Mutex<Answers>>,
    /// Last words of Deployments whose containers end again and again.
    crashing: Mutex<BTreeMap<String, String>>,
    _tasks: JoinSet<()>,
}

impl Cluster {
    /// A cluster with one environment and nothing else.
    pub(crate) async fn with(environment: ChatbotEnvironment) -> Self {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let (stores, writers) = stores();
        let state = Arc::new(Mutex::new(State::new(writers)));
        let mut tasks = JoinSet::new();
        let pods = Arc::new(Mutex::new(Answers::default()));
        let port = serve_pods(&mut tasks, Arc::clone(&pods)).await;
        let client = serve_api(&mut tasks, Arc::clone(&state));
        let now = Arc::new(Mutex::new(Timestamp::from_second(1_790_000_000).unwrap()));
        let ctx = context(client, stores, Arc::clone(&now), port);
        let cluster = Self { state, ctx: Arc::new(ctx), now, pods, crashing: Mutex::default(), _tasks: tasks };
        cluster.put(&environment_path(&environment), serde_json::to_value(&environment).unwrap());
        cluster
    }

    /// Puts an object into the cluster as a person would.
    pub(crate) fn put(&self, path: &str, object: Value) {
        self.state.lock().unwrap().put(path, object);
    }

    /// A Secret of the user's.
    pub(crate) fn put_secret(&self, namespace: &str, name: &str, pairs: &[(&str, &str)]) {
        let data: BTreeMap<_, _> =
            pairs.iter().map(|(key, value)| ((*key).to_owned(), json!(base64(value.as_bytes())))).collect();
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": data});
        self.put(&format!("/api/v1/namespaces/{namespace}/secrets/{name}"), object);
    }

    pub(crate) fn remove(&self, path: &str) {
        self.state.lock().unwrap().remove(path);
    }

    /// The object goes, and no watch tells it.
    pub(crate) fn vanish(&self, path: &str) {
        self.state.lock().unwrap().objects.remove(path);
    }

    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        self.state.lock().unwrap().objects.get(path).cloned()
    }

    /// Changes an object as somebody else would.
    pub(crate) fn change(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.get(path).unwrap_or_else(|| panic!("no {path}"));
        change(&mut object);
        self.put(path, object);
    }

    /// Writes to paths that contain this text are refused from now on; a read, where it starts with `GET `.
    pub(crate) fn refuse(&self, path: &str, code: u16, message: &str) {
        self.state.lock().unwrap().refusals.insert(path.to_owned(), (code, message.to_owned()));
    }

    /// An admission webhook adds this to every write of the object from now on.
    pub(crate) fn admit_with(&self, path: &str, addition: Value) {
        self.state.lock().unwrap().webhooks.insert(path.to_owned(), addition);
    }

    pub(crate) fn allow_everything(&self) {
        self.state.lock().unwrap().refusals.clear();
    }

    /// The operator is configured to tell this webhook what happens from now on.
    pub(crate) fn notifies(&mut self, url: &str) -> Delivery {
        let metrics = Arc::clone(&self.ctx.metrics);
        let (notifier, delivery) = Notifier::start(Some(&SecretString::from(url)), Format::Json, metrics).unwrap();
        Arc::make_mut(&mut self.ctx).notifier = notifier;
        delivery
    }

    pub(crate) fn later(&self, seconds: i64) {
        let mut now = self.now.lock().unwrap();
        *now = Timestamp::from_second(now.as_second() + seconds).unwrap();
    }

    pub(crate) fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    /// Calls since the last time, without those of watches.
    pub(crate) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    /// Writes since the last time, as `METHOD name-of-the-object`.
    pub(crate) fn writes(&self) -> Vec<String> {
        let calls = self.calls().into_iter().filter(|call| call.method != "GET");
        calls.map(|call| format!("{} {}", call.method, short(&call.path))).collect()
    }

    pub(crate) fn environment(&self) -> ChatbotEnvironment {
        let state = self.state.lock().unwrap();
        let (_, object) = state.objects.iter().find(|(path, _)| path.contains("/chatbotenvironments/")).unwrap();
        serde_json::from_value(object.clone()).unwrap()
    }

    /// Looks once at the environment.
    pub(crate) async fn reconcile(&self) {
        let environment = self.ctx.stores.environments.state().into_iter().next().unwrap();
        reconcile(environment, Arc::clone(&self.ctx)).await.unwrap();
    }

    /// Looks once at every backup and every restore, as its controller does.
    pub(crate) async fn reconcile_wishes(&self) {
        for backup in self.ctx.stores.backups.state() {
            Box::pin(super::backup::reconcile(backup, Arc::clone(&self.ctx))).await.unwrap();
        }
        for restore in self.ctx.stores.restores.state() {
            Box::pin(super::restore::reconcile(restore, Arc::clone(&self.ctx))).await.unwrap();
        }
    }

    /// Lets the operator and the kubelet work until nothing is written any more.
    pub(crate) async fn settle(&self) {
        for _ in 0..30 {
            self.run_pods();
            self.reconcile().await;
            if self.writes().is_empty() {
                return;
            }
        }
        panic!("never at rest: {:?}", self.environment().status);
    }
}

fn context(client: Client, stores: Stores, now: Arc<Mutex<Timestamp>>, port: u16) -> Context {
    let (queue, _looks) = mpsc::channel(64);
    let (_tell, apis) = watch::channel(Apis::default());
    Context {
        clock: Clock::from_fn(move || *now.lock().unwrap()),
        metrics: Arc::new(Metrics::default()),
        identity: "chatbot-operator-0".to_owned(),
        notifier: Notifier::start(None, Format::Json, Arc::default()).unwrap().0,
        traces: Traces::default(),
        // No test takes as long.
        term: Term::since(tokio::time::Instant::now() + std::time::Duration::from_hours(24)),
        prober: Prober::new().unwrap().with_port(port),
        memory: Arc::new(Memory::default()),
        secrets: Arc::new(SecretWatches::new(client.clone(), queue)),
        apis,
        everywhere: Arc::new(vec![stores.clone()]),
        stores,
        operator_namespace: "chatbot-system".to_owned(),
        new_password: || Ok(SecretString::from("generated")),
        client,
    }
}

fn environment_path(environment: &ChatbotEnvironment) -> String {
    let (namespace, name) =
        (environment.metadata.namespace.clone().unwrap(), environment.metadata.name.clone().unwrap());
    format!("/apis/chatbot.platform/v1alpha1/namespaces/{namespace}/chatbotenvironments/{name}")
}

fn text(object: &Value, field: &str) -> String {
    object["metadata"][field].as_str().unwrap().to_owned()
}

fn short(path: &str) -> &str {
    path.trim_end_matches("/status").rsplit('/').next().unwrap()
}

fn base64(bytes: &[u8]) -> String {
    serde_json::to_value(k8s_openapi::ByteString(bytes.to_vec())).unwrap().as_str().unwrap().to_owned()
}

/// The reference by which the operator remembers the environment.
pub(crate) fn target(environment: &ChatbotEnvironment) -> ObjectRef<ChatbotEnvironment> {
    ObjectRef::from_obj(environment)
}
