//! A running API with PostgreSQL alone, and people who want to come in.

use std::net::SocketAddr;
use std::time::Duration;

use chatbot::app::App;
use chatbot::auth::people::{Newcomer, People};
use chatbot::auth::{Role, Scopes, secret};
use chatbot::http;
use chatbot::store::api_keys::{self, NewKey};
use chatbot::store::audit::Actor;
use chatbot::store::users::User;
use reqwest::{Method, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::world::read;
use crate::support::{Database, app_with, migrated};

pub(super) const PASSWORD: &str = "correct horse battery";

pub(super) struct Gate {
    pub(super) app: App,
    pub(super) database: Database,
    url: String,
    client: reqwest::Client,
    _serving: JoinSet<()>,
}

/// Somebody who is logged in: an access token, and what the cookie holds.
#[derive(Clone, Debug)]
pub(super) struct Inside {
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) body: Value,
}

impl Gate {
    pub(super) async fn new() -> Self {
        Self::with(&[]).await
    }

    pub(super) async fn with(changes: &[(&str, &str)]) -> Self {
        Self::on(migrated().await, changes).await
    }

    pub(super) async fn on(database: Database, changes: &[(&str, &str)]) -> Self {
        let app = app_with(&database, "http://127.0.0.1:1", changes);
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut serving = JoinSet::new();
        serving.spawn(http::serve(app.clone(), listener, CancellationToken::new()));
        let client = reqwest::Client::builder().timeout(Duration::from_mins(1)).build().unwrap();
        Self { app, database, url, client, _serving: serving }
    }

    /// Makes a user who has [`PASSWORD`] and an address at example.org.
    pub(super) async fn user(&self, name: &str, role: Role) -> User {
        let password = Some(SecretString::from(PASSWORD));
        let newcomer = Newcomer { name: name.to_owned(), email: Some(format!("{name}@example.org")), role, password };
        People::from(&self.app).create(&Actor::COMMAND_LINE, &newcomer).await.unwrap()
    }

    /// A key of theirs with these scopes.
    pub(super) async fn key(&self, owner: &User, scopes: Scopes) -> String {
        let key = api_keys::from_random(secret::random().unwrap());
        let new = NewKey { user_id: owner.id, name: "test", key: key.expose_secret(), scopes, expires_at: None };
        api_keys::create_with(&self.database.pool, &new).await.unwrap();
        key.expose_secret().to_owned()
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(super) fn login(&self, name: &str, password: &str) -> RequestBuilder {
        self.request(Method::POST, "/api/v1/auth/login").json(&json!({"name": name, "password": password}))
    }

    /// Logs in; it must work.
    pub(super) async fn enter(&self, name: &str) -> Inside {
        inside(self.login(name, PASSWORD).send().await.unwrap()).await
    }

    pub(super) fn with_cookie(&self, path: &str, token: &str) -> RequestBuilder {
        let request = self.request(Method::POST, path);
        request.header("cookie", format!("theme=dark; chatbot_refresh={token}"))
    }

    pub(super) fn refresh(&self, token: &str) -> RequestBuilder {
        self.with_cookie("/api/v1/auth/refresh", token)
    }

    /// Status of `/auth/me` with this key or token.
    pub(super) async fn status_of(&self, credential: &str) -> u16 {
        read(self.request(Method::GET, "/api/v1/auth/me").bearer_auth(credential)).await.0
    }

    pub(super) async fn get(&self, path: &str, credential: &str) -> (u16, Value) {
        read(self.request(Method::GET, path).bearer_auth(credential)).await
    }

    /// Lets time pass for what the database notes of tokens and sessions.
    pub(super) async fn age(&self, minutes: i32) {
        for statement in [
            "UPDATE refresh_tokens SET rotated_at = rotated_at - make_interval(mins => $1)",
            "UPDATE sessions SET expires_at = expires_at - make_interval(mins => $1)",
        ] {
            sqlx::query(statement).bind(minutes).execute(&self.database.pool).await.unwrap();
        }
    }

    /// Action, actor and target of what was done, oldest first.
    pub(super) async fn audit(&self) -> Vec<(String, Option<String>, Option<String>)> {
        let query = "SELECT action, actor, target FROM audit ORDER BY at, id";
        sqlx::query_as(query).fetch_all(&self.database.pool).await.unwrap()
    }

    pub(super) async fn metrics(&self) -> String {
        self.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap()
    }
}

pub(super) async fn inside(response: Response) -> Inside {
    assert_eq!(response.status(), 200, "{:?}", response.text().await);
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    let refresh = cookie.strip_prefix("chatbot_refresh=").unwrap().split(';').next().unwrap().to_owned();
    let body: Value = response.json().await.unwrap();
    Inside { access: body["access_token"].as_str().unwrap().to_owned(), refresh, body }
}

/// The kind of a problem, with its status.
pub(super) fn kind((status, problem): &(u16, Value)) -> (u16, &str) {
    (*status, problem["type"].as_str().unwrap_or_default().trim_start_matches("urn:chatbot:problem:"))
}

pub(super) fn id(value: &Value) -> Uuid {
    value["id"].as_str().unwrap().parse().unwrap()
}
