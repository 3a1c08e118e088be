//! A cluster in memory for tests: an API server that remembers every call, and a kubelet that does as it is told.

mod server_side_apply;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use futures::channel::mpsc;
use http::{Request, Response};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{
    Client,
    api::{ApiResource, DynamicObject, PartialObjectMeta},
    client::Body,
    runtime::{
        reflector::{self, ObjectRef, store::Writer},
        watcher::Event,
    },
};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};
use tower_test::mock::{self, SendResponse};

use super::{
    context::Context,
    environment::{reconcile, resolve::Apis},
    memory::Memory,
    secrets::SecretWatches,
    stores::{Stores, kinds},
};
use crate::{
    clock::Clock,
    crd::ChatbotEnvironment,
    lease::Term,
    metrics::Metrics,
    notify::{Format, Notifier},
    probe::Prober,
    traces::Traces,
};

/// One call of the API server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Value,
    /// Whether a PATCH is a server-side apply.
    applies: bool,
}

struct Writers {
    environments: Writer<ChatbotEnvironment>,
    pods: Writer<Pod>,
    secrets: Writer<PartialObjectMeta<Secret>>,
    owned: Vec<(ApiResource, Writer<DynamicObject>)>,
}

struct State {
    objects: BTreeMap<String, Value>,
    /// What was last applied, by path.
    applied: BTreeMap<String, Value>,
    calls: Vec<Call>,
    refusals: BTreeMap<String, (u16, String)>,
    /// What an admission webhook adds to every write, by path.
    webhooks: BTreeMap<String, Value>,
    writers: Writers,
    version: u64,
    parked: Vec<SendResponse<Response<Body>>>,
}

/// What every pod answers.
struct Answers {
    health: (u16, Value),
    question: u16,
    metrics: String,
}

/// The cluster, and the context of an operator that works in it.
pub(crate) struct Cluster {
    state: Arc<Mutex<State>>,
    pub(crate) ctx: Arc<Context>,
    now: Arc<Mutex<Timestamp>>,
    pods: Arc<Mutex<Answers>>,
    _tasks: JoinSet<()>,
}

