//! A kubelet that does as it is told, and pods that answer what they are told.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Cluster, short, text};

/// What every pod answers.
pub(super) struct Answers {
    health: (u16, Value),
    question: u16,
    metrics: String,
}

impl Default for Answers {
    fn default() -> Self {
        Self { health: (200, json!({})), question: 200, metrics: String::new() }
    }
}

impl Cluster {
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

    /// Containers of this Deployment end again and again from now on, with these words.
    pub(crate) fn crashes(&self, deployment: &str, last_words: &str) {
        self.crashing.lock().unwrap().insert(deployment.to_owned(), last_words.to_owned());
    }

    pub(crate) fn crashes_no_more(&self, deployment: &str) {
        self.crashing.lock().unwrap().remove(deployment);
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
            if condition == "Complete" {
                job["status"]["completionTime"] = json!(now);
            }
        });
    }

    /// The pods of a Job are not there: they are not seen yet, or were removed.
    pub(crate) fn lose_pods_of(&self, job: &str) {
        self.remove_pods(|pod| pod == format!("{job}-pod"));
    }

    fn roll_out(&self, path: &str, mut deployment: Value) {
        let (metadata, template) = (deployment["metadata"].clone(), deployment["spec"]["template"].clone());
        let replicas = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
        let name = metadata["name"].as_str().unwrap();
        let release = template["metadata"]["labels"]["chatbot.platform/release"].as_str().unwrap();
        let crash = self.crashing.lock().unwrap().get(name).cloned();
        self.remove_pods(|pod| pod.starts_with(&format!("{name}-")));
        for number in 0..replicas {
            let mut pod = pod_of(&template, &format!("{name}-{release}-{number}"), &metadata);
            pod["status"] = crash.as_deref().map_or_else(running, crashed);
            self.put_pod(pod);
        }
        let up = if crash.is_some() { 0 } else { replicas };
        let status = json!({"observedGeneration": metadata["generation"], "replicas": replicas, "updatedReplicas": replicas,
            "availableReplicas": up, "readyReplicas": up});
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

pub(super) async fn serve_pods(tasks: &mut JoinSet<()>, pods: Arc<Mutex<Answers>>) -> u16 {
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

fn pod_of(template: &Value, name: &str, owner: &Value) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "status": {}});
    pod["metadata"]["name"] = json!(name);
    pod["metadata"]["namespace"] = owner["namespace"].clone();
    pod
}

fn running() -> Value {
    json!({"phase": "Running", "podIP": "127.0.0.1", "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [container(true, 0, &json!({"running": {}}))]})
}

fn crashed(last_words: &str) -> Value {
    let mut container = container(false, 3, &json!({"waiting": {"reason": "CrashLoopBackOff"}}));
    container["lastState"] = json!({"terminated": {"exitCode": 2, "message": last_words}});
    json!({"phase": "Running", "podIP": "127.0.0.1", "containerStatuses": [container]})
}

pub(crate) fn container(ready: bool, restarts: i32, state: &Value) -> Value {
    json!({"name": "app", "image": "chatbot:1", "imageID": "", "ready": ready, "restartCount": restarts, "state": state})
}
