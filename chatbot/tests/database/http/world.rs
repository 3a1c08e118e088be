//! A running chatbot with everything around it, and a person who talks to it.

use std::net::SocketAddr;
use std::time::Duration;

use chatbot::{app::App, http, jobs::runner, store::api_keys};
use reqwest::{Method, RequestBuilder, Response};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use test_qdrant::Own;
use test_upstream::{Script, Step};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{Database, app_with, eventually, migrated};

/// So many that words seldom share a place in the scripted vectors.
pub(super) const DIMENSIONS: usize = 1024;

pub(super) struct World {
    pub(super) app: App,
    pub(super) database: Database,
    pub(super) upstream: test_upstream::Running,
    pub(super) qdrant: Option<Own>,
    pub(super) stop: CancellationToken,
    pub(super) url: String,
    client: reqwest::Client,
    key: String,
    tasks: JoinSet<()>,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A chatbot with changed variables.
    pub(super) async fn with(changes: &[(&str, &str)]) -> Self {
        let database = migrated().await;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let qdrant = Own::start(None).await;
        let upstream = test_upstream::start(test_upstream::Settings { address, dimensions: DIMENSIONS }).await.unwrap();
        let (base_url, dimensions) = (upstream.base_url(), DIMENSIONS.to_string());
        let mut variables = vec![
            ("RESOURCE_PREFIX", qdrant.prefix()),
            ("QDRANT_API_KEY", qdrant.api_key().unwrap_or_default()),
            ("LLM_BASE_URL", base_url.as_str()),
            ("LLM_MODEL", "scripted"),
            ("EMBEDDING_PROVIDER", "upstream"),
            ("EMBEDDING_BASE_URL", &base_url),
            ("EMBEDDING_DIMENSIONS", &dimensions),
        ];
        variables.extend(changes);
        let app = app_with(&database, &qdrant.url(), &variables);
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = http::serve(app.clone(), listener, stop.clone());
        tasks.spawn(serving);
        let (worker, stopped) = (app.clone(), stop.clone());
        tasks.spawn(async move { runner::run(&worker, stopped).await.unwrap() });
        let client = reqwest::Client::builder().timeout(Duration::from_mins(1)).build().unwrap();
        let mut world =
            Self { app, database, upstream, qdrant: Some(qdrant), stop, url, client, key: String::new(), tasks };
        world.key = world.key_of("sara").await;
        world
    }

    /// A key of a new user.
    pub(super) async fn key_of(&self, name: &str) -> String {
        let user = chatbot::store::users::create(&self.database.pool, name).await.unwrap();
        let mut bits = [0; 32];
        bits[..16].copy_from_slice(Uuid::new_v4().as_bytes());
        let key = api_keys::from_random(bits);
        api_keys::create(&self.database.pool, user.id, "test", key.expose_secret(), None).await.unwrap();
        key.expose_secret().to_owned()
    }

    /// Waits until the server has finished everything.
    pub(super) async fn stopped(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.key)
    }

    pub(super) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        read(self.request(Method::GET, path)).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.request(Method::POST, path).json(body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> u16 {
        self.request(Method::DELETE, path).send().await.unwrap().status().as_u16()
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.put_raw(path, body)).await
    }

    pub(super) fn put_raw(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::PUT, path).json(body)
    }

    pub(super) async fn patch(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.request(Method::PATCH, path).json(body)).await
    }

    /// Another pod of the same environment: its URL.
    pub(super) async fn another_pod(&mut self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        self.tasks.spawn(http::serve(self.app.clone(), listener, self.stop.clone()));
        url
    }

    pub(super) fn request_at(&self, url: &str, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{url}{path}")).bearer_auth(&self.key)
    }

    /// Uploads a document and waits until it is found.
    pub(super) async fn upload(&self, title: &str, text: &str) -> String {
        let request = self.request(Method::POST, &format!("/api/v1/documents?title={title}"));
        let request = request.header("content-type", "text/markdown").body(text.to_owned());
        let (status, document) = read(request).await;
        assert_eq!(status, 201, "{document}");
        let id = document["id"].as_str().unwrap().to_owned();
        self.status_of(&id, "ready").await;
        id
    }

    pub(super) async fn status_of(&self, id: &str, wanted: &str) -> Value {
        eventually("the document's status", async || {
            let (_, document) = self.get(&format!("/api/v1/documents/{id}")).await;
            (document["status"] == wanted).then_some(document)
        })
        .await
    }

    /// Asks for a whole answer.
    pub(super) async fn ask(&self, message: &str) -> Value {
        let (status, answer) = self.post("/api/v1/chat", &json!({"message": message})).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Asks for a stream, and waits for its first byte.
    pub(super) async fn stream(&self, body: &Value) -> Response {
        let request = self.request(Method::POST, "/api/v1/chat").header("accept", "text/event-stream").json(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        response
    }

    pub(super) fn says(&self, text: &str) {
        self.play(vec![Step::Answer { text: text.to_owned(), token_delay_ms: 0 }]);
    }

    pub(super) fn play(&self, steps: Vec<Step>) {
        self.upstream.script(Script { model: "any".to_owned(), steps });
    }

    /// Role, text and finish reason of the messages of a conversation.
    pub(super) async fn messages(&self, conversation: &Value) -> Vec<(String, String, Value)> {
        let path = format!("/api/v1/conversations/{}/messages", conversation.as_str().unwrap());
        let (_, page) = self.get(&path).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let message = |item: &Value| (text(&item["role"]), text(&item["content"]), item["finishReason"].clone());
        page["items"].as_array().unwrap().iter().map(message).collect()
    }
}

pub(super) async fn read(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
}

/// Name and data of the events of a stream.
pub(super) fn events(body: &str) -> Vec<(String, Value)> {
    let event = |block: &str| {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        Some((field("event:")?.to_owned(), serde_json::from_str(field("data:")?).unwrap()))
    };
    body.split("\n\n").filter_map(event).collect()
}

/// The same document with ids, times and durations that differ from run to run replaced.
pub(super) fn stable(mut value: Value) -> Value {
    steady(&mut value);
    value
}

fn steady(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if field.is_string() && (name == "id" || name.ends_with("Id") || name.ends_with("At") || name == "next")
                {
                    *field = Value::String(format!("<{name}>"));
                }
                steady(field);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(steady),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