impl Cluster {
    /// A cluster with one environment and nothing else.
    pub(crate) async fn with(environment: ChatbotEnvironment) -> Self {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let (stores, writers) = stores();
        let state = State {
            objects: BTreeMap::new(),
            applied: BTreeMap::new(),
            calls: Vec::new(),
            refusals: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            writers,
            version: 1,
            parked: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let mut tasks = JoinSet::new();
        let answers = Answers { health: (200, json!({})), question: 200, metrics: String::new() };
        let pods = Arc::new(Mutex::new(answers));
        let port = serve_pods(&mut tasks, Arc::clone(&pods)).await;
        let client = serve_api(&mut tasks, Arc::clone(&state));
        let now = Arc::new(Mutex::new(Timestamp::from_second(1_790_000_000).unwrap()));
        let ctx = context(client, stores, Arc::clone(&now), port);
        let cluster = Self { state, ctx: Arc::new(ctx), now, pods, _tasks: tasks };
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

    pub(crate) fn later(&self, seconds: i64) {
        let mut now = self.now.lock().unwrap();
        *now = Timestamp::from_second(now.as_second() + seconds).unwrap();
    }

    pub(crate) fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    /// What every pod answers at /health from now on.
    pub(crate) fn pods_answer(&self, status: u16, body: Value) {
        self.pods.lock().unwrap().health = (status, body);
    }

    /// The status of every pod's answer to a question from now on.
    pub(crate) fn pods_answer_questions(&self, status: u16) {
        self.pods.lock().unwrap().question = status;
    }

    /// What every pod has answered its users so far: all requests, and those that failed.
    pub(crate) fn users_saw(&self, requests: u32, failed: u32) {
        let line =
            |status, count| format!("http_requests_total{{path=\"/api/v1/chat\",status=\"{status}\"}} {count}\n");
        self.pods.lock().unwrap().metrics = line(200, requests - failed) + &line(502, failed);
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

    /// Every Job succeeds, every Deployment rolls out, and pods of one that is gone go too.
    pub(crate) fn run_pods(&self) {
        let objects = self.state.lock().unwrap().objects.clone();
        let deployment = |pod: &str| {
            let (name, _) = pod.rsplit_once('-')?.0.rsplit_once('-')?;
            Some(format!("/deployments/{name}"))
        };
        let is_left = |path: &str| objects.keys().any(|key| key.ends_with(path));
        self.remove_pods(|pod| !pod.ends_with("-pod") && deployment(pod).is_some_and(|path| !is_left(&path)));
        for (path, object) in objects {
            if path.contains("/deployments/") {
                self.roll_out(&path, object);
            } else if path.contains("/jobs/") && object.get("status").is_none() {
                self.end_job(&path, "Complete", 0, r#"{"schema":"20260101000000","applied":[],"message":"done"}"#);
            }
        }
    }

    /// A Job ends with these last words.
    pub(crate) fn end_job(&self, path: &str, condition: &str, exit_code: i32, last_words: &str) {
        let now = self.now.lock().unwrap().to_string();
        let job = self.get(path).unwrap();
        let name = job["metadata"]["name"].as_str().unwrap().to_owned();
        let mut pod = pod_of(&job["spec"]["template"], &format!("{name}-pod"), &job["metadata"]);
        pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] = json!(name);
        let phase = if exit_code == 0 { "Succeeded" } else { "Failed" };
        let end = json!({"terminated": {"exitCode": exit_code, "message": last_words}});
        pod["status"] = json!({"phase": phase, "containerStatuses": [container(false, 0, &end)]});
        self.put_pod(pod);
        self.change(path, |job| {
            job["status"] = json!({"conditions": [{"type": condition, "status": "True", "lastTransitionTime": now}]});
        });
    }

    fn roll_out(&self, path: &str, mut deployment: Value) {
        let (metadata, template) = (deployment["metadata"].clone(), deployment["spec"]["template"].clone());
        let replicas = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
        let name = metadata["name"].as_str().unwrap();
        let release = template["metadata"]["labels"]["chatbot.platform/release"].as_str().unwrap();
        self.remove_pods(|pod| pod.starts_with(&format!("{name}-")));
        for number in 0..replicas {
            let mut pod = pod_of(&template, &format!("{name}-{release}-{number}"), &metadata);
            let ready = json!([{"type": "Ready", "status": "True"}]);
            pod["status"] = json!({"phase": "Running", "podIP": "127.0.0.1", "conditions": ready,
                "containerStatuses": [container(true, 0, &json!({"running": {}}))]});
            self.put_pod(pod);
        }
        let status = json!({"observedGeneration": metadata["generation"], "replicas": replicas, "updatedReplicas": replicas,
            "availableReplicas": replicas, "readyReplicas": replicas});
        if deployment["status"] != status {
            deployment["status"] = status;
            self.put(path, deployment);
        }
    }

    /// Gives every pod of a component another status.
    pub(crate) fn change_pods(&self, component: &str, status: &Value) {
        let pods = self.state.lock().unwrap().objects.clone();
        for (path, mut pod) in pods.into_iter().filter(|(path, _)| path.contains("/pods/")) {
            if pod["metadata"]["labels"]["app.kubernetes.io/component"] == component {
                pod["status"].clone_from(status);
                self.put(&path, pod);
            }
        }
    }

    /// What a Deployment tells of its pods from now on.
    pub(crate) fn deployments_tell(&self, status: &Value) {
        let objects = self.state.lock().unwrap().objects.clone();
        for (path, mut deployment) in objects.into_iter().filter(|(path, _)| path.contains("/deployments/")) {
            deployment["status"].clone_from(status);
            deployment["status"]["observedGeneration"] = deployment["metadata"]["generation"].clone();
            self.put(&path, deployment);
        }
    }

    fn put_pod(&self, pod: Value) {
        let path = format!("/api/v1/namespaces/{}/pods/{}", text(&pod, "namespace"), text(&pod, "name"));
        self.put(&path, pod);
    }

    fn remove_pods(&self, is_chosen: impl Fn(&str) -> bool) {
        let paths: Vec<_> =
            self.state.lock().unwrap().objects.keys().filter(|path| path.contains("/pods/")).cloned().collect();
        paths.iter().filter(|path| is_chosen(short(path))).for_each(|path| self.remove(path));
    }
}

impl State {
    fn put(&mut self, path: &str, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = json!(format!("uid-{}", self.version));
        }
        self.objects.insert(path.to_owned(), object.clone());
        self.tell(path, object, false);
    }

    fn remove(&mut self, path: &str) -> Option<Value> {
        self.applied.remove(path);
        let object = self.objects.remove(path)?;
        self.tell(path, object.clone(), true);
        Some(object)
    }

    /// Fills the operator's caches, as watches would.
    fn tell(&mut self, path: &str, object: Value, gone: bool) {
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        let is_own = object["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "chatbot-operator";
        if path.contains("/chatbotenvironments/") {
            self.writers.environments.apply_watcher_event(&event(object, gone));
        } else if !is_own {
        } else if kind == "Pod" {
            self.writers.pods.apply_watcher_event(&event(object, gone));
        } else if kind == "Secret" {
            self.writers.secrets.apply_watcher_event(&event(object, gone));
        } else if let Some((_, writer)) = self.writers.owned.iter_mut().find(|(resource, _)| resource.kind == kind) {
            // As in a list, whose items do not say of which kind they are.
            let nameless = merged(object, &json!({"apiVersion": null, "kind": null}));
            writer.apply_watcher_event(&event(nameless, gone));
        }
    }

    fn answer(&mut self, call: &Call) -> (u16, Value) {
        let text = format!("{} {}", call.method, call.path);
        let is_meant = |path: &str| text.contains(path) && (call.method != "GET" || path.starts_with("GET "));
        let refusal = self.refusals.iter().find(|(path, _)| is_meant(path));
        if let Some((_, (code, message))) = refusal {
            return (*code, status(*code, message));
        }
        let path = call.path.trim_end_matches("/status").to_owned();
        match call.method.as_str() {
            "GET" if path.ends_with("/events") => {
                (200, json!({"apiVersion": "events.k8s.io/v1", "kind": "EventList", "metadata": {}, "items": []}))
            }
            "GET" => self.objects.get(&path).map_or((404, status(404, "not found")), |object| (200, object.clone())),
            "POST" => (201, call.body.clone()),
            "PATCH" if path.contains("/events/") => (200, call.body.clone()),
            "DELETE" => self.remove(&path).map_or((404, status(404, "not found")), |object| (200, object)),
            "PATCH" if call.applies => self.apply(&path, &call.body),
            "PATCH" => self.patch(&path, &call.body),
            method => panic!("{method} {path}"),
        }
    }

    fn patch(&mut self, path: &str, change: &Value) -> (u16, Value) {
        let mut object = self.objects[path].clone();
        let read = &change["metadata"]["resourceVersion"];
        if !read.is_null() && *read != object["metadata"]["resourceVersion"] {
            return (409, status(409, "the object has been modified"));
        }
        merge(&mut object, change);
        self.write(path, object)
    }

    fn apply(&mut self, path: &str, body: &Value) -> (u16, Value) {
        let live = self.objects.get(path).cloned().unwrap_or_default();
        let read = &body["metadata"]["resourceVersion"];
        if !read.is_null() && *read != live["metadata"]["resourceVersion"] {
            return (409, status(409, "the object has been modified"));
        }
        let before = self.applied.insert(path.to_owned(), body.clone()).unwrap_or_default();
        self.write(path, server_side_apply::applied(&live, &before, body))
    }

    /// A change of the spec makes another generation.
    fn write(&mut self, path: &str, mut object: Value) -> (u16, Value) {
        if let Some(addition) = self.webhooks.get(path) {
            merge(&mut object, addition);
        }
        let old = self.objects.get(path);
        let generation = old.map_or(1, |old| {
            old["metadata"]["generation"].as_i64().unwrap_or(1) + i64::from(old["spec"] != object["spec"])
        });
        object["metadata"]["generation"] = json!(generation);
        self.put(path, object);
        (200, self.objects[path].clone())
    }
}

fn merge(target: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in fields {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut target[key], value);
        }
    }
}

fn merged(mut target: Value, patch: &Value) -> Value {
    merge(&mut target, patch);
    target
}

fn event<K: DeserializeOwned>(object: Value, gone: bool) -> Event<K> {
    let object = serde_json::from_value(object).unwrap();
    if gone { Event::Delete(object) } else { Event::Apply(object) }
}

fn stores() -> (Stores, Writers) {
    let (environments, environment_writer) = reflector::store();
    let (pods, pod_writer) = reflector::store();
    let (secrets, secret_writer) = reflector::store();
    let owned_writers: Vec<_> = kinds().into_iter().map(|kind| (kind.clone(), Writer::new(kind))).collect();
    let owned = owned_writers.iter().map(|(kind, writer)| (kind.clone(), writer.as_reader())).collect();
    let writers =
        Writers { environments: environment_writer, pods: pod_writer, secrets: secret_writer, owned: owned_writers };
    (Stores::new(environments, pods, secrets, owned), writers)
}

fn context(client: Client, stores: Stores, now: Arc<Mutex<Timestamp>>, port: u16) -> Context {
    let (queue, _looks) = mpsc::channel(64);
    let (_tell, apis) = watch::channel(Apis::default());
    Context {
        clock: Clock::from_fn(move || *now.lock().unwrap()),
        metrics: Arc::new(Metrics::default()),
        identity: "chatbot-operator-0".to_owned(),
        notifier: Notifier::start(None, Format::Json, Arc::default(), &mut JoinSet::new()).unwrap(),
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

fn serve_api(tasks: &mut JoinSet<()>, state: Arc<Mutex<State>>) -> Client {
    let (service, mut handle) = mock::pair::<Request<Body>, Response<Body>>();
    tasks.spawn(async move {
        while let Some((request, send)) = handle.next_request().await {
            let (parts, body) = request.into_parts();
            let query = parts.uri.query().unwrap_or_default().to_owned();
            if query.contains("metadata.name") || query.contains("watch=") {
                state.lock().unwrap().parked.push(send);
                continue;
            }
            let bytes = body.collect_bytes().await.unwrap();
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            let content =
                parts.headers.get(http::header::CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
            let applies = content.starts_with(b"application/apply-patch");
            let call = Call { method: parts.method.to_string(), path: parts.uri.path().to_owned(), body, applies };
            let (code, answer) = {
                let mut state = state.lock().unwrap();
                state.calls.push(call.clone());
                state.answer(&call)
            };
            send.send_response(
                Response::builder().status(code).body(Body::from(answer.to_string().into_bytes())).unwrap(),
            );
        }
    });
    Client::new(service, "default")
}

async fn serve_pods(tasks: &mut JoinSet<()>, pods: Arc<Mutex<Answers>>) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let code = |code: u16| StatusCode::from_u16(code).unwrap();
    let (asked, counted) = (Arc::clone(&pods), Arc::clone(&pods));
    let health = move || {
        let (status, body) = pods.lock().unwrap().health.clone();
        async move { (code(status), Json(body)) }
    };
    let question = move || {
        let status = asked.lock().unwrap().question;
        async move { code(status) }
    };
    let metrics = move || {
        let text = counted.lock().unwrap().metrics.clone();
        async move { text }
    };
    let router = Router::new()
        .route("/health", get(health))
        .route("/health/question", post(question))
        .route("/metrics", get(metrics));
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    port
}

fn environment_path(environment: &ChatbotEnvironment) -> String {
    let (namespace, name) =
        (environment.metadata.namespace.clone().unwrap(), environment.metadata.name.clone().unwrap());
    format!("/apis/chatbot.platform/v1alpha1/namespaces/{namespace}/chatbotenvironments/{name}")
}

fn pod_of(template: &Value, name: &str, owner: &Value) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "status": {}});
    pod["metadata"]["name"] = json!(name);
    pod["metadata"]["namespace"] = owner["namespace"].clone();
    pod
}

pub(crate) fn container(ready: bool, restarts: i32, state: &Value) -> Value {
    json!({"name": "app", "image": "chatbot:1", "imageID": "", "ready": ready, "restartCount": restarts, "state": state})
}

fn status(code: u16, message: &str) -> Value {
    let reason = if code == 404 { "NotFound" } else { "Test" };
    json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "message": message, "reason": reason})
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
