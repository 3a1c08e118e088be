//! An API server that remembers every call, and fills the operator's caches as watches would.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{
    Client,
    api::{ApiResource, DynamicObject, PartialObjectMeta},
    client::Body,
    runtime::{
        reflector::{self, store::Writer},
        watcher::Event,
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tower_test::mock::{self, SendResponse};

use super::server_side_apply;
use crate::{
    controllers::stores::{Stores, kinds},
    crd::{ChatbotBackup, ChatbotEnvironment, ChatbotRestore},
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

pub(super) struct Writers {
    environments: Writer<ChatbotEnvironment>,
    backups: Writer<ChatbotBackup>,
    restores: Writer<ChatbotRestore>,
    pods: Writer<Pod>,
    secrets: Writer<PartialObjectMeta<Secret>>,
    owned: Vec<(ApiResource, Writer<DynamicObject>)>,
}

pub(super) struct State {
    pub(super) objects: BTreeMap<String, Value>,
    /// What was last applied, by path.
    applied: BTreeMap<String, Value>,
    pub(super) calls: Vec<Call>,
    pub(super) refusals: BTreeMap<String, (u16, String)>,
    /// What an admission webhook adds to every write, by path.
    pub(super) webhooks: BTreeMap<String, Value>,
    writers: Writers,
    version: u64,
    parked: Vec<SendResponse<Response<Body>>>,
}

impl State {
    pub(super) fn new(writers: Writers) -> Self {
        Self {
            objects: BTreeMap::new(),
            applied: BTreeMap::new(),
            calls: Vec::new(),
            refusals: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            writers,
            version: 1,
            parked: Vec::new(),
        }
    }

    pub(super) fn put(&mut self, path: &str, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = json!(format!("uid-{}", self.version));
        }
        self.objects.insert(path.to_owned(), object.clone());
        self.tell(path, object, false);
    }

    pub(super) fn remove(&mut self, path: &str) -> Option<Value> {
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
        } else if path.contains("/chatbotbackups/") {
            self.writers.backups.apply_watcher_event(&event(object, gone));
        } else if path.contains("/chatbotrestores/") {
            self.writers.restores.apply_watcher_event(&event(object, gone));
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
            "POST" if path.ends_with("/events") => (201, call.body.clone()),
            "POST" => self.create(&path, &call.body),
            "PATCH" if path.contains("/events/") => (200, call.body.clone()),
            "DELETE" => self.remove(&path).map_or((404, status(404, "not found")), |object| (200, object)),
            "PATCH" if call.applies => self.apply(&path, &call.body),
            "PATCH" => self.patch(&path, &call.body),
            method => panic!("{method} {path}"),
        }
    }

    fn create(&mut self, collection: &str, object: &Value) -> (u16, Value) {
        let path = format!("{collection}/{}", object["metadata"]["name"].as_str().unwrap());
        if self.objects.contains_key(&path) {
            return (409, status(409, "it exists already"));
        }
        self.put(&path, object.clone());
        (201, self.objects[&path].clone())
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

pub(super) fn stores() -> (Stores, Writers) {
    let (environments, environment_writer) = reflector::store();
    let ((backups, backup_writer), (restores, restore_writer)) = (reflector::store(), reflector::store());
    let (pods, pod_writer) = reflector::store();
    let (secrets, secret_writer) = reflector::store();
    let owned_writers: Vec<_> = kinds().into_iter().map(|kind| (kind.clone(), Writer::new(kind))).collect();
    let owned = owned_writers.iter().map(|(kind, writer)| (kind.clone(), writer.as_reader())).collect();
    let writers = Writers {
        environments: environment_writer,
        backups: backup_writer,
        restores: restore_writer,
        pods: pod_writer,
        secrets: secret_writer,
        owned: owned_writers,
    };
    (Stores::new((environments, backups, restores), pods, secrets, owned), writers)
}

pub(super) fn serve_api(tasks: &mut JoinSet<()>, state: Arc<Mutex<State>>) -> Client {
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

fn status(code: u16, message: &str) -> Value {
    let reason = if code == 404 { "NotFound" } else { "Test" };
    json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "message": message, "reason": reason})
}
